import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createBullmqEngine } from '../../src/adapters/queue/bullmq-engine.ts';
import {
  AppError,
  createProducer,
  EventRejectedError,
  type ProducerOptions,
  type UsageEventInput,
} from '../../src/producer.ts';
import { QUEUE_SCHEMA, USAGE_QUEUE } from '../../src/queues.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { ensureRedis, type RedisServer } from '../support/redis.ts';

let redis: RedisServer;
let queues = 0;

beforeAll(async () => {
  redis = await ensureRedis({ own: true, appendfsync: 'always' });
});
afterAll(async () => {
  await redis.stop();
});

const event = (id: string, quantity = '3'): UsageEventInput => ({
  id,
  source: 'gateway.test',
  account: 'acct_1',
  meter: 'output_tokens',
  quantity,
  occurredAt: '2026-03-03T10:00:00Z',
});

/** A producer on a queue of its own, and that queue to look into. */
function open(options: Partial<ProducerOptions> = {}) {
  queues += 1;
  const queueName = `usage-${process.pid}-${queues}`;
  const producer = createProducer({ connection: redis.url, queueName, ...options });
  const queue = new Queue(queueName, { connection: { url: redis.url, maxRetriesPerRequest: null } });
  queue.on('error', () => undefined);
  // Oldest first.
  const waiting = () => queue.getWaiting(0, -1);
  const ids = async () => (await waiting()).flatMap((job) => job.data.events.map(({ id }: { id: string }) => id));
  return { producer, queue, waiting, ids };
}

