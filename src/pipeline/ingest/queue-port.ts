/** One delivered job, as the pipeline sees it. Delivery may happen twice and out of order. */
export interface DeliveredJob {
  readonly queue: string;
  readonly id: string;
  readonly data: unknown;
  /** Size of the data as stored, in characters. */
  readonly size: number;
  /** Whoever had the job before went away with it: some of its events may be posted already. */
  readonly isRedelivered: boolean;
  /** Values returned by finished child jobs, by child id. */
  readonly childResults: () => Promise<ReadonlyMap<string, unknown>>;
  /**
   * Adds child jobs (idempotent by id) and parks the job until they are done, which ends this delivery by throwing
   * `WaitingForChildren`. Returns only when all of them are done already.
   */
  readonly awaitChildren: (children: readonly ChildJob[]) => Promise<void>;
}

/** Thrown by `awaitChildren`: the job is parked until its children are done. Not a failure. */
export class WaitingForChildren extends Error {}

/** Thrown to put a job back untouched: this process cannot finish it. Another delivery will. Not a failure. */
export class JobGivenBack extends Error {}

export interface ChildJob {
  readonly queue: string;
  readonly id: string;
  readonly data: unknown;
}

export type JobProcessor = (job: DeliveredJob) => Promise<unknown>;

/** A job to add. A custom id makes adding it twice harmless; it may be neither an integer nor hold a colon. */
export interface NewJob {
  readonly id?: string;
  readonly data: unknown;
}

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly delayed: number;
}

export interface QueueHandle {
  readonly name: string;
  readonly addJobs: (jobs: readonly NewJob[]) => Promise<void>;
  readonly counts: () => Promise<QueueCounts>;
  /** What a finished job returned; undefined while it is not finished, or no longer kept. */
  readonly result: (id: string) => Promise<unknown>;
  /** A job by its id; undefined when there is none, or it is no longer kept. */
  readonly find: (id: string) => Promise<{ readonly isDone: boolean; readonly result: unknown } | undefined>;
  readonly close: () => Promise<void>;
}

export interface WorkerHandle {
  /** Stops fetching; resolves when the jobs in hand are finished or given back. `force` abandons them: the queue delivers them again when their locks end. */
  readonly close: (force?: boolean) => Promise<void>;
}

/** BullMQ on one of its backends, chosen once in the composition root. */
export interface QueueEngine {
  readonly kind: 'redis' | 'postgres';
  readonly openQueue: (name: string) => QueueHandle;
  readonly openWorker: (
    name: string,
    process: JobProcessor,
    options: { readonly concurrency: number; readonly keepCompleted: { readonly age: number; readonly count: number } },
  ) => WorkerHandle;
}
