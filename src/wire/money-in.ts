import type pg from 'pg';
import { processRadar } from '../../jobs/radar.ts';
import { processStripeEvent } from '../../jobs/stripe-events.ts';
import { createAdminStore } from '../adapters/postgres/admin/admin-store.ts';
import { createOutboxStore } from '../adapters/postgres/outbox-store.ts';
import { createRejectionLog } from '../adapters/postgres/rejection-log.ts';
import { createMoneyStore } from '../adapters/postgres/stripe/money-store.ts';
import { createStripeClient } from '../adapters/stripe/client.ts';
import { createStripePort } from '../adapters/stripe/money-in.ts';
import { createWebhookVerifier } from '../adapters/stripe/webhook-verifier.ts';
import type { Config } from '../config.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import { returnRoutes, topUpRoutes } from '../http/money/top-up-routes.ts';
import { webhookRoutes } from '../http/money/webhook-routes.ts';
import type { CaseStore } from '../pipeline/admin/case-store.ts';
import { type LabelCause, labelAccount } from '../pipeline/admin/label-account.ts';
import { startSweep } from '../pipeline/admin/sweep-loop.ts';
import { neverFail } from '../pipeline/ingest/never-fail.ts';
import type { DeliveredJob, JobProcessor } from '../pipeline/ingest/queue-port.ts';
import { startOutboxRelay } from '../pipeline/outbox/outbox-relay.ts';
import { sweepAutoTopUps } from '../pipeline/stripe/auto-top-up.ts';
import { backfill } from '../pipeline/stripe/backfill.ts';
import { lookAgain } from '../pipeline/stripe/look-again.ts';
import { type AccountLabels, type MoneyIn, STRIPE_ACTOR } from '../pipeline/stripe/money-in.ts';
import type { OtherEvents } from '../pipeline/stripe/process-event.ts';
import { sweepRadar } from '../pipeline/stripe/radar.ts';
import { receiveWebhook } from '../pipeline/stripe/receive-webhook.ts';
import { RADAR_QUEUE, STRIPE_EVENTS_QUEUE } from '../queues.ts';
import type { Engine } from './engine.ts';
import type { EdgeRoutes } from './http-edge.ts';

/** Where customers come back to when nobody has said where they see us. */
const PUBLIC_URL = 'http://127.0.0.1:8377';

export interface MoneyInOptions {
  readonly config: Pick<Config, 'stripeSecretKey' | 'stripeApiUrl' | 'publicUrl'>;
  readonly ruleset: () => Ruleset;
  readonly now: () => number;
}

/** Money in on an open database; undefined without a key. */
export function createMoneyIn(pool: pg.Pool, { config, ruleset, now }: MoneyInOptions): MoneyIn | undefined {
  const { stripeSecretKey, stripeApiUrl, publicUrl = PUBLIC_URL } = config;
  if (stripeSecretKey === undefined) return undefined;
  const client = createStripeClient({ secretKey: stripeSecretKey, apiUrl: stripeApiUrl, allowLive: true });
  const admin = createAdminStore(pool);
  const base = publicUrl.replace(/\/+$/, '');
  return {
    stripe: createStripePort(client, { isLive: /^.k_live_/.test(stripeSecretKey.reveal()) }),
    store: createMoneyStore(pool),
    admin,
    labels: accountLabels(admin, now),
    overdraftNanos: () => ruleset().overdraftNanos,
    warningFreezeHours: () => ruleset().warningFreezeHours ?? null,
    returnUrls: () => ({ successUrl: `${base}/topups/paid`, cancelUrl: `${base}/topups/canceled` }),
    now,
  };
}

/** The same, or `STRIPE_OFF`. */
export function requireMoneyIn(pool: pg.Pool, options: MoneyInOptions): MoneyIn {
  const money = createMoneyIn(pool, options);
  if (money !== undefined) return money;
  throw new AppError('STRIPE_OFF', 'STRIPE_SECRET_KEY is not set, so there is no Stripe to ask.');
}

