import type pg from 'pg';
import { processReconcile } from '../../jobs/reconcile.ts';
import { createRejectionLog } from '../adapters/postgres/rejection-log.ts';
import { createReconcileStore } from '../adapters/postgres/stripe/reconcile-store.ts';
import { createStripeBalance } from '../adapters/stripe/balance.ts';
import { createStripeClient } from '../adapters/stripe/client.ts';
import { AppError } from '../errors.ts';
import { startSweep } from '../pipeline/admin/sweep-loop.ts';
import { neverFail } from '../pipeline/ingest/never-fail.ts';
import { addDailyRun } from '../pipeline/reconcile/daily-run.ts';
import type { ReconcileParts } from '../pipeline/reconcile/reconcile.ts';
import { settlePayment } from '../pipeline/stripe/settle-payment.ts';
import { RECONCILE_QUEUE } from '../queues.ts';
import type { Engine } from './engine.ts';
import { type MoneyInOptions, requireMoneyIn } from './money-in.ts';

/** What reconciliation works with; `STRIPE_OFF` without a key. */
export function createReconciling(pool: pg.Pool, options: MoneyInOptions): ReconcileParts {
  const money = requireMoneyIn(pool, options);
  const { stripeSecretKey: secretKey, stripeApiUrl: apiUrl } = options.config;
  if (secretKey === undefined) throw new AppError('STRIPE_OFF', 'STRIPE_SECRET_KEY is not set.');
  return {
    balance: createStripeBalance(createStripeClient({ secretKey, apiUrl, allowLive: true })),
    store: createReconcileStore(pool),
    money: money.store,
    settle: (paymentIntent) => settlePayment(money, paymentIntent),
    now: money.now,
  };
}

/** Reconciles the days before once a day, in one of the processes that run, until it is closed. */
export function startReconciling(
  { pool, queues }: Pick<Engine, 'pool' | 'queues'>,
  parts: ReconcileParts,
  onRetry: (what: string, attempt: number, error: unknown) => void,
): { readonly close: () => Promise<void> } {
  const stopping = new AbortController();
  const { name, keepCompleted } = RECONCILE_QUEUE;
  const guarded = neverFail((job) => processReconcile(parts, job), {
    rejections: createRejectionLog(pool),
    sleep: (ms) => pause(ms, stopping.signal),
    onRetry: (job, attempt, error) => onRetry(`job ${job.queue}/${job.id}`, attempt, error),
    isStopping: () => stopping.signal.aborted,
  });
  const worker = queues.openWorker(name, guarded, { concurrency: 1, keepCompleted });
  const queue = queues.openQueue(name);
  let addedDay = '';
  const sweep = startSweep({
    what: 'daily reconciliation',
    onRetry,
    sweep: async () => {
      addedDay = await addDailyRun(queue, { addedDay, nowMs: parts.now() });
    },
  });
  return {
    async close() {
      stopping.abort();
      await sweep.close();
      await worker.close();
      await queue.close();
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
