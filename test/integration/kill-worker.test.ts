import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/adapters/postgres/pool.ts';
import { readRuleFiles } from '../../src/adapters/rule-files.ts';
import { loadRuleset } from '../../src/domain/rules/ruleset.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { compareWithOracle } from '../support/compare-with-oracle.ts';
import { type CompiledSources, compileSources } from '../support/compiled-sources.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { randomUsage, seededRandom } from '../support/random-usage.ts';
import { ensureRedis, type RedisServer } from '../support/redis.ts';

const KILLS_MIN = 20;
const SEED = 20_260_301;

let compiled: CompiledSources;
let database: TestDatabase;
let redis: RedisServer;

beforeAll(async () => {
  // The no-loss promise is made for a Redis that acknowledges nothing before it is on disk.
  [compiled, database, redis] = await Promise.all([
    compileSources(),
    createTestDatabase(),
    ensureRedis({ own: true, appendfsync: 'always' }),
  ]);
}, 120_000);

afterAll(async () => {
  await Promise.all([compiled?.remove(), database?.drop(), redis?.stop()]);
});

test('a worker killed many times loses nothing, bills nothing twice and decides what one unhurt run decides', async () => {
  const loaded = loadRuleset(await readRuleFiles());
  if (!loaded.ok) throw new Error('the shipped rules do not load');
  const usage = randomUsage(SEED, { events: 12_000, accounts: 40, nowMs: Date.now() });
  const queue = new Queue('usage', { connection: { url: redis.url } });
  await queue.addBulk(usage.jobs.map((data, index) => ({ name: 'usage', data, opts: { jobId: `job-${index}` } })));

  const kills = await killUntilDrained(queue);
  expect(kills).toBeGreaterThanOrEqual(KILLS_MIN);

  const pool = createPool(database.connectionString, { name: 'kill test', max: 2, onError: () => undefined });
  try {
    const comparison = await compareWithOracle(pool, loaded.ruleset, 35 * DAY_MS);
    expect(comparison.database).toEqual(comparison.oracle);
    const { rows } = await pool.query<{ id: string; times: string }>(
      `select count(distinct rejection_key)::text as times, 'rejected' as id from rejected_event`,
    );
    expect(rows[0]?.times).toBe(String(usage.rejected));
    const first = new Set(comparison.database.statuses.filter((line) => !line.endsWith('duplicate')).map((line) => line.split(' ')[0]));
    expect([...usage.ids].filter((id) => !first.has(id))).toEqual([]);
    expect(await queue.getJobCounts('failed')).toEqual({ failed: 0 });
  } finally {
    await pool.end();
    await queue.close();
  }
}, 240_000);

/** Starts the service again and again and kills it at a random moment, until every job is completed. */
async function killUntilDrained(queue: Queue): Promise<number> {
  const random = seededRandom(SEED);
  for (let kills = 0; ; kills++) {
    const child = startWorker();
    // Short lives first, so that the kills fall into start-up, batches and acknowledgements alike.
    const livesMs = kills < KILLS_MIN ? 500 + random() * 1_200 : 20_000;
    const drained = await drainedWithin(queue, livesMs);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    if (drained && kills >= KILLS_MIN) return kills;
  }
}

function startWorker(): ChildProcess {
  return spawn(process.execPath, [join(compiled.dir, 'src/cli/main.js'), 'start'], {
    env: {
      ...process.env,
      DATABASE_URL: database.connectionString,
      REDIS_URL: redis.url,
      TOLLKEEPER_JOB_LOCK_MS: '1000',
      TOLLKEEPER_CONCURRENCY: '8',
      TOLLKEEPER_BATCH_EVENTS: '100',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function drainedWithin(queue: Queue, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (Date.now() < until) {
    const { waiting = 0, active = 0, delayed = 0 } = await queue.getJobCounts('waiting', 'active', 'delayed');
    if (waiting + active + delayed === 0) return true;
    await sleep(50);
  }
  return false;
}
