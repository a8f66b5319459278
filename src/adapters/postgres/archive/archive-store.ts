import type pg from 'pg';
import type { LaneClock } from '../../../domain/archive/closable-days.ts';
import { formatDay } from '../../../domain/archive/day.ts';
import { formatIso } from '../../../domain/time.ts';
import { AppError } from '../../../errors.ts';
import type { ArchiveStore } from '../../../pipeline/archive/archive-store.ts';
import { migrationStatus } from '../migrate.ts';
import { partitionName } from '../partitions.ts';
import { inTransaction } from '../pool.ts';
import { isSqlState } from '../sql-state.ts';
import { copyDayOut } from './copy-day-out.ts';
import { dropDay } from './drop-day.ts';
import { readFigures, recordFigures } from './figures.ts';
import { listDays } from './list-days.ts';
import { restoreEntries } from './restore-entries.ts';

/** Advisory lock of the one process that archives or restores; the number spells "ARCH". */
const ARCHIVE_LOCK = 0x41524348;

/** The archive's side of the ledger on PostgreSQL. */
export function createArchiveStore(pool: pg.Pool): ArchiveStore {
  return {
    exclusively: (work) => exclusively(pool, work),
    days: () => listDays(pool),
    laneClocks: () => laneClocks(pool),
    schema: async () => ((await migrationStatus(pool)).applied.at(-1) ?? '').replace(/\.sql$/, ''),
    close: (daysMs, closingMs) => closeDays(pool, daysMs, closingMs),
    recordFigures: (dayMs) => recordFigures(pool, dayMs),
    copyOut: (dayMs) => copyDayOut(pool, dayMs),
    figures: (dayMs) => readFigures(pool, dayMs),
    drop: (dayMs, file) => dropDay(pool, dayMs, file),
    restore: (dayMs, content) => restoreEntries(pool, dayMs, content),
  };
}

async function exclusively<T>(pool: pg.Pool, work: () => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const ignore = () => undefined;
  client.on('error', ignore);
  try {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [ARCHIVE_LOCK]);
    if (rows[0]?.taken !== true) throw new AppError('ARCHIVE_BUSY', 'Another process is archiving or restoring.');
    try {
      return await work();
    } finally {
      await client.query('select pg_advisory_unlock($1)', [ARCHIVE_LOCK]).catch(ignore);
    }
  } finally {
    client.off('error', ignore);
    client.release();
  }
}

async function laneClocks(pool: pg.Pool): Promise<readonly LaneClock[]> {
  const { rows } = await pool.query<{ lane: number; ingested_at: Date | null; posted_at: Date | null }>(
    `select h.lane, h.ingested_at, b.posted_at from lane_head h
     left join batch b on b.lane = h.lane and b.batch_no = h.last_batch order by h.lane`,
  );
  return rows.map(({ lane, ingested_at, posted_at }) => ({
    lane,
    clockMs: ingested_at?.getTime() ?? null,
    lastWriteMs: posted_at?.getTime() ?? null,
  }));
}

/**
 * Days close under every lane's fence: no batch and no change by a person is under way, and the next one finds the new
 * `entries_from`. Only then is it certain that quarantine holds nothing that could still be posted to these days.
 */
async function closeDays(pool: pg.Pool, daysMs: readonly number[], closingMs: number): Promise<readonly number[]> {
  if (daysMs.length === 0) return [];
  const days = new Map(daysMs.map((dayMs) => [formatDay(dayMs), dayMs]));
  const closed = await inTransaction(pool, async (client) => {
    await client.query("set local lock_timeout = '10s'");
    await client.query('select from lane_epoch order by lane for update');
    const { rows } = await client.query<{ day: string; state: string | null; open: boolean }>(
      `select day::text, a.state, exists (select from quarantine q where q.status = 'open'
         and q.event_time >= day and q.event_time < day + 1) as open
       from unnest($1::date[]) day left join archived_day a using (day) order by day`,
      [[...days.keys()]],
    );
    const closing = rows.filter(({ state, open }) => state === null && !open);
    for (const { day } of closing) await closeDay(client, day, days.get(day) ?? 0);
    // A day that quarantine keeps open takes no more usage either: it is too late for it by any window.
    await client.query('update lane_epoch set entries_from = greatest(entries_from, $1::timestamptz)', [
      formatIso(closingMs),
    ]);
    return rows.filter(({ state, open }) => state === 'closed' || (state === null && !open)).map(({ day }) => day);
  }).catch((cause: unknown) => {
    if (!isSqlState(cause, '55P03')) throw cause;
    throw new AppError('ARCHIVE_BUSY', 'A lane has not finished a batch for 10 seconds; no day was closed.', { cause });
  });
  for (const day of closed) {
    const table = partitionName(days.get(day) ?? 0);
    await pool.query(`create index if not exists ${table}_wallet on ${table} (wallet_id, seq)`);
  }
  return closed.map((day) => days.get(day) ?? 0);
}

async function closeDay(client: pg.PoolClient, day: string, dayMs: number): Promise<void> {
  await client.query(
    `create trigger entry_day_closed before insert on ${partitionName(dayMs)}
     for each row execute function refuse_closed_day()`,
  );
  await client.query("insert into archived_day (day, state) values ($1, 'closed')", [day]);
}
