import type pg from 'pg';
import { entryKindName } from '../../../domain/ledger/wallet.ts';
import type { Occurrence } from '../../../pipeline/queries/found-event.ts';

export type StoredEntry = NonNullable<Occurrence['entry']>;

/** The ledger entries behind these event keys. */
export async function readEntries(pool: pg.Pool, keys: readonly string[]): Promise<ReadonlyMap<string, StoredEntry>> {
  if (keys.length === 0) return new Map();
  const { rows } = await pool.query<{
    event_key: string;
    kind: number;
    seq: bigint;
    balance_after: bigint;
    lane: number;
    batch_no: bigint;
    posted_at: Date | null;
  }>(
    `select e.event_key, e.kind, e.seq, e.balance_after, e.lane, e.batch_no, b.posted_at
     from entry e left join batch b using (lane, batch_no) where e.event_key = any($1::uuid[])`,
    [keys],
  );
  return new Map(
    rows.map((row) => [
      row.event_key,
      {
        kind: entryKindName(row.kind),
        sequence: row.seq,
        balanceAfter: row.balance_after,
        batch: { lane: row.lane, batchNo: Number(row.batch_no) },
        postedAtMs: row.posted_at?.getTime() ?? null,
      },
    ]),
  );
}
