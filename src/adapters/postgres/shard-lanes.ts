import type pg from 'pg';

/** The lane of each of the 1,024 shards, by shard number. */
export async function readShardLanes(pool: pg.Pool): Promise<readonly number[]> {
  const { rows } = await pool.query<{ lane: number }>('select lane from shard_lane order by shard');
  return rows.map((row) => row.lane);
}
