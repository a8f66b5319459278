import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { startThrowawayPostgres } from '../../src/adapters/postgres/embedded/throwaway-postgres.ts';
import { createBullmqEngine } from '../../src/adapters/queue/bullmq-engine.ts';
import {
  JobGivenBack,
  type JobProcessor,
  type QueueEngine,
  type QueueHandle,
} from '../../src/pipeline/ingest/queue-port.ts';
import { QUEUE_SCHEMA } from '../../src/queues.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openUsageClient } from '../support/usage-client.ts';

// Far longer than a test waits: whatever needs a lock to end counts as stuck.
const JOB_LOCK_MS = 300_000;

const JOBS = 4;

describe.each(['redis', 'postgres'] as const)('a queue on %s', (kind) => {
  let database: TestDatabase;
  let engine: QueueEngine;
  let prefix: string;
  let number = 0;
  let opened: { readonly close: () => Promise<void> }[];

  beforeEach(async () => {
    opened = [];
    database = await createTestDatabase();
    prefix = `queue-engine-${process.pid}-${number++}`;
    const connection =
      kind === 'redis'
        ? ({ kind, url: inject('redisUrl'), prefix } as const)
        : ({ kind, connectionString: database.connectionString, schema: QUEUE_SCHEMA } as const);
    engine = createBullmqEngine(connection, JOB_LOCK_MS, () => undefined);
  }, 60_000);

  afterEach(async () => {
    for (const handle of opened) await handle.close();
    await database.drop();
  }, 60_000);

  function queue(name: string): QueueHandle {
    const handle = engine.openQueue(name);
    opened.push(handle);
    return handle;
  }

  function work(name: string, process: JobProcessor): void {
    opened.push(engine.openWorker(name, process, { concurrency: 4, keepCompleted: { age: 60, count: 100 } }));
  }

  test('does not leave a job to its lock when its children are done before it is parked', async () => {
    const children = queue('lane-0');
    await children.addJobs([{ id: 'child', data: {} }]);
    work('lane-0', async () => ({ child: 'child', results: ['posted'] }));
    await until('the child is done', async () => (await children.counts()).completed === 1);

    const seen: unknown[] = [];
    work('usage', async (job) => {
      await job.awaitChildren([{ queue: 'lane-0', id: 'child', data: {} }]);
      seen.push((await job.childResults()).get('child'));
      return 'done';
    });
    const usage = queue('usage');
    await usage.addJobs([{ id: 'parent', data: {} }]);
    await until('the parent is done', async () => (await usage.counts()).completed === 1);
    expect(seen).toEqual([{ child: 'child', results: ['posted'] }]);
  }, 120_000);

  test('says of a job that somebody was working on when he went away that it is delivered again', async () => {
    const place =
      kind === 'redis'
        ? ({ kind, url: inject('redisUrl'), prefix } as const)
        : ({ kind, connectionString: database.connectionString, schema: QUEUE_SCHEMA } as const);
    const hasty = createBullmqEngine(place, 1_000, () => undefined);
    const options = { concurrency: 1, keepCompleted: { age: 60, count: 100 } };
    const seen: boolean[] = [];
    const ingest = queue('ingest');
    const first = hasty.openWorker(
      'ingest',
      (job) => {
        seen.push(job.isRedelivered);
        return new Promise(() => undefined);
      },
      options,
    );
    await ingest.addJobs([{ id: 'job', data: {} }]);
    await until('the job is in hand', async () => seen.length === 1);
    await first.close(true);
    const second = hasty.openWorker('ingest', async (job) => seen.push(job.isRedelivered), options);
    opened.push(second);
    await until('the job is done', async () => (await ingest.counts()).completed === 1);
    expect(seen).toEqual([false, true]);
  }, 120_000);

  test('delivers a job that was given back again at once, and does not count it as failed', async () => {
    let deliveries = 0;
    work('usage', async () => {
      deliveries++;
      if (deliveries < 3) throw new JobGivenBack();
      return 'done';
    });
    // Added as foreign producers do, without `attempts`: whatever fails such a job fails it for good.
    const place = {
      databaseUrl: database.connectionString,
      ...(kind === 'redis' ? { redisUrl: inject('redisUrl'), prefix } : {}),
    };
    const usage = openUsageClient(place);
    opened.push(usage);
    await usage.add({});
    await until('the job is done', async () => (await usage.counts()).completed === 1);
    expect(deliveries).toBe(3);
    expect((await usage.counts()).failed).toBe(0);
  }, 120_000);
});

test('a job whose completion meets a PostgreSQL that was killed is completed when it is back, not failed', async () => {
  const server = await startThrowawayPostgres({ durable: true });
  const { connectionString } = server;
  const engine = createBullmqEngine(
    { kind: 'postgres', connectionString, schema: QUEUE_SCHEMA },
    JOB_LOCK_MS,
    () => {},
  );
  // Added as foreign producers do, without `attempts`: whatever fails such a job fails it for good.
  const usage = openUsageClient({ databaseUrl: connectionString });
  let deliveries = 0;
  let isKilled = false;
  const worker = engine.openWorker(
    'usage',
    async () => {
      deliveries++;
      await until('the server was killed', () => isKilled);
      return 'done';
    },
    { concurrency: JOBS, keepCompleted: { age: 60, count: 100 } },
  );
  try {
    for (let job = 0; job < JOBS; job++) await usage.add({});
    await until('all jobs are in hand', () => deliveries === JOBS);
    const { pid } = server;
    process.kill(pid, 'SIGKILL');
    isKilled = true;
    await until('the server is back', () => server.pid !== pid);
    await usage.drained(60_000);
    const { completed, failed } = await usage.counts();
    expect({ completed, failed, deliveries }).toEqual({ completed: JOBS, failed: 0, deliveries: JOBS });
  } finally {
    await worker.close(true);
    await usage.close();
    await server.stop();
  }
}, 120_000);

test('a worker and a queue that open while PostgreSQL is away serve once it is there', async () => {
  const server = await startThrowawayPostgres({ durable: true });
  const { connectionString, pid } = server;
  const errors: string[] = [];
  const connection = { kind: 'postgres', connectionString, schema: QUEUE_SCHEMA } as const;
  const engine = createBullmqEngine(connection, JOB_LOCK_MS, (error) => errors.push(error.message));
  process.kill(pid, 'SIGKILL');
  const worker = engine.openWorker('usage', async () => 'done', {
    concurrency: 4,
    keepCompleted: { age: 60, count: 9 },
  });
  const queue = engine.openQueue('usage');
  try {
    await queue.addJobs([{ id: 'early', data: {} }]);
    await until('the job is done', async () => (await queue.result('early')) === 'done');
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThan(100);
  } finally {
    await worker.close(true);
    await queue.close();
    await server.stop();
  }
}, 120_000);
