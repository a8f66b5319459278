import {
  type BulkJobOptions,
  type ConnectionOptions,
  createPostgresBackend,
  type PostgresPoolConfig,
  Queue,
} from 'bullmq';
import { Redis } from 'ioredis';
import type { OutgoingJob } from './send-buffer.ts';

/**
 * Where the usage queue lives: `redis://…`, `rediss://…` or `postgres://…`; or the options of ioredis (one server or a
 * cluster); or `{ connectionString, schema }` for BullMQ on PostgreSQL.
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
 * BullMQ's defaults would lose usage: a job has one attempt, and completed jobs stay for ever. Failed ones are kept
 * until Tollkeeper has swept them into quarantine.
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
    const options = { connection: { max: 2, keepAlive: true, ...config }, ...settings };
    const queue = new Queue(queueName, options, createPostgresBackend);
    return producerQueue(queue, { name: queueName, onError, hangUp: () => undefined });
  }
  if (typeof connection !== 'string') {
    const queue = new Queue(queueName, { connection, ...settings });
    return producerQueue(queue, { name: queueName, onError, hangUp: () => undefined });
  }
  // A client of our own can be hung up while it waits for a server that is gone; BullMQ's would be waited for.
  // Without its limit lifted, ioredis gives a command up after twenty reconnects.
  const client = new Redis(connection, { maxRetriesPerRequest: null });
  client.on('error', onError);
  const queue = new Queue(queueName, { connection: client, ...settings });
  return producerQueue(queue, { name: queueName, onError, hangUp: () => client.disconnect() });
}

/** What both kinds of queue have in common. */
interface BullQueue {
  addBulk(jobs: { name: string; data: unknown; opts: BulkJobOptions }[]): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
  disconnect(): Promise<void>;
}

function producerQueue(
  queue: BullQueue,
  { name, onError, hangUp }: { name: string; onError: (error: unknown) => void; hangUp: () => void },
): ProducerQueue {
  queue.on('error', onError);
  return {
    async send(jobs) {
      await queue.addBulk(
        jobs.map(({ id, texts }) => ({
          name,
          data: { v: 1, events: texts.map((text): unknown => JSON.parse(text)) },
          opts: { ...JOB_OPTIONS, jobId: id },
        })),
      );
    },
    async close() {
      await queue.close();
      hangUp();
    },
    disconnect() {
      hangUp();
      // Never awaited: it resolves when the server has answered, and there is none.
      queue.disconnect().catch(onError);
    },
  };
}

function isPostgres(connection: ProducerConnection): connection is string | PostgresConfig {
  if (typeof connection === 'string') return /^postgres(ql)?:/.test(connection);
  return 'connectionString' in connection && typeof connection.connectionString === 'string';
}
