import { afterEach, expect, test } from 'vitest';
import type { EmbeddedPostgres } from '../../src/adapters/postgres/embedded/embedded-postgres.ts';
import { startThrowawayPostgres } from '../../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { createOutboxStore } from '../../src/adapters/postgres/outbox-store.ts';
import { startOutboxRelay } from '../../src/pipeline/outbox/outbox-relay.ts';
import { TEST_LANES } from '../support/admin-database.ts';
import { compareWithOracle } from '../support/compare-with-oracle.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type RandomUsage, randomUsage } from '../support/random-usage.ts';
import { ensureRedis, type RedisServer } from '../support/redis.ts';
import { runService, shippedRuleset, TEST_LATE_WINDOW_MS, type TestService } from '../support/run-service.ts';
import { openUsageClient, type UsageClient } from '../support/usage-client.ts';

const PATIENCE_MS = 90_000;

/** Everything a test opened, closed in the opposite order. */
const opened: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
}, 120_000);

function closing<T>(thing: T, close: (thing: T) => Promise<unknown>): T {
  opened.push(() => close(thing));
  return thing;
}

async function ownRedis(): Promise<RedisServer> {
  return closing(await ensureRedis({ own: true, appendfsync: 'always' }), (redis) => redis.stop());
}

async function ownPostgres(): Promise<EmbeddedPostgres> {
  return closing(await startThrowawayPostgres({ durable: true }), (server) => server.stop());
}

async function testDatabase(): Promise<string> {
  const database = closing(await createTestDatabase(), (one) => one.drop());
  return database.connectionString;
}

interface Place {
  readonly databaseUrl: string;
  readonly redisUrl?: string;
}

async function start(
  place: Place,
  options: { readonly jobLockMs?: number; readonly onCommit?: () => void } = {},
): Promise<TestService> {
  return closing(await runService({ ...place, batchEventsMax: 100, ...options }), (service) => service.close());
}

function client(place: Place, queue = 'usage'): UsageClient {
  return closing(openUsageClient({ ...place, queue }), (one) => one.close());
}

async function send(usage: UsageClient, seed: number, events = 3_000): Promise<RandomUsage> {
  const data = randomUsage(seed, { events, accounts: 30, nowMs: Date.now() });
  for (const job of data.jobs) await usage.add(job);
  return data;
}

/** Nothing lost, nothing twice, no failed job, and the same decisions as one unhurt run of what was recorded. */
async function expectInOrder({ engine }: TestService, usage: UsageClient, data: RandomUsage): Promise<void> {
  const comparison = await compareWithOracle(engine.pool, await shippedRuleset(), TEST_LATE_WINDOW_MS);
  expect(comparison.database).toEqual(comparison.oracle);
  expect(comparison.database.decisions.length).toBeGreaterThan(0);
  const known = new Set(
    comparison.database.statuses.filter((line) => !line.endsWith(' duplicate')).map((line) => line.split(' ')[0]),
  );
  expect([...data.ids].filter((id) => !known.has(id))).toEqual([]);
  const { rows } = await engine.pool.query('select count(distinct event_id)::int as rejected from rejected_event');
  expect(rows).toEqual([{ rejected: data.rejected }]);
  expect((await usage.counts()).failed).toBe(0);
}

test.each(['redis', 'postgres'] as const)(
  'PostgreSQL killed in the middle of a run costs nothing (queues on %s)',
  async (kind) => {
    const server = await ownPostgres();
    const place = {
      databaseUrl: server.connectionString,
      ...(kind === 'redis' ? { redisUrl: (await ownRedis()).url } : {}),
    };
    let commits = 0;
    const running = await start(place, { onCommit: () => commits++ });
    const usage = client(place);
    const data = await send(usage, 21);
    for (const from of [3, 15]) {
      await until('batches are being written', () => commits > from, PATIENCE_MS);
      const { pid } = server;
      process.kill(pid, 'SIGKILL');
      await until('the server is back', () => server.pid !== pid, PATIENCE_MS);
    }
    await usage.drained(PATIENCE_MS);
    expect(running.retries.length).toBeGreaterThan(0);
    await expectInOrder(running, usage, data);
  },
  240_000,
);

test.each(['redis', 'postgres'] as const)(
  'PostgreSQL killed under an idle service: it keeps its lanes, or hands what it gets to whoever took them (queues on %s)',
  async (kind) => {
    const server = await ownPostgres();
    const place = {
      databaseUrl: server.connectionString,
      ...(kind === 'redis' ? { redisUrl: (await ownRedis()).url } : {}),
    };
    const first = await start(place);
    const { pid } = server;
    process.kill(pid, 'SIGKILL');
    await until('the server is back', () => server.pid !== pid, PATIENCE_MS);
    // As a command does that looks just now and takes the lanes for orphans: both serve the same queues.
    const second = await start(place);
    const usage = client(place);
    const data = await send(usage, 27, 1_000);
    await usage.drained(PATIENCE_MS);
    await expectInOrder(second, usage, data);
    await until('every lane has a writer', () => {
      const owned = [...first.service.ownedLanes, ...second.service.ownedLanes];
      return new Set(owned).size === TEST_LANES;
    });
  },
  240_000,
);

test('Redis killed in the middle of a run costs nothing', async () => {
  const redis = await ownRedis();
  const place = { databaseUrl: await testDatabase(), redisUrl: redis.url };
  let commits = 0;
  const running = await start(place, { jobLockMs: 1_000, onCommit: () => commits++ });
  const usage = client(place);
  const data = await send(usage, 22);
  await until('batches are being written', () => commits > 3, PATIENCE_MS);
  await redis.restart('SIGKILL');
  await until('more batches are written', () => commits > 10, PATIENCE_MS);
  await redis.restart('SIGKILL');
  await usage.drained(PATIENCE_MS);
  await expectInOrder(running, usage, data);
}, 240_000);

