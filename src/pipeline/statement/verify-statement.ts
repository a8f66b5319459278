import { contentHashOf, eventKeyOf, formatEventKey, parseEventKey } from '../../domain/events/event-key.ts';
import { addressOf, formatWalletId } from '../../domain/ids.ts';
import { linkAfter, linkLeaf } from '../../domain/ledger/chain/batch-link.ts';
import { type StoredEntry, walletLeaf } from '../../domain/ledger/chain/entry-bytes.ts';
import { rootFrom } from '../../domain/ledger/chain/merkle.ts';
import { headHash, parseLaneHead } from '../../domain/ledger/chain/published-head.ts';
import { entryKindName } from '../../domain/ledger/wallet.ts';
import { formatDecimal } from '../../domain/money/nanos.ts';
import type { StatementFile } from './statement-json.ts';

type Entry = StatementFile['entries'][number];
type Proof = NonNullable<StatementFile['proof']>;

/** Everything wrong with a statement file, in words; nothing when it is proven. `head` is the published value, if known. */
export function verifyStatement(file: StatementFile, head: string | undefined): readonly string[] {
  const { proof } = file;
  const sums = checkSums(file);
  if (proof === undefined) return [...sums, 'There is no proof in the file: ask for the statement with --proof.'];
  return [...sums, ...checkEvents(file, proof), ...checkHead(proof, head), ...checkInclusion(file, proof)];
}

function checkSums(file: StatementFile): readonly string[] {
  const faults: string[] = [];
  let [sequence, balance] = [file.opening.sequence, file.opening.balanceNanos];
  const totals = new Map<string, { entries: number; amount: bigint }>();
  for (const entry of file.entries) {
    sequence += 1n;
    balance += entry.amountNanos;
    if (entry.sequence !== sequence) faults.push(`Entry ${entry.sequence} stands where entry ${sequence} belongs.`);
    if (entry.balanceNanos !== balance) {
      faults.push(
        `Entry ${entry.sequence} leaves ${entry.balance}; by the entries before it is ${formatDecimal(balance)}.`,
      );
    }
    if (formatDecimal(entry.amountNanos) !== entry.amount || formatDecimal(entry.balanceNanos) !== entry.balance) {
      faults.push(`Entry ${entry.sequence} says its amounts twice, and not the same.`);
    }
    if ((file.from !== null && entry.postedAt < file.from) || (file.to !== null && entry.postedAt >= file.to)) {
      faults.push(`Entry ${entry.sequence} was posted outside the statement's time.`);
    }
    const total = totals.get(entry.kind) ?? { entries: 0, amount: 0n };
    totals.set(entry.kind, { entries: total.entries + 1, amount: total.amount + entry.amountNanos });
    [sequence, balance] = [entry.sequence, entry.balanceNanos];
  }
  if (file.closing.sequence !== sequence || file.closing.balanceNanos !== balance) {
    faults.push(`The closing balance is ${file.closing.balance}; the entries lead to ${formatDecimal(balance)}.`);
  }
  for (const point of [file.opening, file.closing]) {
    if (formatDecimal(point.balanceNanos) !== point.balance) faults.push('A balance is said twice, and not the same.');
  }
  for (const { kind, entries, amountNanos, amount } of file.totals) {
    const total = totals.get(kind);
    totals.delete(kind);
    if (total?.entries !== entries || total.amount !== amountNanos || formatDecimal(amountNanos) !== amount) {
      faults.push(`The total of ${kind} is not that of its entries.`);
    }
  }
  if (totals.size > 0) faults.push(`There is no total of ${[...totals.keys()].join(', ')}.`);
  return faults;
}

