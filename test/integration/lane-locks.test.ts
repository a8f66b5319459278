import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LANE_LOCK_CLASS, LaneLocks } from '../../src/adapters/postgres/lane-locks.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let client: pg.Client;

beforeEach(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
}, 60_000);

afterEach(async () => {
  await client.end();
  await database.drop();
}, 60_000);

/** Lanes with a lock, and the session that holds it. */
async function holders(): Promise<{ lane: number; pid: number }[]> {
  const { rows } = await client.query(
    `select objid::int as lane, pid from pg_locks
     where locktype = 'advisory' and classid = $1 and database = (select oid from pg_database where datname = current_database())
     order by lane`,
    [LANE_LOCK_CLASS],
  );
  return rows;
}

async function heldLanes(): Promise<number[]> {
  return (await holders()).map(({ lane }) => lane);
}

test('one session holds all locks, one process a lane, and giving the last one back ends the session', async () => {
  const [first, second] = [new LaneLocks(database.connectionString), new LaneLocks(database.connectionString)];
  expect(await Promise.all([0, 1, 2].map((lane) => first.take(lane)))).toEqual([true, true, true]);
  expect(await second.take(1)).toBe(false);
  expect(await second.take(3)).toBe(true);
  expect(await heldLanes()).toEqual([0, 1, 2, 3]);
  expect(new Set((await holders()).map(({ pid }) => pid)).size).toBe(2);
  await first.release(1);
  await until('the lock is given back', async () => !(await heldLanes()).includes(1));
  expect(await second.take(1)).toBe(true);
  for (const lane of [0, 2]) await first.release(lane);
  await until('only the second is left', async () => (await heldLanes()).join() === '1,3');
  for (const lane of [1, 3]) await second.release(lane);
  await until('nobody is left', async () => (await heldLanes()).length === 0);
});

test('locks that a broken connection lost are taken again without anybody asking', async () => {
  const locks = new LaneLocks(database.connectionString);
  await locks.take(0);
  await locks.take(1);
  const before = await holders();
  await client.query('select pg_terminate_backend($1)', [before[0]?.pid]);
  await until('both are held again', async () => {
    const now = await holders();
    return now.length === 2 && now.every(({ pid }) => pid !== before[0]?.pid);
  });
  await locks.release(0);
  await locks.release(1);
  await until('nothing is taken again after it was given back', async () => (await heldLanes()).length === 0);
});

test('a lock that somebody else took meanwhile is taken when it is free again, and keeps none of the others back', async () => {
  const locks = new LaneLocks(database.connectionString);
  await locks.take(0);
  await locks.take(1);
  const [{ pid } = { pid: 0 }] = await holders();
  // Waits in line for lane 0, and so has it the moment the session ends.
  const rival = new pg.Client({ connectionString: database.connectionString });
  await rival.connect();
  const taken = rival.query('select pg_advisory_lock($1, 0)', [LANE_LOCK_CLASS]);
  await until('the rival waits', async () => (await holders()).length === 3);
  await client.query('select pg_terminate_backend($1)', [pid]);
  await taken;
  await until('lane 1 is held again', async () => (await heldLanes()).join() === '0,1');
  await rival.end();
  await until('lane 0 is ours again', async () => {
    const now = await holders();
    return now.length === 2 && new Set(now.map((holder) => holder.pid)).size === 1;
  });
  await locks.release(0);
  await locks.release(1);
});
