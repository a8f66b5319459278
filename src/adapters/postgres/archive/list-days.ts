import type pg from 'pg';
import { dayStartMs } from '../../../domain/archive/day.ts';
import type { DayState, EntryDay } from '../../../pipeline/archive/archive-store.ts';
import { partitionName } from '../partitions.ts';

/** Tables up to this size are counted row by row; larger ones are estimated. */
const COUNTED_BYTES_MAX = 256 * 1024 * 1024;

interface DayRow {
  readonly day: Date;
  readonly state: DayState;
  readonly estimate: bigint;
  readonly heap_bytes: bigint;
  readonly bytes: bigint;
  readonly entries: bigint | null;
  readonly file: string | null;
  readonly directory: string | null;
  readonly sha256: string | null;
  readonly file_bytes: bigint | null;
  readonly quarantined: bigint;
}

/** Every day that has or had entries, oldest first. */
export async function listDays(pool: pg.Pool): Promise<readonly EntryDay[]> {
  const { rows } = await pool.query<DayRow>(
    `with attached as (
       select to_date(right(c.relname, 8), 'YYYYMMDD') as day, c.oid, c.reltuples
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'entry'::regclass and c.relname ~ '^entry_\\d{8}$'
     )
     select (coalesce(t.day, a.day)::timestamp at time zone 'UTC') as day, coalesce(a.state, 'open') as state,
       greatest(t.reltuples, 0)::bigint as estimate, coalesce(pg_relation_size(t.oid), 0) as heap_bytes,
       coalesce(pg_total_relation_size(t.oid), 0) as bytes, a.entries, a.file, a.directory, a.sha256, a.file_bytes,
       (select count(*) from quarantine q where q.status = 'open'
          and q.event_time >= coalesce(t.day, a.day) and q.event_time < coalesce(t.day, a.day) + 1) as quarantined
     from attached t full join archived_day a on a.day = t.day order by 1`,
  );
  const days: EntryDay[] = [];
  for (const row of rows) {
    const dayMs = dayStartMs(row.day.getTime());
    const isArchived = row.state === 'archived';
    const isEstimate = !isArchived && row.heap_bytes > COUNTED_BYTES_MAX;
    const { file, directory, sha256 } = row;
    days.push({
      dayMs,
      state: row.state,
      rows: isArchived ? (row.entries ?? 0n) : isEstimate ? row.estimate : await countRows(pool, dayMs),
      isEstimate,
      bytes: isArchived ? (row.file_bytes ?? 0n) : row.bytes,
      quarantined: Number(row.quarantined),
      file:
        isArchived && file !== null && directory !== null && sha256 !== null ? { name: file, directory, sha256 } : null,
    });
  }
  return days;
}

async function countRows(pool: pg.Pool, dayMs: number): Promise<bigint> {
  const { rows } = await pool.query<{ count: bigint }>(`select count(*) as count from ${partitionName(dayMs)}`);
  return rows[0]?.count ?? 0n;
}
