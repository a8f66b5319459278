import { activityCurve } from '../../domain/dunning/activity-curve.ts';
import { classifyForDunning, type DeclineVerdict, mayRetry } from '../../domain/dunning/classify-decline.ts';
import type { DunningEpisode } from '../../domain/dunning/episode.ts';
import { HOURS_OF_WEEK, type ZoneClock, zoneClock } from '../../domain/dunning/local-time.ts';
import type { PastTry } from '../../domain/dunning/past-tries.ts';
import {
  attemptsLeftOver,
  type NoRetry,
  type PlannedRetry,
  planRetry,
  RETRY_POLICY,
} from '../../domain/dunning/plan-retry.ts';
import { featuresOf } from '../../domain/dunning/retry-features.ts';
import { learn, priorModel } from '../../domain/dunning/retry-model.ts';
import { retryWords } from '../../domain/dunning/retry-words.ts';
import { derivedId } from '../../domain/ids.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { AfterDecline } from '../../domain/topups/auto-top-up.ts';
import { type Decline, declineWord } from '../../domain/topups/decline.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import type { MoneyStore } from '../stripe/money-store.ts';
import type { DunningStore } from './dunning-store.ts';

/** What follows a failed top-up works with. */
export interface DunningParts {
  readonly store: DunningStore;
  readonly openCase: MoneyStore['openCase'];
  /** Runs the work while nobody else holds the name. */
  readonly alone: MoneyStore['alone'];
}

const HISTORY_MS = 365 * DAY_MS;
const METHOD_MS = 30 * DAY_MS;

/**
 * What a declined automatic top-up is followed by: the hour of its next try, or the end of tries. The wallet's episode is opened
 * or goes on, the model learns from the decline, and a suspicion goes to a person instead of the customer. Repeating it for the
 * same decline changes nothing but what the model has seen.
 */
export async function planAfterDecline(
  parts: DunningParts,
  topUp: TopUp,
  decline: Decline,
  nowMs: number,
): Promise<AfterDecline> {
  const { store } = parts;
  const verdict = verdictOf(topUp, decline);
  const declineCode = declineWord(decline);
  const opened = await store.open({ ...newEpisode(topUp, verdict, nowMs), declineCode });
  const contact = await store.contact(topUp.tenant, topUp.account);
  const clock = zoneClock(contact.timeZone);
  const isFirst = opened.topupId === topUp.topupId;
  const retries = isFirst ? opened.retries : opened.retries + 1;
  const payments = await store.payments(topUp.tenant, topUp.account, nowMs - HISTORY_MS);
  const past = payments.map(({ atMs, succeeded }): PastTry => ({ atMs, local: clock.at(atMs), succeeded }));
  const curve = activityCurve(toLocal(await store.activity(topUp.walletId, nowMs), clock, nowMs));
  const view = { curve, declineClass: verdict.class, declineCode };
  const plan = await parts.alone('dunning model', async (): Promise<PlannedRetry | NoRetry> => {
    const before = past.filter(({ atMs }) => atMs < topUp.createdAtMs);
    const model = await learnOne(store, { ...view, past: before }, clock, topUp.createdAtMs, false, nowMs);
    const methodTriesMs = payments
      .filter(({ paymentMethod, atMs }) => paymentMethod === topUp.paymentMethod && atMs > nowMs - METHOD_MS)
      .map(({ atMs }) => atMs);
    const payment = {
      verdict,
      declineCode,
      failedAtMs: opened.openedAtMs,
      retriesMs: Array.from({ length: retries }, () => topUp.createdAtMs),
      methodTriesMs: methodTriesMs.length > 0 ? methodTriesMs : [topUp.createdAtMs],
      past,
      curve,
      clock,
      spareAttempts: attemptsLeftOver(await store.ended(nowMs), RETRY_POLICY),
    };
    return planRetry(payment, model, nowMs);
  });
  const isOver = plan.is === 'stop';
  const isSuspicion = verdict.class === 'suspected_fraud';
  await store.update(
    opened.episodeId,
    {
      state: isSuspicion ? 'handed_over' : isOver && mayRetry(verdict) ? 'given_up' : 'open',
      retries,
      nextTryAtMs: isOver ? null : plan.atMs,
      reason: isSuspicion
        ? 'A bank suspects fraud: a person decides, and the customer is not written to.'
        : retryWords(plan),
      probability: isOver ? null : plan.probability,
      declineClass: verdict.class,
      tell: verdict.tell,
      declineCode,
    },
    nowMs,
  );
  if (isSuspicion) await handOver(parts, opened, nowMs);
  // Another card of somebody who may not be the holder of this one is not charged either.
  if (isSuspicion) return { is: 'stop', because: 'a bank suspects fraud', isAlarm: true };
  return isOver ? { is: 'stop', because: retryWords(plan) } : { is: 'pause', untilMs: plan.atMs };
}

