import {
  type BackendFactory,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type Job,
  type JobJson,
  Queue,
  WaitingChildrenError,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { UNPARSABLE } from '../../domain/events/parse-job.ts';
import {
  type DeliveredJob,
  type JobProcessor,
  type QueueEngine,
  type QueueHandle,
  WaitingForChildren,
  type WorkerHandle,
} from '../../pipeline/ingest/queue-port.ts';

/** Where the queues live. */
export type QueueConnection =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string }
  | { readonly kind: 'postgres'; readonly connectionString: string; readonly schema: string };

/**
 * BullMQ's defaults lose jobs: one exception fails a foreign producer's job for good, and the second stall does too
 * (docs/decisions/0004). A stalled job is simply delivered again; posting it twice changes nothing.
 */
const NO_LOSS = {
  maxStalledCount: 1_000,
  runRetryDelay: 1_000,
} satisfies Partial<WorkerOptions>;

/** Opens BullMQ on the given backend. Errors of connections are reported and retried by BullMQ itself. */
export function createBullmqEngine(
  connection: QueueConnection,
  jobLockMs: number,
  onError: (error: Error) => void,
): QueueEngine {
  const backend = backendOf(connection);
  return {
    kind: connection.kind,
    openQueue: (name) => openQueue(name, backend, onError),
    openWorker: (name, process, options) => openWorker(name, backend, process, { ...options, jobLockMs }, onError),
  };
}

interface Backend {
  readonly factory: BackendFactory<IQueueBackend, never>;
  readonly connection: never;
  readonly prefix: { readonly prefix?: string };
}

function backendOf(connection: QueueConnection): Backend {
  // BullMQ types each backend's connection apart; the two meet here and nowhere else.
  if (connection.kind === 'redis') {
    return {
      factory: createRedisBackend as unknown as Backend['factory'],
      connection: { url: connection.url, maxRetriesPerRequest: null } as never,
      prefix: { prefix: connection.prefix },
    };
  }
  const { connectionString, schema } = connection;
  return {
    factory: createPostgresBackend as unknown as Backend['factory'],
    connection: { connectionString, schema, migrate: true, max: 4, keepAlive: true } as never,
    prefix: {},
  };
}

function openQueue(name: string, backend: Backend, onError: (error: Error) => void): QueueHandle {
  const queue = new Queue(name, { connection: backend.connection, ...backend.prefix }, backend.factory);
  queue.on('error', onError);
  return {
    name,
    async addJobs(jobs) {
      await queue.addBulk(
        jobs.map(({ id, data }) => ({
          name,
          data,
          opts: {
            attempts: 1_000,
            backoff: { type: 'fixed', delay: 1_000 },
            removeOnFail: false,
            ...(id === undefined ? {} : { jobId: id }),
          },
        })),
      );
    },
    async counts() {
      const counts = await queue.getJobCounts('waiting', 'active', 'completed', 'failed', 'delayed');
      const { waiting = 0, active = 0, completed = 0, failed = 0, delayed = 0 } = counts;
      return { waiting, active, completed, failed, delayed };
    },
    async result(id) {
      const job = await queue.getJob(id);
      return job?.finishedOn === undefined ? undefined : job.returnvalue;
    },
    close: () => queue.close(),
  };
}

/** Sizes of job data as stored, so that an oversized job is refused by what it weighed, not by what it became. */
const SIZES = new WeakMap<object, number>();

/** A worker that survives job data that is not JSON: the raw text is handed on, to be refused and kept. */
class TolerantWorker extends Worker<unknown, unknown, string, IQueueBackend, never, never> {
  protected override createJob(json: JobJson, jobId: string): Job<unknown, unknown, string, never> {
    const job = this.#parse(json, jobId);
    SIZES.set(job, json.data.length);
    return job;
  }

  #parse(json: JobJson, jobId: string): Job<unknown, unknown, string, never> {
    try {
      return super.createJob(json, jobId);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return super.createJob({ ...json, data: JSON.stringify({ [UNPARSABLE]: json.data }) }, jobId);
    }
  }
}

interface WorkerSettings {
  readonly concurrency: number;
  readonly keepCompleted: { readonly age: number; readonly count: number };
  readonly jobLockMs: number;
}

function openWorker(
  name: string,
  backend: Backend,
  process: JobProcessor,
  options: WorkerSettings,
  onError: (error: Error) => void,
): WorkerHandle {
  const worker = new TolerantWorker(
    name,
    async (job, token) => {
      try {
        return await process(deliver(name, job, token, backend, onError));
      } catch (error) {
        throw error instanceof WaitingForChildren ? new WaitingChildrenError() : error;
      }
    },
    {
      ...NO_LOSS,
      lockDuration: options.jobLockMs,
      stalledInterval: Math.ceil(options.jobLockMs / 4),
      connection: backend.connection,
      ...backend.prefix,
      concurrency: options.concurrency,
      removeOnComplete: options.keepCompleted,
    },
    backend.factory,
  );
  worker.on('error', onError);
  return { close: (force) => worker.close(force) };
}

function deliver(
  queue: string,
  job: Job<unknown, unknown, string, never>,
  token: string | undefined,
  backend: Backend,
  onError: (error: Error) => void,
): DeliveredJob {
  return {
    queue,
    id: job.id ?? '',
    data: job.data,
    size: SIZES.get(job) ?? 0,
    childResults: async () => new Map(Object.values(await job.getChildrenValues<{ child?: string }>()).map((value) => [value.child ?? '', value])),
    async awaitChildren(children) {
      for (const child of children) {
        const handle = new Queue(child.queue, { connection: backend.connection, ...backend.prefix }, backend.factory);
        handle.on('error', onError);
        try {
          await handle.add(child.queue, child.data, {
            jobId: child.id,
            parent: { id: job.id ?? '', queue: job.queueQualifiedName },
            attempts: 1_000,
            backoff: { type: 'fixed', delay: 1_000 },
            removeOnFail: false,
          });
        } finally {
          await handle.close();
        }
      }
      await job.moveToWaitingChildren(token ?? '');
      throw new WaitingForChildren();
    },
  };
}
