import type pg from 'pg';
import type { DatabaseHealth, LaneHealth } from '../../../pipeline/queries/database-health.ts';
import { LANE_LOCK_CLASS } from '../lane-locks.ts';
import { migrationStatus } from '../migrate.ts';

/** Looks the database over without changing anything; works on one that is not migrated yet. */
export async function readHealth(pool: pg.Pool): Promise<DatabaseHealth> {
  const { pending, newer } = await migrationStatus(pool);
  const { rows } = await pool.query<{ version: string; number: number; clock: Date; size: bigint }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       clock_timestamp() as clock, pg_database_size(current_database()) as size`,
  );
  const server = rows[0];
  if (server === undefined) throw new Error('a select without a table returns one row');
  const isMigrated = pending.length === 0 && newer.length === 0;
  return {
    serverVersion: server.version,
    serverMajor: Math.floor(server.number / 10_000),
    clockMs: server.clock.getTime(),
    sizeBytes: server.size,
    migrationsPending: pending,
    migrationsNewer: newer,
    lanes: isMigrated ? await readLanes(pool) : [],
    ...(isMigrated ? await readBacklog(pool) : { outboxUnsent: 0, outboxOldestMs: null, quarantineOpen: 0 }),
  };
}

async function readLanes(pool: pg.Pool): Promise<readonly LaneHealth[]> {
  const { rows } = await pool.query<{
    lane: number;
    owner: string | null;
    owned: boolean;
    epoch: bigint;
    last_batch: bigint;
    ingested_at: Date | null;
  }>(
    `select e.lane, e.owner, e.epoch, h.last_batch, h.ingested_at,
       exists (select from pg_locks l where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = e.lane
         and l.database = (select oid from pg_database where datname = current_database())) as owned
     from lane_epoch e join lane_head h using (lane) order by e.lane`,
    [LANE_LOCK_CLASS],
  );
  return rows.map((row) => ({
    lane: row.lane,
    owner: row.owner,
    isOwned: row.owned,
    epoch: row.epoch,
    lastBatch: Number(row.last_batch),
    ingestedAtMs: row.ingested_at?.getTime() ?? null,
  }));
}

async function readBacklog(pool: pg.Pool) {
  const { rows } = await pool.query<{ unsent: bigint; oldest: Date | null; open: bigint }>(
    `select (select count(*) from outbox where sent_at is null) as unsent,
       (select min(created_at) from outbox where sent_at is null) as oldest,
       (select count(*) from quarantine where status = 'open') as open`,
  );
  return {
    outboxUnsent: Number(rows[0]?.unsent ?? 0n),
    outboxOldestMs: rows[0]?.oldest?.getTime() ?? null,
    quarantineOpen: Number(rows[0]?.open ?? 0n),
  };
}
