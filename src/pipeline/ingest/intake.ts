import { hash } from 'node:crypto';
import { z } from 'zod';
import type { EventStatus } from '../../domain/events/usage-event.ts';
import { AppError } from '../../errors.ts';
import { HTTP_QUEUE } from '../../queues.ts';
import type { QueueHandle } from './queue-port.ts';
import { readSent, type SentRequest, sentJobData } from './sent-job.ts';
import type { UsageRouter } from './usage-router.ts';

/** How much may wait before requests are turned away. */
export interface IntakeLimits {
  /** Events in memory that are not durable yet. */
  readonly eventsWaitingMax: number;
  /** Requests in the queue that nobody has taken yet. */
  readonly jobsWaitingMax: number;
}

export const INTAKE_LIMITS: IntakeLimits = { eventsWaitingMax: 100_000, jobsWaitingMax: 5_000 };

/** How long a count of the queue stands for the queue. */
const COUNTED_MS = 500;
const ASK_AGAIN_MS = 20;
/** How long a request waits for what another process posts. */
const WAIT_MS = 20_000;

/** Statuses, or the job that will have them. */
export type PostedState = { readonly results: readonly EventStatus[] } | { readonly job: string };

/** What became of a request that was acknowledged before its events were posted. */
export type SentState =
  | { readonly state: 'waiting' }
  | { readonly state: 'done'; readonly results: readonly EventStatus[] };

export interface IntakeOptions {
  readonly router: Pick<UsageRouter, 'processSent'>;
  readonly queue: QueueHandle;
  /** Events that lane writers of this process have in hand. */
  readonly backlog: () => number;
  readonly limits?: IntakeLimits;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const resultSchema = z.object({
  tenant: z.string(),
  results: z.array(z.custom<EventStatus>((value) => value !== null)),
});

/**
 * The way in for events that come over HTTP. Whoever waits has them posted straight from memory, which is durable once it is
 * answered and can be sent again if it is not; whoever does not wait has them kept by the queue first.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #jobsWaiting = 0;
  #countedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Whether so much waits to be posted that no more can be taken from those who wait for it. */
  get isBehind(): boolean {
    const { backlog, limits = INTAKE_LIMITS } = this.#options;
    return backlog() > limits.eventsWaitingMax;
  }

  /** Whether the queue is too long to keep more. */
  async isQueueFull(): Promise<boolean> {
    const { queue, now, limits = INTAKE_LIMITS } = this.#options;
    const nowMs = now();
    if (nowMs - this.#countedAtMs >= COUNTED_MS) {
      this.#countedAtMs = nowMs;
      this.#jobsWaiting = (await queue.counts()).waiting;
    }
    return this.#jobsWaiting > limits.jobsWaitingMax;
  }

  /**
   * Posts events and resolves with one status each, in their order, once all of them are durable; with the name of a job
   * when another process has them in its queue for too long to wait for.
   */
  async post(request: SentRequest, id: string): Promise<PostedState> {
    try {
      const done = await this.#options.router.processSent({ queue: HTTP_QUEUE.name, id }, readSent(request));
      if (done !== undefined) return { results: done.results };
    } catch (error) {
      // A lane changes hands: the queue finds its new owner.
      if (!(error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY'))) throw error;
    }
    const job = await this.keep(request, id);
    for (let asked = 0; asked < WAIT_MS / ASK_AGAIN_MS; asked++) {
      const found = await this.find(request.tenant, job);
      if (found?.state === 'done') return { results: found.results };
      await this.#options.sleep(ASK_AGAIN_MS);
    }
    return { job };
  }

  /** Keeps events for later; returns the name of the job, which tells nothing of whose it is. */
  async keep(request: SentRequest, id: string): Promise<string> {
    const name = jobName(request.tenant, id);
    await this.#options.queue.addJobs([{ id: name, data: sentJobData(request) }]);
    return name;
  }

  /** What became of a job of a tenant; undefined when the tenant has none of that name, or it is no longer kept. */
  async find(tenant: string, name: string): Promise<SentState | undefined> {
    const id = name.slice(0, name.lastIndexOf('-'));
    if (jobName(tenant, id) !== name) return undefined;
    const job = await this.#options.queue.find(name);
    if (job === undefined) return undefined;
    if (!job.isDone) return { state: 'waiting' };
    const { results } = resultSchema.parse(job.result);
    return { state: 'done', results };
  }
}

/** Bound to its tenant, so that nobody asks for the job of another. */
function jobName(tenant: string, id: string): string {
  return `${id}-${hash('sha256', `${tenant}\u0000${id}`, 'hex').slice(0, 12)}`;
}
