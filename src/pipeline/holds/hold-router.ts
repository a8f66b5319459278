import { AppError } from '../../errors.ts';
import type { AdminStore } from '../admin/admin-store.ts';
import type { DeliveredJob } from '../ingest/queue-port.ts';
import { expectHolds } from '../lane/breath.ts';
import type { LaneWriter } from '../lane/lane-writer.ts';
import { changeHold } from './change-hold.ts';
import type { HoldAnswer } from './hold-answer.ts';
import { parseHoldJob } from './hold-job.ts';
import { type HoldRequest, holdRequest } from './hold-request.ts';

/** What a job on the queue `holds` returns. */
export type HoldJobResult = { readonly v: 1 } & HoldAnswer;

export interface HoldRouterOptions {
  readonly currency: string;
  readonly laneOf: (shard: number) => number;
  /** Writers of the lanes this process owns. */
  readonly writers: ReadonlyMap<number, LaneWriter>;
  readonly admin: Pick<AdminStore, 'transact'>;
  /** How far wallets without a limit of their own may go below zero, by the rules in force. */
  readonly overdraftNanos: () => bigint;
  readonly now: () => number;
}

/**
 * Carries requests about holds out: by the lane's own writer where this process has it, on the direct path where another
 * process has it or money is to be posted. Both judge alike, under the same fence.
 */
export class HoldRouter {
  readonly #options: HoldRouterOptions;

  constructor(options: HoldRouterOptions) {
    this.#options = options;
  }

  /** Processes one job; what is wrong with it is an answer too. Throws only when the world fails. */
  async process(job: DeliveredJob): Promise<HoldJobResult> {
    const { currency, now } = this.#options;
    const parsed = parseHoldJob(job.data, currency);
    if (!parsed.ok) return { v: 1, ...parsed };
    const { ok: _, ...asked } = parsed;
    const request = holdRequest({ ...asked, tenant: 'default', currency, actor: 'queue', reason: null, nowMs: now() });
    return { v: 1, ...(await this.carryOut(request)) };
  }

  /** Carries one request out where its wallet's lane is. */
  async carryOut(request: HoldRequest): Promise<HoldAnswer> {
    const writer = this.#options.writers.get(this.#options.laneOf(request.shard));
    if (writer !== undefined) {
      expectHolds();
      try {
        return await writer.holds.submit(request);
      } catch (error) {
        // The lane is changing hands. The fence knows its owner, and we need not.
        if (!(error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY'))) throw error;
      }
    }
    return changeHold(this.#options.admin, request, { overdraftNanos: this.#options.overdraftNanos() });
  }
}
