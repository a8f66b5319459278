import { type BackendFactory, createPostgresBackend, createRedisBackend, type IQueueBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { EventStatus } from '../../src/domain/events/usage-event.ts';
import { QUEUE_SCHEMA } from '../../src/queues.ts';
import { until } from './poll.ts';

/** A producer as anybody would write it, which also waits for what became of its jobs. */
export interface UsageClient {
  /** Adds a job, by default without any options, as clients in other languages do, and returns its id. */
  readonly add: (data: unknown, options?: AddOptions) => Promise<string>;
  /** Adds a job whose stored data is exactly this text. On PostgreSQL the text has to be JSON. */
  readonly addRaw: (text: string) => Promise<string>;
  /** What the job returned once it is completed. */
  readonly results: (jobId: string) => Promise<readonly EventStatus[]>;
  readonly send: (data: unknown) => Promise<readonly EventStatus[]>;
  /** Waits until nothing is waiting, active, parked or delayed. */
  readonly drained: (patienceMs?: number) => Promise<void>;
  /** Ids of the jobs that wait. */
  readonly jobIds: () => Promise<string[]>;
  readonly counts: () => Promise<Readonly<Record<string, number>>>;
  readonly close: () => Promise<void>;
}

export interface AddOptions {
  readonly jobId?: string;
  readonly removeOnComplete?: boolean;
}

export interface UsageClientOptions {
  readonly queue?: string;
  readonly databaseUrl: string;
  readonly redisUrl?: string;
  readonly prefix?: string;
}

/** Opens a client of an intake queue on Redis, or on PostgreSQL when no Redis is named. */
export function openUsageClient(options: UsageClientOptions): UsageClient {
  const name = options.queue ?? 'usage';
  const queue = openQueue(name, options);
  queue.on('error', () => undefined);
  const add = async (data: unknown, jobOptions: AddOptions = {}) => {
    const job = await queue.add('from a test', data, jobOptions);
    if (job.id === undefined) throw new Error('a job without an id');
    return job.id;
  };
  const results = async (jobId: string) => {
    await until(`job ${jobId} is completed`, async () => {
      const state = await queue.getJobState(jobId);
      if (state === 'failed') throw new Error(`job ${jobId} failed`);
      return state === 'completed';
    });
    return (await returnValue(options, name, jobId)).results;
  };
  const counts = () => queue.getJobCounts('waiting', 'active', 'completed', 'failed', 'delayed', 'waiting-children');
  return {
    add,
    results,
    counts,
    addRaw: async (text) => {
      await queue.pause();
      const jobId = await add({});
      await overwrite(options, name, jobId, text);
      await queue.resume();
      return jobId;
    },
    jobIds: async () => (await queue.getJobs(['waiting'])).map((job) => job.id ?? ''),
    send: async (data) => results(await add(data)),
    drained: (patienceMs) =>
      until(
        `queue ${name} is drained`,
        async () => {
          const { completed: _done, failed: _failed, ...open } = await counts();
          return Object.values(open).every((count) => count === 0);
        },
        patienceMs,
      ),
    close: () => queue.close(),
  };
}

function openQueue(name: string, { databaseUrl, redisUrl, prefix }: UsageClientOptions) {
  // BullMQ types each backend's connection apart; the two meet here.
  if (redisUrl !== undefined) {
    const connection = { url: redisUrl, maxRetriesPerRequest: null } as never;
    return new Queue(
      name,
      { connection, ...(prefix === undefined ? {} : { prefix }) },
      createRedisBackend as unknown as Factory,
    );
  }
  const connection = { connectionString: databaseUrl, schema: QUEUE_SCHEMA, migrate: true, max: 2 } as never;
  return new Queue(name, { connection }, createPostgresBackend as unknown as Factory);
}

type Factory = BackendFactory<IQueueBackend, never>;

/** Read past the client library, which cannot read a job whose data is not JSON. */
async function returnValue(
  { databaseUrl, redisUrl, prefix = 'bull' }: UsageClientOptions,
  queue: string,
  jobId: string,
): Promise<{ readonly results: readonly EventStatus[] }> {
  if (redisUrl === undefined) {
    const sql = `select return_value as value from ${QUEUE_SCHEMA}.job where queue = $1 and id = $2`;
    return (await query<{ value: { results: EventStatus[] } }>(databaseUrl, sql, [queue, jobId])).value;
  }
  const redis = new Redis(redisUrl);
  const text = await redis.hget(`${prefix}:${queue}:${jobId}`, 'returnvalue');
  redis.disconnect();
  return JSON.parse(text ?? 'null') as { results: EventStatus[] };
}

/** Replaces the data of a waiting job past the client library, as a broken producer would have written it. */
async function overwrite(
  { databaseUrl, redisUrl, prefix = 'bull' }: UsageClientOptions,
  queue: string,
  jobId: string,
  text: string,
): Promise<void> {
  if (redisUrl !== undefined) {
    const redis = new Redis(redisUrl);
    await redis.hset(`${prefix}:${queue}:${jobId}`, 'data', text);
    redis.disconnect();
    return;
  }
  const sql = `update ${QUEUE_SCHEMA}.job set data = $1 where queue = $2 and id = $3 returning id`;
  await query(databaseUrl, sql, [text, queue, jobId]);
}

async function query<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  sql: string,
  values: readonly unknown[],
): Promise<Row> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(sql, [...values]);
    if (rows[0] === undefined) throw new Error('one row was expected');
    return rows[0];
  } finally {
    await client.end();
  }
}
