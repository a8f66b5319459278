import type pg from 'pg';
import { LANE_LOCK_CLASS } from './lane-locks.ts';

/** A server that has swallowed the question is as good as one that is gone. */
const ANSWER_MS_MAX = 5_000;

/** How many lanes have a writer that lives: its session holds the lane's lock. */
export async function countLiveWriters(pool: pg.Pool): Promise<number> {
  const question = {
    text: `select count(*)::int as writers from pg_locks where locktype = 'advisory' and classid = $1 and objsubid = 2
      and granted and database = (select oid from pg_database where datname = current_database())`,
    values: [LANE_LOCK_CLASS],
    query_timeout: ANSWER_MS_MAX,
  };
  const { rows } = await pool.query<{ writers: number }>(question);
  return rows[0]?.writers ?? 0;
}
