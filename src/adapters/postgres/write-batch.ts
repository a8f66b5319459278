import { hash } from 'node:crypto';
import type pg from 'pg';
import { writeEventKey } from '../../domain/events/event-key.ts';
import { encodeFeatures } from '../../domain/features/account-features.ts';
import { headerHash, linkAfter } from '../../domain/ledger/chain/batch-link.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { BatchRecord, EntryRow } from '../../pipeline/lane/batch-record.ts';
import { breathe } from '../../pipeline/lane/breath.ts';
import { encodeFacts, encodeIdFilter } from '../../pipeline/lane/facts-codec.ts';
import { type BatchTree, batchTree } from './batch-root.ts';
import { byteaArray, int2Array, int8Array, timestampArray, uuidArray } from './binary-array.ts';
import { COPY_ENTRIES, encodeEntries } from './copy-entries.ts';
import { copyRows } from './copy-rows.ts';
import { insertNewWallets, recordsHashOf, writeRareRows } from './write-rare-rows.ts';

/** Up to so many entries travel inside the one statement; COPY costs one more round trip. */
const INSERTED_MAX = 1_000;

/**
 * Writes everything of one lane batch inside the caller's database transaction and returns the new chain value:
 * SHA-256 over the previous one, the root over its entries and everything else the batch says. One statement carries the
 * whole of an ordinary small batch, because every further round trip waits for its turn in a busy event loop; a large batch
 * sends its entries by COPY, which is twice as fast per row.
 *
 * @param postedAtMs the database transaction's own time.
 */
export async function writeBatch(client: pg.PoolClient, batch: BatchRecord, postedAtMs: number): Promise<Buffer> {
  await breathe();
  const copyBytes = encodeEntries(batch.entries, batch.batchNo, batch.lane);
  await insertNewWallets(client, batch);
  const copies = batch.entries.length > INSERTED_MAX;
  await breathe();
  const copied = copies ? copyRows(client, COPY_ENTRIES, copyBytes) : undefined;
  // Encoded, compressed on another thread and hashed while the server reads its rows.
  const encoding = encodeFacts(batch.facts);
  // Awaited below; either may fail while others have the event loop.
  void Promise.allSettled([encoding, copied]);
  await breathe();
  const tree = batchTree(batch.entries, copyBytes);
  const [facts] = await Promise.all([encoding, copied]);
  await breathe();
  const seal = sealBatch(batch, { tree, facts, postedAtMs });
  await writeHeads(client, batch, { seal, facts, inserted: copies ? [] : batch.entries });
  await writeRareRows(client, batch);
  return seal.chain;
}

/** What makes a batch tamper-evident, stored with it. */
export interface BatchSeal {
  readonly chain: Buffer;
  readonly root: Buffer;
  readonly wallets: number;
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
  const contra = [
    { ledgerAccount: 'revenue', currency, amount: revenueOf(batch) },
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
  return { chain, root: tree.root, wallets, factsHash, recordsHash: records };
}

/** The other side of the batch's entries, but for credit that ended. */
function revenueOf(batch: BatchRecord): bigint {
  return -batch.entries.reduce((sum, entry) => sum + entry.amount, 0n) - batch.breakage;
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
  /** Entries to insert here, unless COPY took them. */
  readonly inserted: readonly EntryRow[];
}

/** Lane head, entries, wallet heads, checkpoints, the batch row, its contra total and its facts, in one statement. */
async function writeHeads(client: pg.PoolClient, batch: BatchRecord, parts: BatchParts): Promise<void> {
  const { seal, facts, inserted } = parts;
  const { counts } = batch;
  const heads = batch.touched.map((account) => account.wallet);
  // Rows are updated in key order, so that two writers can wait for each other but never deadlock.
  heads.sort((left, right) => (left.walletId < right.walletId ? -1 : 1));
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
      revenueOf(batch),
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
