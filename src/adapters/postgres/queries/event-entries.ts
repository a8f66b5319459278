import type pg from 'pg';
import { entryKindName } from '../../../domain/ledger/wallet.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { Occurrence } from '../../../pipeline/queries/found-event.ts';
import { findArchived } from '../archive/find-archived.ts';

export type StoredEntry = NonNullable<Occurrence['entry']>;

interface EntryRow {
  readonly event_key: string;
  readonly kind: number;
  readonly seq: bigint;
  readonly balance_after: bigint;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly posted_at: Date | null;
}

/** The ledger entries behind these event keys; those of archived days from their files, as far as they are here. */
export async function readEntries(
  pool: pg.Pool,
  keys: readonly string[],
  files: ArchiveFiles,
): Promise<ReadonlyMap<string, StoredEntry>> {
  if (keys.length === 0) return new Map();
  const { rows } = await pool.query<EntryRow>(
    `select e.event_key, e.kind, e.seq, e.balance_after, e.lane, e.batch_no, b.posted_at
     from entry e left join batch b using (lane, batch_no) where e.event_key = any($1::uuid[])`,
    [keys],
  );
  const attached = new Set(rows.map(({ event_key }) => event_key));
  const gone = keys.filter((key) => !attached.has(key));
  return new Map(
    [...rows, ...(await findArchived(pool, files, gone))].map((row) => [
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
