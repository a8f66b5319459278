import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendFactory,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type Job,
  type JobJson,
  Queue,
  type Telemetry,
  UnrecoverableError,
  WaitingChildrenError,
  WaitingError,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import pg from 'pg';
import { UNPARSABLE } from '../../domain/events/parse-job.ts';
import { originalJobData, storableJobData } from '../../domain/events/storable-job.ts';
import {
  type ChildJob,
  type DeliveredJob,
  JobGivenBack,
  type JobProcessor,
  type QueueEngine,
  type QueueHandle,
  WaitingForChildren,
  type WorkerHandle,
} from '../../pipeline/ingest/queue-port.ts';
import { ListenedClient } from './listened-client.ts';

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

/** How long a job waits to be delivered again after something went wrong on its way. */
const REDELIVER_MS = 1_000;

const CONNECT_RETRY_MS = 250;

/** Opens BullMQ on the given backend. Errors of connections are reported and retried by BullMQ itself. */
export function createBullmqEngine(
  connection: QueueConnection,
  jobLockMs: number,
  onError: (error: Error) => void,
  telemetry?: Telemetry,
): QueueEngine {
  const backend = { ...backendOf(connection), ...(telemetry === undefined ? {} : { traced: { telemetry } }) };
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
  /** Carries traces with jobs. */
  readonly traced?: { readonly telemetry: Telemetry };
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
    factory: createPatientBackend as unknown as Backend['factory'],
    connection: { connectionString, schema, migrate: true, max: 4, keepAlive: true } as never,
    prefix: {},
  };
}

/**
 * BullMQ's PostgreSQL backend remembers a first connection that failed for ever: its queue answers nothing any more, and
 * its worker spins. Ours connects until it succeeds. A connection that breaks while nobody listens to it, which theirs
 * are for moments, would end the process; the query that meets it reports it anyway.
 */
const createPatientBackend: typeof createPostgresBackend = (name, options, factoryOptions) => {
  const backend = createPostgresBackend(name, options, factoryOptions);
  const { connection } = backend as unknown as { readonly connection: Bootstrapping };
  const bootstrap = connection.bootstrap.bind(connection);
  connection.pool.on('connect', (client) => client.on('error', () => undefined));
  connection.pgModule = { Pool: pg.Pool, Client: ListenedClient };
  connection.bootstrap = async () => {
    for (;;) {
      try {
        await bootstrap();
        return;
      } catch (error) {
        if (connection.isClosing) throw error;
        connection.emitError(error as Error);
        await sleep(CONNECT_RETRY_MS);
      }
    }
  };
  return backend;
};

/** The parts of BullMQ's connection that make connections. */
interface Bootstrapping {
  readonly pool: pg.Pool;
  pgModule: { readonly Pool: typeof pg.Pool; readonly Client: typeof pg.Client };
  bootstrap: () => Promise<void>;
  readonly isClosing: unknown;
  readonly emitError: (error: Error) => void;
}

