import {
  type BulkJobOptions,
  type ConnectionOptions,
  createPostgresBackend,
  type PostgresPoolConfig,
  Queue,
} from 'bullmq';
import { Redis } from 'ioredis';
import { storableJobData } from '../domain/events/storable-job.ts';
import { QUEUE_SCHEMA } from '../queues.ts';
import type { OutgoingJob } from './send-buffer.ts';

/**
 * Where the usage queue lives: `redis://…`, `rediss://…` or `postgres://…`; or the options of ioredis (one server or a
 * cluster); or `{ connectionString }` with the options of a pg pool. On PostgreSQL the queue is in the schema
 * `tollkeeper_queue` unless `schema` says otherwise.
 */
export type ProducerConnection = string | ConnectionOptions | PostgresConfig;

type PostgresConfig = PostgresPoolConfig & { readonly connectionString: string };

export interface ProducerQueueOptions {
  readonly connection: ProducerConnection;
  readonly queueName: string;
  readonly prefix: string | undefined;
  readonly onError: (error: unknown) => void;
}

/** The queue as the producer needs it. */
export interface ProducerQueue {
  readonly send: (jobs: readonly OutgoingJob[]) => Promise<void>;
  readonly close: () => Promise<void>;
  /** Drops the connection without waiting for a server that is not there. */
  readonly disconnect: () => void;
}

/**
 * BullMQ's defaults would lose usage: a job has one attempt, and completed jobs stay for ever. A job that failed all the
 * same is kept, so that it can be found (`tollkeeper doctor` counts it) and added again.
 */
const JOB_OPTIONS = {
  attempts: 1_000,
  backoff: { type: 'fixed', delay: 1_000 },
  removeOnComplete: { age: 86_400 },
  removeOnFail: false,
} as const;

/** Opens BullMQ on Redis or PostgreSQL. Connection errors are reported and healed by reconnecting. */
export function openProducerQueue({ connection, queueName, prefix, onError }: ProducerQueueOptions): ProducerQueue {
  const settings = prefix === undefined ? {} : { prefix };
  if (isPostgres(connection)) {
    const config = typeof connection === 'string' ? { connectionString: connection } : connection;
    const options = { connection: { ...POSTGRES_DEFAULTS, ...config }, ...settings };
    const open = () => new Queue(queueName, options, createPostgresBackend);
    return producerQueue(reopening(open, onError), { name: queueName, onError, hangUp: () => undefined });
  }
  if (typeof connection !== 'string') {
    const queue = new Queue(queueName, { connection, ...settings });
    return producerQueue(fixed(queue, onError), { name: queueName, onError, hangUp: () => undefined });
  }
  // A client of our own can be hung up while it waits for a server that is gone; BullMQ's would be waited for.
  // Without its limit lifted, ioredis gives a command up after twenty reconnects.
  const client = new Redis(connection, { maxRetriesPerRequest: null });
  client.on('error', onError);
  const queue = new Queue(queueName, { connection: client, ...settings });
  return producerQueue(fixed(queue, onError), { name: queueName, onError, hangUp: () => client.disconnect() });
}

/** A server that swallows packets must be given up, or an attempt would never end. */
const POSTGRES_DEFAULTS = { schema: QUEUE_SCHEMA, max: 2, keepAlive: true, connectionTimeoutMillis: 10_000 } as const;

/** What both kinds of queue have in common. */
interface BullQueue {
  addBulk(jobs: { name: string; data: unknown; opts: BulkJobOptions }[]): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  disconnect(): Promise<void>;
}

/** The queue in use, and how to get one that can be sent to. */
interface QueueSource {
  readonly current: () => BullQueue | undefined;
  readonly ready: () => Promise<BullQueue>;
}

/** On Redis, BullMQ reconnects by itself, and what is added meanwhile waits. */
function fixed(queue: BullQueue, onError: (error: unknown) => void): QueueSource {
  queue.on('error', onError);
  return { current: () => queue, ready: async () => queue };
}

/**
 * BullMQ remembers a failed first connection to PostgreSQL for ever. A producer that starts before its database, or
 * before Tollkeeper has made the schema, opens the queue again at every attempt until both are there.
 */
function reopening(open: () => BullQueue, onError: (error: unknown) => void): QueueSource {
  const opened = () => {
    const fresh = open();
    fresh.on('error', onError);
    return fresh;
  };
  let queue: BullQueue | undefined = opened();
  return {
    current: () => queue,
    async ready() {
      queue ??= opened();
      const mine = queue;
      try {
        await mine.waitUntilReady();
      } catch (error) {
        queue = undefined;
        mine.close().catch(onError);
        throw error;
      }
      return mine;
    },
  };
}

function producerQueue(
  source: QueueSource,
  { name, onError, hangUp }: { name: string; onError: (error: unknown) => void; hangUp: () => void },
): ProducerQueue {
  return {
    async send(jobs) {
      const queue = await source.ready();
      await queue.addBulk(
        jobs.map(({ id, texts }) => ({
          name,
          data: storableJobData({ v: 1, events: texts.map((text): unknown => JSON.parse(text)) }),
          opts: { ...JOB_OPTIONS, jobId: id },
        })),
      );
    },
    async close() {
      await source.current()?.close();
      hangUp();
    },
    disconnect() {
      hangUp();
      // Never awaited: it resolves when the server has answered, and there is none.
      source.current()?.disconnect().catch(onError);
    },
  };
}

function isPostgres(connection: ProducerConnection): connection is string | PostgresConfig {
  if (typeof connection === 'string') return /^postgres(ql)?:/.test(connection);
  return 'connectionString' in connection && typeof connection.connectionString === 'string';
}
