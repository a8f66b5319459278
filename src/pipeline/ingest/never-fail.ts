import { type DeliveredJob, JobGivenBack, type JobProcessor, WaitingForChildren } from './queue-port.ts';
import type { RejectionLog } from './rejection-log.ts';

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 10_000;
/** How often a job may meet our own bug before it is set aside, so that the jobs behind it are served. */
const BUG_ATTEMPTS = 5;

export interface NeverFailOptions {
  readonly rejections: RejectionLog;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onRetry: (job: DeliveredJob, attempt: number, error: unknown) => void;
  /** True once the process is stopping: a job that cannot finish goes back to its queue. */
  readonly isStopping: () => boolean;
}

/**
 * A producer in another language sets no `attempts`, so one exception would fail its job for good. Infrastructure
 * errors therefore never reach the queue: the job stays in hand and is tried again until the world is back. A job that
 * keeps meeting a bug of ours is set aside whole, with its content, and reported as rejected.
 */
export function neverFail(process: JobProcessor, options: NeverFailOptions): JobProcessor {
  return async (job) => {
    let bug: unknown;
    let bugs = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        return bugs < BUG_ATTEMPTS ? await process(job) : await setAside(job, bug, options.rejections);
      } catch (error) {
        if (error instanceof WaitingForChildren || error instanceof JobGivenBack) throw error;
        options.onRetry(job, attempt, error);
        // Setting aside may fail too; the error to report stays the one it was set aside for.
        if (isOurBug(error) && ++bugs <= BUG_ATTEMPTS) bug = error;
        await options.sleep(Math.min(RETRY_MS_MIN * 2 ** (attempt - 1), RETRY_MS_MAX));
        if (options.isStopping()) throw new JobGivenBack('the process is stopping');
      }
    }
  };
}

/** Errors that repeating cannot mend; what the network, PostgreSQL or Redis throw is none of these. */
export function isOurBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

async function setAside(job: DeliveredJob, error: unknown, rejections: RejectionLog): Promise<unknown> {
  const status = {
    id: null,
    status: 'rejected',
    code: 'JOB_FAILED',
    field: '(job)',
    value: error instanceof Error ? error.message.slice(0, 80) : String(error),
    fix: 'Report this job; it is kept whole and can be sent again.',
  } as const;
  await rejections.record({ queue: job.queue, jobId: job.id }, [
    { status, position: 0, tenant: 'default', source: null, raw: job.data },
  ]);
  return { v: 1, results: [status] };
}
