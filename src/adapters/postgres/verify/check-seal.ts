import { hash } from 'node:crypto';
import { parseEventKey } from '../../../domain/events/event-key.ts';
import { headerHash, linkAfter, recordsHash } from '../../../domain/ledger/chain/batch-link.ts';
import { type BatchTree, batchTree } from '../batch-root.ts';
import { encodeEntries } from '../copy-entries.ts';
import type { BatchRow, EntryRow, StoredBatch } from './stored-batch.ts';

/** Which sealed parts of a batch are as they were written. */
export interface SealCheck {
  /** The rows of `entry` have the stored root. */
  readonly entries: boolean;
  readonly facts: boolean;
  readonly records: boolean;
  /** The batch's own columns and its contra legs have the stored link. */
  readonly header: boolean;
  /** Columns of the seal itself that were changed: with what the rows say, the link fits. */
  readonly digests: readonly (keyof Digests)[];
  /** The link of what is stored now. */
  readonly link: Buffer;
  /** What the rows say now. */
  readonly computed: Digests;
}

type Digests = Pick<BatchRow, 'root' | 'wallets' | 'facts_hash' | 'records_hash'>;

/** Computes a batch's seal again from what is stored; the root only when all its entries are here. */
export function checkSeal(batch: StoredBatch, previous: Buffer): SealCheck {
  const { row } = batch;
  const computed = digestsOf(batch);
  const same = {
    root: isSame(computed.root, row.root),
    wallets: computed.wallets === row.wallets,
    facts_hash: isSame(computed.facts_hash, row.facts_hash),
    records_hash: isSame(computed.records_hash, row.records_hash),
  };
  const link = linkOf(batch, previous);
  const header = link.equals(row.chain);
  const columns = ['root', 'wallets', 'facts_hash', 'records_hash'] as const;
  // Without all entries there is no root to compare; the link still holds the stored one.
  if (batch.away.length > 0) {
    same.root = true;
    same.wallets = true;
  }
  const differing = columns.filter((column) => !same[column]);
  const digests =
    header || differing.length === 0
      ? []
      : differing.filter((column) => linkOf(batch, previous, { [column]: computed[column] }).equals(row.chain));
  const fits = (column: keyof Digests) => same[column] || digests.includes(column);
  return {
    entries: fits('root') && fits('wallets'),
    facts: fits('facts_hash'),
    records: fits('records_hash'),
    header: header || digests.length > 0,
    digests,
    link,
    computed,
  };
}

function digestsOf({ row, entries, records }: StoredBatch): Digests {
  const tree = treeOf(entries, row);
  return {
    root: tree.root,
    wallets: tree.walletIds.length,
    facts_hash: row.facts === null ? null : hash('sha256', row.facts, 'buffer'),
    records_hash: recordsHash(records.map(({ record }) => hashed(record))),
  };
}

/** The link that the batch's columns lead to; `over` tries other values for some of them. */
export function linkOf(
  { row, contra }: Pick<StoredBatch, 'row' | 'contra'>,
  previous: Buffer,
  over: Partial<BatchRow> = {},
): Buffer {
  const tried = { ...row, ...over };
  return linkAfter(previous, {
    root: tried.root ?? Buffer.alloc(0),
    place: {
      lane: tried.lane,
      batchNo: tried.batch_no,
      kind: tried.kind,
      postedAtMs: tried.posted_at.getTime(),
      wallets: tried.wallets ?? -1,
    },
    headerHash: headerHash({
      epoch: tried.epoch,
      events: tried.events,
      posted: tried.posted,
      duplicate: tried.duplicate,
      quarantined: tried.quarantined,
      priced: tried.priced,
      rulesetHash: tried.ruleset_hash,
      idempotencyKey: tried.idempotency_key,
      requestHash: tried.request_hash,
      actor: tried.actor,
      reason: tried.reason,
      contra,
      factsHash: tried.facts_hash,
      recordsHash: tried.records_hash,
    }),
  });
}

/** The tree over a batch's entries as they are stored, by wallet and sequence. */
export function treeOf(
  rows: readonly EntryRow[],
  { lane, batch_no }: { readonly lane: number; readonly batch_no: bigint },
): BatchTree {
  const entries = rows.map((row) => ({
    key: parseEventKey(row.event_key),
    wallet: { walletId: row.wallet_id },
    seq: row.seq,
    amount: row.amount,
    balanceAfter: row.balance_after,
    contentHash: row.content_hash,
    kind: row.kind,
  }));
  return batchTree(entries, encodeEntries(entries, Number(batch_no), lane));
}

/** A record as its hash covers it: an audit line without its time, which is the batch's own; times in milliseconds. */
function hashed(record: readonly unknown[]): readonly unknown[] {
  const values = record[0] === 'audit' ? record.slice(0, -1) : record;
  return values.map((value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}000Z$/.test(value) ? `${value.slice(0, -4)}Z` : value,
  );
}

function isSame(left: Buffer | null, right: Buffer | null): boolean {
  return left === null || right === null ? left === right : left.equals(right);
}