/** What payments say of accounts goes through the one door for labels. */
function accountLabels(store: CaseStore, now: () => number): AccountLabels {
  return {
    async label({ tenant, account, verdict, source, key, reason, atMs }) {
      const isWon = source === 'dispute' && verdict === 'benign';
      const cause: LabelCause = isWon ? 'dispute_won' : source;
      await labelAccount(store, {
        tenant,
        account,
        label: verdict,
        cause,
        atMs: Math.min(atMs, now()),
        note: reason,
        idempotencyKey: `stripe-label-${key}`,
        actor: STRIPE_ACTOR,
        nowMs: now(),
        dryRun: false,
      });
    },
  };
}

/** Routes of money in, for the HTTP edge. */
export function moneyRoutes(
  money: MoneyIn,
  options: {
    readonly config: Pick<Config, 'stripeWebhookSecrets' | 'stripeThinWebhookSecrets'>;
    readonly currency: () => string;
  },
): readonly EdgeRoutes[] {
  const { stripeWebhookSecrets: snapshot, stripeThinWebhookSecrets: thin } = options.config;
  const parts = { verifier: createWebhookVerifier({ snapshot, thin }), store: money.store, now: money.now };
  return [
    (app) => webhookRoutes(app, (delivery) => receiveWebhook(parts, delivery)),
    (app, { topUps }) => topUpRoutes(app, { money, topUps, currency: options.currency }),
    returnRoutes,
  ];
}

/** Events in hand at once: each asks Stripe several times, and Stripe answers 25 requests a second. */
const EVENTS_AT_ONCE = 3;
const BACKFILL_EVERY_MS = 15 * 60_000;

/** Works off events and listings, charges wallets that run low, and looks for what no event has told, until it is closed. */
export function startMoneyIn(
  engine: Pick<Engine, 'pool' | 'queues'>,
  money: MoneyIn,
  options: {
    readonly onRetry: (what: string, attempt: number, error: unknown) => void;
    readonly otherEvents?: OtherEvents;
  },
): { readonly close: () => Promise<void> } {
  const { pool, queues } = engine;
  const { onRetry, otherEvents } = options;
  const stopping = new AbortController();
  const guarded = (process: JobProcessor) =>
    neverFail(process, {
      rejections: createRejectionLog(pool),
      sleep: (ms) => pause(ms, stopping.signal),
      onRetry: (job: DeliveredJob, attempt, error) => onRetry(`job ${job.queue}/${job.id}`, attempt, error),
      isStopping: () => stopping.signal.aborted,
    });
  const outbox = createOutboxStore(pool);
  const workers = [
    queues.openWorker(
      STRIPE_EVENTS_QUEUE.name,
      guarded((job) => processStripeEvent(money, job, otherEvents)),
      { concurrency: EVENTS_AT_ONCE, keepCompleted: STRIPE_EVENTS_QUEUE.keepCompleted },
    ),
    queues.openWorker(
      RADAR_QUEUE.name,
      guarded((job) => processRadar(money, job)),
      { concurrency: 1, keepCompleted: RADAR_QUEUE.keepCompleted },
    ),
  ];
  const relays = [STRIPE_EVENTS_QUEUE, RADAR_QUEUE].map(({ name }) => startOutboxRelay(outbox, queues, onRetry, name));
  let filledAtMs = Number.NEGATIVE_INFINITY;
  const sweep = (what: string, work: () => Promise<unknown>) =>
    startSweep({ what, onRetry, sweep: () => work().then(() => undefined) });
  const sweeps = [
    sweep('automatic top-ups', () => sweepAutoTopUps(money)),
    sweep('open top-ups', () => lookAgain(money)),
    sweep('radar', () => sweepRadar(money)),
    // At the start, for what was missed meanwhile, and every quarter of an hour.
    sweep('missed events', async () => {
      if (money.now() - filledAtMs < BACKFILL_EVERY_MS) return;
      await backfill(money);
      filledAtMs = money.now();
    }),
  ];
  return {
    async close() {
      stopping.abort();
      await Promise.all(sweeps.map((running) => running.close()));
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all(relays.map((relay) => relay.close()));
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
