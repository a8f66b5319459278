import type pg from 'pg';
import { formatDay } from '../../../domain/archive/day.ts';
import { parseEventKey } from '../../../domain/events/event-key.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import { archivedDays, readArchivedEntries } from './archived-days.ts';

interface FoundRow {
  readonly event_key: string;
  readonly kind: number;
  readonly seq: bigint;
  readonly balance_after: bigint;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly posted_at: Date | null;
}

/** The entries of these keys that are in archive files. Reads each file that may have one, up to the last it has. */
export async function findArchived(
  pool: pg.Pool,
  files: ArchiveFiles,
  keys: readonly string[],
): Promise<readonly FoundRow[]> {
  const wanted = new Map<string, Set<string>>();
  for (const key of keys) {
    const day = formatDay(parseEventKey(key).timeMs);
    wanted.set(day, (wanted.get(day) ?? new Set()).add(key));
  }
  if (wanted.size === 0) return [];
  const found: FoundRow[] = [];
  for (const { day, path } of await archivedDays(pool, files)) {
    const ofDay = wanted.get(day);
    if (ofDay === undefined || path === undefined) continue;
    for await (const entry of readArchivedEntries(files, path)) {
      if (!ofDay.delete(entry.eventKey)) continue;
      const { eventKey, kind, seq, balanceAfter, lane, batchNo } = entry;
      const postedAt = await postedAtOf(pool, lane, batchNo);
      found.push({ event_key: eventKey, kind, seq, balance_after: balanceAfter, lane, batch_no: batchNo, ...postedAt });
      if (ofDay.size === 0) break;
    }
  }
  return found;
}

async function postedAtOf(pool: pg.Pool, lane: number, batchNo: bigint): Promise<Pick<FoundRow, 'posted_at'>> {
  const { rows } = await pool.query<{ posted_at: Date }>(
    'select posted_at from batch where lane = $1 and batch_no = $2',
    [lane, batchNo],
  );
  return { posted_at: rows[0]?.posted_at ?? null };
}
