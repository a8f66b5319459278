import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { compareWithOracle } from '../support/compare-with-oracle.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { randomUsage } from '../support/random-usage.ts';
import { runService, shippedRuleset, TEST_LATE_WINDOW_MS, type TestService } from '../support/run-service.ts';
import { openUsageClient, type UsageClient } from '../support/usage-client.ts';

// A job lock far longer than any test waits: whatever only a lost lock would bring forward again counts as stuck.
const JOB_LOCK_MS = 300_000;
const PATIENCE_MS = 60_000;

let database: TestDatabase;
let usage: UsageClient;
let prefix: string;
let number = 0;
const services = new Set<TestService>();

beforeEach(async () => {
  database = await createTestDatabase();
  prefix = `shared-lanes-${process.pid}-${number++}`;
  usage = openUsageClient({ databaseUrl: database.connectionString, redisUrl: inject('redisUrl'), prefix });
}, 60_000);

afterEach(async () => {
  for (const service of services) await stop(service);
  await usage.close();
  await database.drop();
}, 60_000);

async function start(
  options: { readonly lanes?: readonly number[]; readonly onCommit?: () => void } = {},
): Promise<TestService> {
  const redisUrl = inject('redisUrl');
  const service = await runService({
    databaseUrl: database.connectionString,
    redisUrl,
    prefix,
    jobLockMs: JOB_LOCK_MS,
    batchEventsMax: 100,
    ...options,
  });
  services.add(service);
  return service;
}

async function stop(service: TestService): Promise<void> {
  services.delete(service);
  await service.close();
}

/** What the books say against an oracle, and that every valid id was charged or quarantined once. */
async function expectBooksInOrder({ engine }: TestService, ids: ReadonlySet<string>): Promise<void> {
  const comparison = await compareWithOracle(engine.pool, await shippedRuleset(), TEST_LATE_WINDOW_MS);
  expect(comparison.database).toEqual(comparison.oracle);
  const known = new Set(
    comparison.database.statuses.filter((line) => !line.endsWith(' duplicate')).map((line) => line.split(' ')[0]),
  );
  expect([...ids].filter((id) => !known.has(id))).toEqual([]);
  expect((await usage.counts()).failed).toBe(0);
}

test('two services that each own half of the lanes answer every job in input order', async () => {
  const first = await start({ lanes: [0, 1] });
  const second = await start({ lanes: [2, 3] });
  expect([first.service.ownedLanes, second.service.ownedLanes]).toEqual([
    [0, 1],
    [2, 3],
  ]);
  const data = randomUsage(11, { events: 2_000, accounts: 30, nowMs: Date.now() });
  const jobs = await Promise.all(data.jobs.map(async (job) => ({ job, id: await usage.add(job) })));
  await usage.drained(PATIENCE_MS);
  for (const { job, id } of jobs) {
    const results = await usage.results(id);
    expect(results.map((result) => result.id)).toEqual(job.events.map((event) => ('id' in event ? event.id : null)));
  }
  await expectBooksInOrder(first, data.ids);
  const { rows } = await first.engine.pool.query('select count(distinct lane)::int as lanes from batch');
  expect(rows).toEqual([{ lanes: 4 }]);
}, 120_000);

test('a job id used again for other events is not answered with the results of the first', async () => {
  const { engine } = await start({ lanes: [0, 1] });
  await start({ lanes: [2, 3] });
  for (const round of ['first', 'second']) {
    const events = Array.from({ length: 8 }, (_, index) => ({
      id: `${round}-${index}`,
      source: 's',
      account: `acct_${index}`,
      meter: 'api.calls',
      quantity: 1,
      occurredAt: Date.now(),
    }));
    await usage.add({ v: 1, events }, { jobId: 'mine', removeOnComplete: true });
    await usage.drained(PATIENCE_MS);
  }
  const { rows } = await engine.pool.query('select count(*)::int as entries from entry');
  expect(rows).toEqual([{ entries: 16 }]);
}, 120_000);

test('a service that finds every lane taken forwards its jobs, and takes the lanes over when the owner is gone', async () => {
  const owner = await start();
  const standby = await start();
  expect(standby.service.ownedLanes).toEqual([]);
  const before = randomUsage(12, { events: 800, accounts: 20, nowMs: Date.now() });
  await Promise.all(before.jobs.map((job) => usage.add(job)));
  await usage.drained(PATIENCE_MS);

  await stop(owner);
  const after = randomUsage(13, { events: 800, accounts: 20, nowMs: Date.now() });
  const renamed = after.jobs.map((job) => ({
    ...job,
    events: job.events.map((event) => ({ ...event, source: 'later' })),
  }));
  await Promise.all(renamed.map((job) => usage.add(job)));
  await usage.drained(PATIENCE_MS);
  expect(standby.service.ownedLanes).toEqual([0, 1, 2, 3]);
  await expectBooksInOrder(standby, before.ids);
}, 180_000);

test('a writer whose lane was claimed by another hands its events over, and nothing is written twice', async () => {
  let commits = 0;
  const first = await start({ onCommit: () => commits++ });
  const data = randomUsage(14, { events: 3_000, accounts: 30, nowMs: Date.now() });
  await Promise.all(data.jobs.map((job) => usage.add(job)));
  await until('the first service works', () => commits > 5);
  const second = await start();
  expect(second.service.ownedLanes).toEqual([]);

  // Somebody claims every lane while the first service is in the middle of a batch, and is gone again at once.
  await second.engine.pool.query(`update lane_epoch set epoch = epoch + 1, owner = 'rival'`);
  const later = data.jobs.map((job) => ({
    ...job,
    events: job.events.map((event) => ({ ...event, source: 'later' })),
  }));
  await Promise.all(later.map((job) => usage.add(job)));
  await usage.drained(PATIENCE_MS);
  await expectBooksInOrder(second, data.ids);
  const owned = () => [...first.service.ownedLanes, ...second.service.ownedLanes].sort();
  await until('every lane has one writer again', () => owned().join() === '0,1,2,3');
  const { rows } = await second.engine.pool.query('select epoch from batch group by epoch order by epoch');
  expect(rows).toEqual([{ epoch: 1n }, { epoch: 3n }]);
}, 180_000);
