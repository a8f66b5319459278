import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { formatDay } from '../../../domain/archive/day.ts';
import type { ArchiveStore } from '../../../pipeline/archive/archive-store.ts';
import { partitionName } from '../partitions.ts';
import { inTransaction } from '../pool.ts';
import { isSqlState } from '../sql-state.ts';
import { ATTEMPTS_MAX, busy, LOCK_WAIT_MS, PAUSE_MS } from './short-waits.ts';

/** Drops a day's table and lets its figures stand for it, at one moment. */
export async function dropDay(pool: pg.Pool, dayMs: number, file: Parameters<ArchiveStore['drop']>[1]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(pool, (client) => dropNow(client, dayMs, file));
    } catch (error) {
      if (!isSqlState(error, '55P03', '40P01')) throw error;
      if (attempt === ATTEMPTS_MAX) {
        throw busy(formatDay(dayMs), error);
      }
      await sleep(PAUSE_MS);
    }
  }
}

async function dropNow(
  client: pg.PoolClient,
  dayMs: number,
  { name, directory, sha256, bytes, rows }: Parameters<ArchiveStore['drop']>[1],
): Promise<void> {
  const [day, table] = [formatDay(dayMs), partitionName(dayMs)];
  await client.query(`set local lock_timeout = '${LOCK_WAIT_MS}ms'`);
  await client.query(`alter table entry detach partition ${table}`);
  await client.query(`drop table ${table}`);
  const { rowCount } = await client.query(
    `update archived_day set state = 'archived', entries = $2, sha256 = $3, file = $4, directory = $5, file_bytes = $6,
       archived_at = now()
     where day = $1 and state = 'closed' and $2 = (select coalesce(sum(entries), 0) from archived_batch_day where day = $1)
       and $2 = (select coalesce(sum(entries), 0) from archived_wallet_day where day = $1)`,
    [day, rows, sha256, name, directory, bytes],
  );
  if (rowCount !== 1) throw new Error(`the figures of ${day} do not add up to ${rows} entries`);
}