function openQueue(name: string, backend: Backend, onError: (error: Error) => void): QueueHandle {
  const queue = new Queue(
    name,
    { connection: backend.connection, ...backend.prefix, ...backend.traced },
    backend.factory,
  );
  queue.on('error', onError);
  return {
    name,
    async addJobs(jobs) {
      await queue.addBulk(
        jobs.map(({ id, data }) => ({
          name,
          data: storableJobData(data),
          opts: {
            attempts: 1_000,
            backoff: { type: 'fixed', delay: REDELIVER_MS },
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
    async find(id) {
      const job = await queue.getJob(id);
      if (job === undefined) return undefined;
      const isDone = job.finishedOn !== undefined && job.failedReason === undefined;
      return { isDone, result: isDone ? job.returnvalue : undefined };
    },
    close: () => queue.close(),
  };
}

/**
 * Size of a job's data as stored, so that an oversized job is refused by what it weighed, not by what it became. A
 * property of the job itself: a WeakMap of thousands of short-lived jobs is what the garbage collector is slowest at.
 */
const SIZE = Symbol('size of the data');

type SizedJob = Job<unknown, unknown, string, never> & { [SIZE]?: number };

type Handled = [unknown, SizedJob, string, (() => boolean)?, never?];

/** How long a job in hand waits before it tries again to tell a queue that is gone what became of it. */
const SETTLE_RETRY_MS = 250;

/**
 * A worker that survives job data that is not JSON (the raw text is handed on, to be refused and kept), and queues that
 * go away just when a job is to be completed: BullMQ knows few errors of PostgreSQL as such, takes the others for the
 * job's own, and would fail it for good once the server is back.
 */
class TolerantWorker extends Worker<unknown, unknown, string, IQueueBackend, never, never> {
  protected override handleCompleted(...[result, job, token, fetchNext, span]: Handled) {
    return this.#settle(() => super.handleCompleted(result, job, token, fetchNext, span));
  }

  protected override handleFailed(...[error, job, token, fetchNext, span]: Handled) {
    if (!(error instanceof UnrecoverableError)) {
      // Whatever a processor throws is the world's fault, not the job's: it is delivered again.
      job.opts.attempts = job.attemptsMade + 2;
      job.opts.backoff = { type: 'fixed', delay: REDELIVER_MS };
    }
    return this.#settle(() => super.handleFailed(error as Error, job, token, fetchNext, span));
  }

  /** Repeats until the queue has answered. A number as the code is an answer: the job is not ours any more. */
  async #settle<T>(tell: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await tell();
      } catch (error) {
        const isAnswer = error instanceof Error && 'code' in error && typeof error.code === 'number';
        if (isAnswer || this.closing !== undefined) throw error;
        this.emit('error', error as Error);
        await sleep(SETTLE_RETRY_MS);
      }
    }
  }

  protected override createJob(json: JobJson, jobId: string): Job<unknown, unknown, string, never> {
    const job: SizedJob = this.#parse(json, jobId);
    job[SIZE] = json.data.length;
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
  const children = new ChildQueues(backend, onError);
  const worker = new TolerantWorker(
    name,
    async (job, token) => {
      try {
        return await process(deliver(name, job, token, children));
      } catch (error) {
        if (error instanceof WaitingForChildren) throw new WaitingChildrenError();
        if (!(error instanceof JobGivenBack)) throw error;
        await job.moveToWait(token);
        throw new WaitingError();
      }
    },
    {
      ...NO_LOSS,
      lockDuration: options.jobLockMs,
      stalledInterval: Math.ceil(options.jobLockMs / 4),
      connection: backend.connection,
      ...backend.prefix,
      ...backend.traced,
      concurrency: options.concurrency,
      removeOnComplete: options.keepCompleted,
    },
    backend.factory,
  );
  worker.on('error', onError);
  return {
    async close(force) {
      const closed = worker.close(force).then(() => children.close());
      if (force !== true) return closed;
      // With Redis away, closing ends only when it is back; whoever forces does not wait for that.
      closed.catch(onError);
    },
  };
}

/** The queues this worker has forwarded to: one connection each, not one a job. */
class ChildQueues {
  readonly #backend: Backend;
  readonly #onError: (error: Error) => void;
  readonly #queues = new Map<string, Queue<unknown, unknown, string>>();

  constructor(backend: Backend, onError: (error: Error) => void) {
    this.#backend = backend;
    this.#onError = onError;
  }

  async add(child: ChildJob, parent: { readonly id: string; readonly queue: string }): Promise<void> {
    await this.#queue(child.queue).add(child.queue, storableJobData(child.data), {
      jobId: child.id,
      parent,
      attempts: 1_000,
      backoff: { type: 'fixed', delay: REDELIVER_MS },
      removeOnFail: false,
    });
  }

  #queue(name: string) {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { connection, prefix, traced, factory } = this.#backend;
    const queue = new Queue(name, { connection, ...prefix, ...traced }, factory) as unknown as Queue<
      unknown,
      unknown,
      string
    >;
    queue.on('error', this.#onError);
    this.#queues.set(name, queue);
    return queue;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    this.#queues.clear();
  }
}

function deliver(queue: string, job: SizedJob, token: string | undefined, children: ChildQueues): DeliveredJob {
  return {
    queue,
    id: job.id ?? '',
    data: originalJobData(job.data),
    size: job[SIZE] ?? 0,
    isRedelivered: job.stalledCounter > 0,
    childResults: async () => {
      const values = Object.entries(await job.getChildrenValues<unknown>());
      // The name of a child is its queue's and its id, which holds no colon.
      return new Map(values.map(([name, value]) => [name.slice(name.lastIndexOf(':') + 1), value]));
    },
    async awaitChildren(added) {
      const parent = { id: job.id ?? '', queue: job.queueQualifiedName };
      await Promise.all(added.map((child) => children.add(child, parent)));
      // False when the last child was done before the parent could be parked: parking it then would leave it to its lock.
      if (await job.moveToWaitingChildren(token ?? '')) throw new WaitingForChildren();
    },
  };
}
