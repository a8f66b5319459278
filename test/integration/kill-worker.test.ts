import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { compareWithOracle } from '../support/compare-with-oracle.ts';
import { type CompiledSources, compileSources } from '../support/compiled-sources.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type RandomUsage, randomUsage, seededRandom } from '../support/random-usage.ts';
import { ensureRedis, type RedisServer } from '../support/redis.ts';
import { shippedRuleset, TEST_LATE_WINDOW_MS } from '../support/run-service.ts';
import { openUsageClient, type UsageClient } from '../support/usage-client.ts';

const KILLS = 22;
const SEED = 20_260_301;
const JOB_LOCK_MS = 1_000;
const PATIENCE_MS = 120_000;

let compiled: CompiledSources;
let database: TestDatabase;
let redis: RedisServer;
let pool: pg.Pool;
let usage: UsageClient;

beforeAll(async () => {
  // The no-loss promise is made for a Redis that acknowledges nothing before it is on disk.
  [compiled, database, redis] = await Promise.all([
    compileSources(),
    createTestDatabase(),
    ensureRedis({ own: true, appendfsync: 'always' }),
  ]);
  pool = createPool(database.connectionString, { name: 'kill test', max: 2, onError: () => undefined });
  usage = openUsageClient({ databaseUrl: database.connectionString, redisUrl: redis.url });
}, 240_000);

afterAll(async () => {
  await usage?.close();
  await pool?.end();
  await Promise.all([compiled?.remove(), database?.drop(), redis?.stop()]);
}, 120_000);

test('a worker killed again and again loses nothing, bills nothing twice and decides what one unhurt run decides', async () => {
  const data = randomUsage(SEED, { events: 12_000, accounts: 40, nowMs: Date.now() });
  for (const job of data.jobs) await usage.add(job);

  const random = seededRandom(SEED);
  let midway = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    const worker = startWorker();
    const before = await batches();
    // Every kill waits until this worker has written something, and then for a moment that nobody chose.
    await until('the worker writes', async () => (await batches()) > before + Math.floor(random() * 4), PATIENCE_MS);
    const inFlight = await usage.counts();
    await end(worker, 'SIGKILL');
    if ((inFlight.active ?? 0) > 0) midway++;
  }
  expect(midway).toBeGreaterThanOrEqual(20);
  const last = startWorker();
  await usage.drained(PATIENCE_MS);
  await end(last, 'SIGKILL');
  await expectInOrder(data);
}, 400_000);

test('a worker told to stop finishes or gives back what it has, exits with 0, and the next one goes on at once', async () => {
  const data = randomUsage(SEED + 1, { events: 10_000, accounts: 40, nowMs: Date.now() });
  const jobs = data.jobs.map((job) => ({
    ...job,
    events: job.events.map((event) => ({ ...event, source: 'stopped' })),
  }));
  for (const job of jobs) await usage.add(job);
  const before = await batches();
  const first = startWorker();
  await until('the worker writes', async () => (await batches()) > before, PATIENCE_MS);
  expect(await end(first, 'SIGTERM')).toBe(0);
  const { active = 0, waiting = 0, failed = 0 } = await usage.counts();
  expect({ active, failed }).toEqual({ active: 0, failed: 0 });
  expect(waiting).toBeGreaterThan(0);
  const second = startWorker();
  await usage.drained(PATIENCE_MS);
  expect(await end(second, 'SIGTERM')).toBe(0);
}, 200_000);

async function expectInOrder(data: RandomUsage): Promise<void> {
  const comparison = await compareWithOracle(pool, await shippedRuleset(), TEST_LATE_WINDOW_MS);
  expect(comparison.database).toEqual(comparison.oracle);
  expect(comparison.database.decisions.some((line) => line.includes(' freeze '))).toBe(true);
  expect(comparison.database.wallets.some((line) => line.includes(' frozen '))).toBe(true);
  const known = new Set(
    comparison.database.statuses.filter((line) => !line.endsWith(' duplicate')).map((line) => line.split(' ')[0]),
  );
  expect([...data.ids].filter((id) => !known.has(id))).toEqual([]);
  const { rows } = await pool.query(
    'select count(*)::int as rows, count(distinct event_id)::int as events from rejected_event',
  );
  expect(rows).toEqual([{ rows: data.rejected, events: data.rejected }]);
  expect((await usage.counts()).failed).toBe(0);
}

async function batches(): Promise<number> {
  const { rows } = await pool.query<{ batches: number }>(
    'select coalesce(sum(last_batch), 0)::int as batches from lane_head',
  );
  return rows[0]?.batches ?? 0;
}

/** `tollkeeper start`, as its own process. */
function startWorker(): ChildProcess {
  const main = pathToFileURL(join(compiled.dir, 'src/cli/main.js')).href;
  const code = `const { main } = await import(${JSON.stringify(main)}); process.exitCode = await main(['start']);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', code], {
    env: {
      ...process.env,
      DATABASE_URL: database.connectionString,
      REDIS_URL: redis.url,
      TOLLKEEPER_JOB_LOCK_MS: String(JOB_LOCK_MS),
      TOLLKEEPER_CONCURRENCY: '8',
      TOLLKEEPER_BATCH_EVENTS: '50',
      LOG_LEVEL: 'fatal',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return code;
}
