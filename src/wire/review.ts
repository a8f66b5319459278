import type pg from 'pg';
import { processReview } from '../../jobs/review.ts';
import { createReviewModel } from '../adapters/openai/review-model.ts';
import { createOutboxStore } from '../adapters/postgres/outbox-store.ts';
import { createRejectionLog } from '../adapters/postgres/rejection-log.ts';
import { createReviewStore } from '../adapters/postgres/review-store.ts';
import type { Config } from '../config.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { neverFail } from '../pipeline/ingest/never-fail.ts';
import type { DeliveredJob } from '../pipeline/ingest/queue-port.ts';
import { startOutboxRelay } from '../pipeline/outbox/outbox-relay.ts';
import { BreakerState, type ReviewParts } from '../pipeline/review/review-alert.ts';
import type { ReviewModel } from '../pipeline/review/review-store.ts';
import { REVIEW_QUEUE } from '../queues.ts';
import type { Engine } from './engine.ts';

export interface ReviewOptions {
  readonly config: Pick<Config, 'openaiApiKey' | 'openaiBaseUrl'>;
  readonly ruleset: () => Pick<Ruleset, 'review' | 'bands'>;
  readonly now: () => number;
}

/** Reviews on an open database, with the configured model if there is one. */
export function createReviewing(pool: pg.Pool, { config, ruleset, now }: ReviewOptions): ReviewParts {
  return {
    store: createReviewStore(pool),
    model: openReviewModel(config),
    rules: ruleset,
    now,
    breaker: new BreakerState(),
  };
}

/** The configured model; undefined when there is neither a key nor a server. */
export function openReviewModel({
  openaiApiKey: apiKey,
  openaiBaseUrl: baseUrl,
}: ReviewOptions['config']): ReviewModel | undefined {
  return apiKey === undefined && baseUrl === undefined ? undefined : createReviewModel({ apiKey, baseUrl });
}

/** Reviews in hand at once; each waits for a server most of the time. */
const AT_ONCE = 4;

/** Works off alerts that wait for a review, until it is closed. Nothing else waits for it. */
export function startReviewing(
  engine: Pick<Engine, 'pool' | 'queues'>,
  parts: ReviewParts,
  onRetry: (what: string, attempt: number, error: unknown) => void,
): { readonly close: () => Promise<void> } {
  const stopping = new AbortController();
  const guarded = neverFail((job) => processReview(parts, job), {
    rejections: createRejectionLog(engine.pool),
    sleep: (ms) => pause(ms, stopping.signal),
    onRetry: (job: DeliveredJob, attempt, error) => onRetry(`job ${job.queue}/${job.id}`, attempt, error),
    isStopping: () => stopping.signal.aborted,
  });
  const worker = engine.queues.openWorker(REVIEW_QUEUE.name, guarded, {
    concurrency: AT_ONCE,
    keepCompleted: REVIEW_QUEUE.keepCompleted,
  });
  const relay = startOutboxRelay(createOutboxStore(engine.pool), engine.queues, onRetry, REVIEW_QUEUE.name);
  return {
    async close() {
      stopping.abort();
      await worker.close();
      await relay.close();
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