/** What an entry says of its event is what its key and its content hash were made of. */
function checkEvents(file: StatementFile, proof: Proof): readonly string[] {
  const faults: string[] = [];
  const { tenant, account, currency } = file;
  const { walletId } = addressOf(tenant, account, currency);
  if (walletId !== proof.walletNumber || formatWalletId(walletId) !== file.wallet) {
    faults.push('The proof is about the wallet of another account.');
  }
  for (const {
    sequence,
    eventId: id,
    source,
    meter,
    quantity,
    event,
    occurredAt,
    eventKey,
    contentHash,
  } of file.entries) {
    if (id === null || source === null || meter === null || quantity === null || event == null) continue;
    const occurredAtMs = occurredAt;
    const usage = {
      tenant,
      id,
      source,
      account,
      meter,
      occurredAtMs,
      quantity: { text: quantity, coefficient: 0n, decimals: 0, approximate: 0 },
      ...(event.sequence === null ? {} : { sequence: event.sequence }),
      ...(event.properties === null ? {} : { properties: event.properties }),
    };
    if (formatEventKey(eventKeyOf(usage)) !== eventKey || contentHashOf(usage) !== contentHash) {
      faults.push(`Entry ${sequence} was not made from the event it names.`);
    }
  }
  return faults;
}

function checkHead(proof: Proof, head: string | undefined): readonly string[] {
  const own = headHash(proof.heads);
  const faults = own === proof.head ? [] : ['The heads of the lanes do not make the head in the file.'];
  if (head === undefined || own === head) return faults;
  return [...faults, `The proof leads to head ${own}, not to ${head}.`];
}

function checkInclusion(file: StatementFile, proof: Proof): readonly string[] {
  const faults: string[] = [];
  const lanes = new Map<number, Map<number, Buffer>>();
  const proven = new Set<Entry>();
  const byBatch = new Map<string, Entry[]>();
  for (const entry of file.entries) {
    const name = `${entry.lane} ${entry.batch}`;
    const known = byBatch.get(name);
    if (known === undefined) byBatch.set(name, [entry]);
    else known.push(entry);
  }
  for (const batch of proof.batches) {
    const entries = byBatch.get(`${batch.lane} ${batch.batch}`) ?? [];
    for (const entry of entries) proven.add(entry);
    if (entries.some(({ postedAt }) => postedAt !== batch.postedAt)) {
      faults.push(
        `Entries of batch ${batch.batch} in lane ${batch.lane} name another time of posting than their batch.`,
      );
    }
    const leaves = new Map([[batch.index, walletLeaf(entries.map((entry) => storedEntry(entry, proof.walletNumber)))]]);
    const root = rootFrom({ size: batch.wallets, leaves, nodes: batch.nodes });
    const links = lanes.get(batch.lane) ?? new Map<number, Buffer>();
    lanes.set(batch.lane, links);
    if (root === undefined) {
      faults.push(`The proof of batch ${batch.batch} in lane ${batch.lane} leaves its entries out.`);
      continue;
    }
    const place = {
      lane: batch.lane,
      batchNo: batch.batch,
      kind: batch.kind,
      postedAtMs: batch.postedAt,
      wallets: batch.wallets,
    };
    links.set(Number(batch.batch) - 1, linkLeaf(linkAfter(batch.previous, { root, headerHash: batch.header, place })));
  }
  for (const entry of file.entries) {
    if (!proven.has(entry)) faults.push(`Entry ${entry.sequence} has no proof.`);
  }
  const heads = proof.heads.map(parseLaneHead);
  for (const [lane, leaves] of lanes) {
    const head = heads.find((known) => known?.lane === lane);
    const nodes = proof.lanes.find((known) => known.lane === lane)?.nodes ?? new Map<string, Buffer>();
    const root = head === undefined ? undefined : rootFrom({ size: head.batches, leaves, nodes });
    if (root?.equals(head?.root ?? Buffer.alloc(0)) !== true) {
      faults.push(`The entries in lane ${lane} do not lead to its head: one of them is not as it was written.`);
    }
  }
  return faults;
}

function storedEntry(entry: Entry, walletId: bigint): StoredEntry {
  const { eventKey = '', contentHash = 0n, kindCode = 0 } = entry;
  const key = parseEventKey(eventKey === '' ? '0'.repeat(32) : eventKey);
  // A time or a kind that the row does not have makes another row, and so another root.
  const isSame = key.timeMs === entry.occurredAt && entryKindName(kindCode) === entry.kind;
  return {
    key,
    walletId,
    seq: entry.sequence,
    amount: entry.amountNanos,
    balanceAfter: entry.balanceNanos,
    contentHash,
    batchNo: entry.batch,
    lane: entry.lane,
    kind: isSame ? kindCode : -1,
  };
}