describe('the producer on Redis', () => {
  test('gathers events into jobs that keep what BullMQ would lose', async () => {
    const { producer, queue, waiting } = open({ batchEvents: 2 });
    for (const id of ['a', 'b', 'c']) await producer.add(event(id));
    await producer.close();
    const jobs = await waiting();
    expect(jobs.map((job) => job.data)).toEqual([
      { v: 1, events: [event('a'), event('b')] },
      { v: 1, events: [event('c')] },
    ]);
    expect(jobs[0]?.opts).toMatchObject({
      attempts: 1_000,
      backoff: { type: 'fixed', delay: 1_000 },
      removeOnComplete: { age: 86_400 },
      removeOnFail: false,
    });
    expect(producer.stats()).toEqual({
      added: 3,
      rejected: 0,
      buffered: 0,
      inFlight: 0,
      acknowledged: 3,
      jobs: 2,
      retries: 0,
    });
    await queue.close();
  });

  test('the same events added again make no second job, changed ones do', async () => {
    const { producer, queue, waiting } = open();
    const first = await producer.addDurable(event('a'));
    expect(await producer.addDurable(event('a'))).toEqual(first);
    expect(await waiting()).toHaveLength(1);
    expect((await producer.addDurable(event('a', '4'))).jobId).not.toBe(first.jobId);
    expect(await waiting()).toHaveLength(2);
    await producer.close();
    await queue.close();
  });

  test('a bad event is refused with its code, field, value and fix, and never sent', async () => {
    const { producer, queue, waiting } = open();
    const refused = await producer.add(event('a', '-1')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(EventRejectedError);
    expect(refused).toMatchObject({ id: 'a', code: 'QUANTITY_NEGATIVE', field: 'quantity', value: '"-1"' });
    expect(refused).toHaveProperty('fix', expect.stringContaining('never negative'));
    const properties: unknown = { big: 1n };
    // A caller without types can send anything.
    const untyped = { ...event('b'), properties } as UsageEventInput;
    await expect(producer.add(untyped)).rejects.toMatchObject({ code: 'EVENT_FIELD_TYPE', field: 'properties' });
    await producer.close();
    expect(await waiting()).toEqual([]);
    expect(producer.stats()).toMatchObject({ added: 0, rejected: 2 });
    await queue.close();
  });

  test('what the caller changes after add is not sent', async () => {
    const { producer, queue, waiting } = open();
    const mutable = { ...event('a'), properties: { region: 'eu' } };
    await producer.add(mutable);
    mutable.properties.region = 'changed';
    await producer.flush();
    expect((await waiting())[0]?.data.events[0].properties).toEqual({ region: 'eu' });
    await producer.close();
    await queue.close();
  });

  test('closing flushes, and later adds are refused', async () => {
    const { producer, queue, ids } = open({ lingerMs: 60_000 });
    {
      await using scoped = producer;
      await scoped.add(event('a'));
    }
    expect(await ids()).toEqual(['a']);
    const refused = await producer.add(event('b')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AppError);
    expect(refused).toMatchObject({ code: 'PRODUCER_CLOSED' });
    await queue.close();
  });

  test('a Redis that is killed and comes back receives every event once, in order', async () => {
    const { producer, queue, ids } = open({ batchEvents: 10, lingerMs: 1, onError: () => undefined });
    const wanted = Array.from({ length: 2_000 }, (_, index) => `e${index}`);
    const adding = (async () => {
      for (const id of wanted) await producer.add(event(id));
    })();
    await producer.flush();
    const restarted = redis.restart('SIGKILL');
    await adding;
    await restarted;
    await producer.close();
    expect(await ids()).toEqual(wanted);
    await queue.close();
  });

  test('closing with a time limit says how much is lost when Redis does not come back', async () => {
    const own = await ensureRedis({ own: true });
    const { producer, queue } = open({ connection: own.url, onError: () => undefined });
    await producer.addDurable(event('a'));
    await own.stop();
    await producer.add(event('b'));
    await producer.add(event('c'));
    const failed = await producer.close({ timeoutMs: 300 }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    expect(failed).toHaveProperty('message', expect.stringContaining('2 events were not acknowledged'));
    await queue.close();
  });

  test('closing gives up by itself in the end, and says what is lost', async () => {
    const own = await ensureRedis({ own: true });
    const { producer, queue } = open({ connection: own.url, onError: () => undefined });
    await producer.addDurable(event('a'));
    await own.stop();
    await producer.add(event('b'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const failed = producer.close().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await failed).toMatchObject({
      code: 'QUEUE_UNREACHABLE',
      message: expect.stringContaining('1 event was not acknowledged'),
    });
    vi.useRealTimers();
    await queue.close();
  });

  test('closing with nothing left to send does not wait for a Redis that is gone', async () => {
    const own = await ensureRedis({ own: true });
    const { producer, queue } = open({ connection: own.url, onError: () => undefined });
    await producer.addDurable(event('a'));
    await own.stop();
    await producer.close();
    expect(producer.stats()).toMatchObject({ acknowledged: 1, buffered: 0 });
    await queue.close();
  });

  test('20,000 events pass through a small buffer', async () => {
    const { producer, queue, waiting } = open({ bufferEventsMax: 1_000 });
    for (let index = 0; index < 20_000; index += 1) {
      await producer.add(event(`e${index}`));
      if (producer.stats().buffered > 1_000) throw new Error('the buffer grew beyond its limit');
    }
    await producer.close();
    const jobs = await waiting();
    expect(jobs.reduce((sum, job) => sum + job.data.events.length, 0)).toBe(20_000);
    await queue.close();
  });
});

describe('the producer on PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ content: 'empty' });
  });
  afterAll(async () => {
    await database.drop();
  });

  test('adds the same jobs', async () => {
    const connection = { connectionString: database.connectionString, schema: 'queues', migrate: true };
    const producer = createProducer({ connection });
    const { jobId } = await producer.addDurable(event('a'));
    expect(await producer.addDurable(event('a'))).toEqual({ jobId });
    await producer.close();
    const { createPostgresBackend } = await import('bullmq');
    const queue = new Queue('usage', { connection }, createPostgresBackend);
    expect((await queue.getWaiting()).map((job) => [job.id, job.data])).toEqual([
      [jobId, { v: 1, events: [event('a')] }],
    ]);
    await queue.close();
  });

  test('a bare address means the schema that Tollkeeper works on, waiting for it if need be', async () => {
    const { connectionString } = database;
    // Opened before the schema exists: the producer starts before Tollkeeper has.
    const errors: unknown[] = [];
    const producer = createProducer({ connection: connectionString, onError: (error) => errors.push(error) });
    const sent = producer.addDurable(event('a'));
    await until('two attempts have failed', () => errors.length > 1);
    const engine = createBullmqEngine(
      { kind: 'postgres', connectionString, schema: QUEUE_SCHEMA },
      30_000,
      () => undefined,
    );
    const queue = engine.openQueue(USAGE_QUEUE.name);
    await sent;
    expect((await queue.counts()).waiting).toBe(1);
    await producer.close();
    await queue.close();
  });

  test('closing says how much is lost when the database never answers', async () => {
    const connection = 'postgres://nobody@127.0.0.1:1/none';
    const producer = createProducer({ connection, onError: () => undefined });
    await producer.add(event('a'));
    const failed = await producer.close({ timeoutMs: 300 }).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 'QUEUE_UNREACHABLE',
      message: expect.stringContaining('1 event was not acknowledged'),
    });
  });
});