/** A top-up that went through ends its wallet's episode, and the model learns from it. */
export async function learnFromPayment(parts: DunningParts, episode: DunningEpisode, paidAtMs: number, nowMs: number) {
  const { store } = parts;
  const { tenant, account, walletId, declineClass, declineCode } = episode;
  const contact = await store.contact(tenant, account);
  const clock = zoneClock(contact.timeZone);
  const payments = await store.payments(tenant, account, nowMs - HISTORY_MS);
  const past = payments
    .filter(({ atMs }) => atMs < paidAtMs)
    .map(({ atMs, succeeded }): PastTry => ({ atMs, local: clock.at(atMs), succeeded }));
  const curve = activityCurve(toLocal(await store.activity(walletId, nowMs), clock, nowMs));
  await parts.alone('dunning model', () =>
    learnOne(store, { past, curve, declineClass, declineCode }, clock, paidAtMs, true, nowMs),
  );
}

async function learnOne(
  store: DunningStore,
  view: Parameters<typeof featuresOf>[0],
  clock: ZoneClock,
  atMs: number,
  succeeded: boolean,
  nowMs: number,
) {
  const model = (await store.model()) ?? priorModel();
  const local = clock.at(atMs);
  const learned = learn(model, featuresOf(view, model.crowd, atMs)(local), local, succeeded);
  await store.saveModel(learned, nowMs);
  return learned;
}

/** Advice and network codes may have said more than the word that is kept: what must not be retried stays so. */
function verdictOf({ declineClass }: TopUp, decline: Decline): DeclineVerdict {
  const verdict = classifyForDunning(decline);
  return declineClass === 'stop' && mayRetry(verdict) ? { ...verdict, class: 'new_card', tell: 'generic' } : verdict;
}

function newEpisode(topUp: TopUp, verdict: DeclineVerdict, nowMs: number): DunningEpisode {
  const { tenant, account, walletId, currency, topupId, amountNanos } = topUp;
  return {
    episodeId: derivedId('dun', [tenant, topupId]),
    tenant,
    account,
    walletId,
    currency,
    topupId,
    amountNanos,
    declineClass: verdict.class,
    tell: verdict.tell,
    declineCode: null,
    state: 'open',
    openedAtMs: nowMs,
    closedAtMs: null,
    retries: 0,
    nextTryAtMs: null,
    reason: 'just declined',
    probability: null,
    percent: 100,
  };
}

async function handOver({ openCase }: DunningParts, episode: DunningEpisode, nowMs: number): Promise<void> {
  const { tenant, account, episodeId, declineCode } = episode;
  await openCase(
    {
      tenant,
      account,
      kind: 'dunning_suspected_fraud',
      subject: episodeId,
      title: `The bank declined a top-up of ${account} on suspicion. The customer is not written to: look at what it spends.`,
      detail: { code: declineCode, topup: episode.topupId },
    },
    nowMs,
  );
}

/** Numbers by hour of the week in UTC, as of the payer's own week. */
function toLocal(activity: readonly number[], clock: ZoneClock, nowMs: number): readonly number[] {
  const shift = clock.at(nowMs).hourOfWeek - zoneClock(null).at(nowMs).hourOfWeek;
  return Array.from(
    { length: HOURS_OF_WEEK },
    (_, hour) => activity[(((hour - shift) % HOURS_OF_WEEK) + HOURS_OF_WEEK) % HOURS_OF_WEEK] ?? 0,
  );
}