test('a service told to stop under load gives back what it cannot finish, and the next one goes on at once', async () => {
  const place = { databaseUrl: await testDatabase(), redisUrl: (await ownRedis()).url };
  // Nothing may have to wait for a lock to end: that would be the same as being killed.
  const jobLockMs = 300_000;
  // Stopped from within its fourth commit: whoever looked on would come too late on a busy machine.
  let commits = 0;
  let stopping: Promise<void> | undefined;
  const first: TestService = await runService({
    ...place,
    batchEventsMax: 100,
    jobLockMs,
    onCommit() {
      if (++commits === 4) stopping = first.service.close({ graceMs: 0 });
    },
  });
  const usage = client(place);
  const data = await send(usage, 23);
  await until('the first service is being stopped', () => stopping !== undefined, PATIENCE_MS);
  await stopping;
  await first.engine.close();
  expect((await usage.counts()).waiting).toBeGreaterThan(0);
  const second = await start(place, { jobLockMs });
  await usage.drained(PATIENCE_MS);
  await expectInOrder(second, usage, data);
}, 240_000);

test('a service can be stopped while PostgreSQL is away, and its jobs go back to their queue', async () => {
  const server = await startThrowawayPostgres({ durable: true });
  opened.push(() => server.stop());
  const place = { databaseUrl: server.connectionString, redisUrl: (await ownRedis()).url };
  let commits = 0;
  const running = await runService({ ...place, batchEventsMax: 100, jobLockMs: 300_000, onCommit: () => commits++ });
  const usage = client(place);
  await send(usage, 24);
  await until('the service works', () => commits > 3, PATIENCE_MS);
  await server.stop();
  await running.service.close({ graceMs: 200 });
  await running.engine.close();
  const { active = 0, failed = 0, waiting = 0 } = await usage.counts();
  expect({ active, failed }).toEqual({ active: 0, failed: 0 });
  expect(waiting).toBeGreaterThan(0);
}, 240_000);

test('a service can be stopped while Redis is away, and its jobs are delivered again', async () => {
  const redis = await ownRedis();
  const place = { databaseUrl: await testDatabase(), redisUrl: redis.url };
  let commits = 0;
  const first = await runService({ ...place, batchEventsMax: 100, jobLockMs: 1_000, onCommit: () => commits++ });
  const usage = client(place);
  const data = await send(usage, 25);
  await until('the first service works', () => commits > 3, PATIENCE_MS);
  await redis.pause();
  await first.service.close({ graceMs: 200 });
  await first.engine.close();
  await redis.resume();
  const second = await start(place, { jobLockMs: 1_000 });
  await usage.drained(PATIENCE_MS);
  await expectInOrder(second, usage, data);
}, 240_000);

test('the same events in six jobs at once are charged once', async () => {
  const place = { databaseUrl: await testDatabase(), redisUrl: (await ownRedis()).url };
  const running = await start(place);
  const usage = client(place);
  const event = (id: number) => ({
    id: `evt-${id}`,
    source: 's',
    account: `acct_${id % 7}`,
    meter: 'api.calls',
    quantity: 1,
    occurredAt: Date.now() - 1_000,
  });
  const events = Array.from({ length: 200 }, (_, id) => event(id));
  const jobs = await Promise.all([0, 1, 2, 3, 4, 5].map(() => usage.add({ v: 1, events })));
  const statuses = (await Promise.all(jobs.map((id) => usage.results(id))))
    .flat()
    .map(({ id, status }) => `${id} ${status}`);
  expect(statuses.filter((line) => line.endsWith(' posted')).sort()).toEqual(
    events.map(({ id }) => `${id} posted`).sort(),
  );
  expect(statuses.filter((line) => line.endsWith(' duplicate'))).toHaveLength(1_000);
  const { rows } = await running.engine.pool.query(
    'select count(*)::int as entries, sum(amount)::text as amount from entry',
  );
  expect(rows).toEqual([{ entries: 200, amount: '-400000000' }]);
}, 120_000);

test('every status change of a wallet is one message, also when the relay dies between queue and database', async () => {
  const place = { databaseUrl: await testDatabase(), redisUrl: (await ownRedis()).url };
  const running = await start(place);
  const usage = client(place);
  await send(usage, 26, 6_000);
  await usage.drained(PATIENCE_MS);
  const { pool, queues } = running.engine;
  await running.service.close();
  const { rows } = await pool.query<{ key: string }>(
    `update outbox set sent_at = null where topic = 'wallet-status' returning message_key as key`,
  );
  expect(rows.length).toBeGreaterThan(0);

  // A relay that hands messages on and dies before it can note that it has; then one that lives.
  const outbox = createOutboxStore(pool);
  await new Promise<void>((resolve) => {
    const store = { unsent: outbox.unsent, markSent: () => Promise.reject(new Error('killed')) };
    const relay = startOutboxRelay(store, queues, () => resolve(relay.close()));
  });
  const relay = startOutboxRelay(outbox, queues, () => undefined);
  await relay.close();
  const unsent = await pool.query(`select 1 from outbox where topic = 'wallet-status' and sent_at is null`);
  expect(unsent.rows).toEqual([]);
  const messages = client(place, 'wallet-status');
  expect((await messages.jobIds()).sort()).toEqual(rows.map(({ key }) => key).sort());
}, 120_000);
