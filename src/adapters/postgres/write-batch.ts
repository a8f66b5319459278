import { hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { writeEventKey } from '../../domain/events/event-key.ts';
import { encodeFeatures } from '../../domain/features/account-features.ts';
import { headerHash, linkAfter } from '../../domain/ledger/chain/batch-link.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { BatchRecord, EntryRow, UnfinishedBatch } from '../../pipeline/lane/batch-record.ts';
import { breathe } from '../../pipeline/lane/breath.ts';
import { encodeIdFilter, FactsEncoder } from '../../pipeline/lane/facts-codec.ts';
import { type BatchTree, placedTree, walletOrder } from './batch-root.ts';
import { byteaArray, int2Array, int8Array, timestampArray, uuidArray } from './binary-array.ts';
import { COPY_ENTRIES, COPY_TRAILER_BYTES, EntryEncoder, encodeEntries } from './copy-entries.ts';
import { type OpenCopy, openCopy } from './copy-rows.ts';
import { insertNewWallets, recordsHashOf, writeRareRows } from './write-rare-rows.ts';

/**
 * Pieces a turn of the event loop while several lanes write: lanes that took turns after each piece would drive one
 * another's events out of the processor's cache, which costs a tenth of the thread's time.
 */
const PIECES_A_TURN = 4;

/** Up to so many entries travel inside the one statement; COPY costs one more round trip. */
const INSERTED_MAX = 1_000;

/**
 * Writes everything of one lane batch inside the caller's database transaction. One statement carries the whole of an
 * ordinary small batch, because every further round trip waits for its turn in a busy event loop; the entries of a large
 * one go by COPY, which is twice as fast per row, and the server takes them while the rest of the batch is still being
 * made.
 */
export class BatchWriter {
  readonly #client: pg.PoolClient;
  /** The database transaction's own time. */
  readonly #postedAtMs: number;
  readonly #facts = new FactsEncoder();
  #encoder: EntryEncoder | undefined;
  #copy: OpenCopy | undefined;
  #sent = 0;
  #pieces = 0;

  constructor(client: pg.PoolClient, postedAtMs: number) {
    this.#client = client;
    this.#postedAtMs = postedAtMs;
  }

  /**
   * Sends the entries made since it was last called, and lets the event loop turn every so often: what a socket does not
   * take at once is sent then, and holds are answered. From then on `write` or `abandon` must come next.
   *
   * @param isAlone no other lane's batch is on its way: then the server has nothing else to do than wait for this one.
   */
  async stream(batch: UnfinishedBatch, entriesExpected: number, isAlone: boolean): Promise<void> {
    this.#send(batch, entriesExpected);
    this.#pieces++;
    if (isAlone || this.#pieces % PIECES_A_TURN === 0) await nextTurn();
  }

  #send(batch: UnfinishedBatch, entriesExpected: number): void {
    this.#encoder ??= new EntryEncoder(entriesExpected, batch.batchNo, batch.lane);
    this.#copy ??= openCopy(this.#client, COPY_ENTRIES);
    this.#copy.send(this.#encoder.append(batch.entries, this.#sent));
    this.#sent = batch.entries.length;
    this.#facts.append(batch.facts);
  }

  /** Frees the connection for a rollback when a batch could not be made. */
  abandon(): void {
    this.#copy?.abandon();
  }

  /**
   * Writes the batch, or what is left of it, and returns the new chain value: SHA-256 over the previous one, the root over
   * its entries and everything else the batch says.
   */
  async write(batch: BatchRecord): Promise<Buffer> {
    const { entries } = batch;
    const copies = this.#copy !== undefined || entries.length > INSERTED_MAX;
    await breathe();
    if (copies && this.#sent < entries.length) this.#send(batch, entries.length);
    const bytes = this.#encoder?.finish() ?? encodeEntries(entries, batch.batchNo, batch.lane);
    this.#copy?.send(bytes.subarray(-COPY_TRAILER_BYTES));
    this.#copy?.end();
    // Encoded, compressed on another thread and hashed while the server reads its rows.
    this.#facts.append(batch.facts);
    const encoding = this.#facts.finish();
    // Awaited below; either may fail while others have the event loop.
    void Promise.allSettled([encoding, this.#copy?.done]);
    await breathe();
    const wallets = batch.touched.map(({ wallet }) => wallet);
    const order = walletOrder(wallets);
    const tree = placedTree(entries, wallets, order, bytes);
    const [facts] = await Promise.all([encoding, this.#copy?.done]);
    await breathe();
    await insertNewWallets(this.#client, batch);
    const seal = sealBatch(batch, { tree, facts, postedAtMs: this.#postedAtMs });
    // Rows are updated in key order, so that two writers can wait for each other but never deadlock.
    const heads = Array.from(order, (place) => known(wallets[place]));
    await writeHeads(this.#client, batch, { seal, facts, heads, inserted: copies ? [] : entries });
    await writeRareRows(this.#client, batch);
    return seal.chain;
  }
}

/** What makes a batch tamper-evident, stored with it. */
export interface BatchSeal {
  readonly chain: Buffer;
  readonly root: Buffer;
  readonly wallets: number;
  readonly revenue: bigint;
  readonly factsHash: Buffer;
  readonly recordsHash: Buffer | null;
}

/** The batch's link in the chain of its lane. */
export function sealBatch(
  batch: BatchRecord,
  { tree, facts, postedAtMs }: { readonly tree: BatchTree; readonly facts: Buffer; readonly postedAtMs: number },
): BatchSeal {
  const { lane, epoch, priced, counts, rulesetHash } = batch;
  const factsHash = hash('sha256', facts, 'buffer');
  const records = recordsHashOf(batch);
  const wallets = tree.walletIds.length;
  const { currency } = batch;
  const revenue = revenueOf(batch);
  const contra = [
    { ledgerAccount: 'revenue', currency, amount: revenue },
    { ledgerAccount: 'breakage', currency, amount: batch.breakage },
  ].filter(({ amount }) => amount !== 0n);
  const chain = linkAfter(batch.previousChain, {
    root: tree.root,
    place: { lane, batchNo: BigInt(batch.batchNo), kind: 'usage', postedAtMs, wallets },
    headerHash: headerHash({
      epoch,
      events: batch.facts.length,
      ...counts,
      priced,
      rulesetHash,
      idempotencyKey: null,
      requestHash: null,
      actor: 'lane',
      reason: null,
      contra,
      factsHash,
      recordsHash: records,
    }),
  });
  return { chain, root: tree.root, wallets, revenue, factsHash, recordsHash: records };
}

/** Values that an index of their own list found. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('a place that no wallet has');
  return value;
}

/** The other side of the batch's entries, but for credit that ended. */
function revenueOf(batch: BatchRecord): bigint {
  let sum = batch.breakage;
  for (const { amount } of batch.entries) sum += amount;
  return -sum;
}

const WRITE_HEADS = `
  with head as (
    update lane_head set last_batch = $2, chain = $3, ingested_at = $4, features_through = $5
    where lane = $1 and last_batch = $2 - 1 returning 1
  ), entries as (
    insert into entry (event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, batch_no, lane, kind)
    select u.event_key, u.wallet_id, u.seq, u.amount, u.balance_after, u.event_time, u.content_hash, $2, $1, u.kind
    from unnest($22::uuid[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::timestamptz[], $28::bigint[], $29::smallint[])
      as u(event_key, wallet_id, seq, amount, balance_after, event_time, content_hash, kind)
  ), wallets as (
    update wallet w set posted = u.posted, seq = u.seq, residue = u.residue
    from unnest($17::bigint[], $18::bigint[], $19::bigint[], $34::bigint[]) as u(wallet_id, posted, seq, residue) where w.wallet_id = u.wallet_id
  ), checkpoints as (
    insert into feature_state (wallet_id, lane, through_batch, state)
    select u.wallet_id, $1, $2, u.state from unnest($20::bigint[], $21::bytea[]) as u(wallet_id, state)
    on conflict (wallet_id) do update set through_batch = excluded.through_batch, state = excluded.state, lane = excluded.lane
  ), contra as (
    insert into batch_contra (lane, batch_no, ledger_account, currency, amount)
    select $1, $2, 'revenue', $6, $7 from head where $7::bigint <> 0
  ), facts as (
    insert into batch_facts (lane, batch_no, events, facts, id_filter) select $1, $2, $8, $9, $10 from head
  )
  insert into batch (lane, batch_no, kind, epoch, events, posted, duplicate, quarantined, priced, ruleset_hash, actor, chain,
    root, wallets, facts_hash, records_hash)
  select $1, $2, 'usage', $11, $8, $12, $13, $14, $15, $16, 'lane', $3, $30, $31, $32, $33 from head`;

interface BatchParts {
  readonly seal: BatchSeal;
  readonly facts: Buffer;
  /** The touched wallets, by ascending id. */
  readonly heads: readonly WalletHead[];
  /** Entries to insert here, unless COPY took them. */
  readonly inserted: readonly EntryRow[];
}

/** Lane head, entries, wallet heads, checkpoints, the batch row, its contra total and its facts, in one statement. */
async function writeHeads(client: pg.PoolClient, batch: BatchRecord, parts: BatchParts): Promise<void> {
  const { seal, facts, heads, inserted } = parts;
  const { counts } = batch;
  const checkpoints = [...batch.checkpoints];
  const { rowCount } = await client.query({
    name: 'write-heads',
    text: WRITE_HEADS,
    values: [
      batch.lane,
      batch.batchNo,
      seal.chain,
      formatIso(batch.clockMs),
      batch.featuresThrough,
      batch.currency,
      seal.revenue,
      batch.facts.length,
      facts,
      encodeIdFilter(batch.facts),
      batch.epoch,
      counts.posted,
      counts.duplicate,
      counts.quarantined,
      batch.priced,
      batch.rulesetHash,
      int8Array(heads, (wallet) => wallet.walletId),
      int8Array(heads, (wallet) => wallet.posted),
      int8Array(heads, (wallet) => wallet.seq),
      int8Array(checkpoints, (account) => account.wallet.walletId),
      byteaArray(checkpoints, (account) => encodeFeatures(account.features)),
      uuidArray(inserted, (entry, view, offset) => writeEventKey(entry.key, view, offset)),
      int8Array(inserted, (entry) => entry.wallet.walletId),
      int8Array(inserted, (entry) => entry.seq),
      int8Array(inserted, (entry) => entry.amount),
      int8Array(inserted, (entry) => entry.balanceAfter),
      timestampArray(inserted, (entry) => entry.key.timeMs),
      int8Array(inserted, (entry) => entry.contentHash),
      int2Array(inserted, (entry) => entry.kind),
      seal.root,
      seal.wallets,
      seal.factsHash,
      seal.recordsHash,
      int8Array(heads, (wallet) => wallet.residue),
    ],
  });
  if (rowCount !== 1)
    throw new AppError('LANE_FENCED', `lane ${batch.lane} is no longer at batch ${batch.batchNo - 1}`);
}
