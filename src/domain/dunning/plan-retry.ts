import { exp, log } from '../math.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { earliestByCaps } from './attempt-caps.ts';
import { type DeclineVerdict, mayRetry } from './classify-decline.ts';
import { LADDER_DAYS, nextOnLadder } from './ladder.ts';
import type { ZoneClock } from './local-time.ts';
import type { PastTry } from './past-tries.ts';
import { featuresOf } from './retry-features.ts';
import { probabilityOf, type RetryModel } from './retry-model.ts';

/** How retries may be planned. */
export interface RetryPolicy {
  /** Tries after the decline that every payment may have. */
  readonly attemptsMax: number;
  /** Tries beyond those, while other payments have left some over. */
  readonly extraAttemptsMax: number;
  /** Tries a payment may have on average; what those that recover sooner leave over is there for others. */
  readonly attemptsOnAverage: number;
  /** A try beyond `attemptsMax` needs at least this chance. */
  readonly extraChance: number;
  /** No try later than this after the decline. */
  readonly horizonMs: number;
  /** Between two tries, and after the decline. */
  readonly gapMs: number;
  /** Static days after the decline that the prediction is held against. */
  readonly ladderDays: readonly number[];
  /** What a day of waiting may cost in chance: 0.9 prefers 0.50 today to 0.55 tomorrow. */
  readonly perDay: number;
}

/**
 * Four tries in two weeks, half a day apart, and up to eight more from what others left over: below the fifteen in thirty days
 * that networks allow, and 3.1 on average, fewer than a ladder of four needs for payers who seldom pay.
 */
export const RETRY_POLICY: RetryPolicy = {
  attemptsMax: 4,
  extraAttemptsMax: 8,
  attemptsOnAverage: 3.1,
  extraChance: 0.1,
  horizonMs: 14 * DAY_MS,
  gapMs: 12 * HOUR_MS,
  ladderDays: LADDER_DAYS,
  perDay: 0.9,
};

/** A failed top-up, as far as planning its next try needs it. */
export interface FailedPayment {
  readonly verdict: DeclineVerdict;
  readonly declineCode: string | null;
  readonly failedAtMs: number;
  /** Tries after the first decline, oldest first; all failed. */
  readonly retriesMs: readonly number[];
  /** Every try of this payment method within 30 days, for whatever payment. */
  readonly methodTriesMs: readonly number[];
  /** Earlier payments that ended, the declined ones of this top-up among them. */
  readonly past: readonly PastTry[];
  /** Of `activityCurve`. */
  readonly curve: Float64Array;
  readonly clock: ZoneClock;
  /** Tries that other payments have left over, see `attemptsLeftOver`. */
  readonly spareAttempts: number;
}

/** A try that is planned, and why then. */
export interface PlannedRetry {
  readonly is: 'retry';
  readonly atMs: number;
  /** Estimated chance that it goes through. */
  readonly probability: number;
  /** Estimated chance at the time the static ladder would have taken; null when the ladder has ended. */
  readonly ladderProbability: number | null;
  /** `predicted`: the best hour ahead. `ladder`: the static day comes first and is nearly as good; its best hour. */
  readonly by: 'predicted' | 'ladder';
  readonly attempt: number;
}

/** Why no further try is planned. */
export interface NoRetry {
  readonly is: 'stop';
  readonly because: 'not_retryable' | 'attempts_spent' | 'no_chance' | 'time_over' | 'capped';
}

/** The ladder's earlier day is sensible when its best hour has at least this share of the best chance. */
const SENSIBLE = 0.8;

/**
 * When a failed payment is tried next. Every hour ahead gets a probability from the model; each day of waiting costs a little,
 * and the static ladder's day wins when it is earlier and nearly as good. The same input gives the same plan.
 */
export function planRetry(
  payment: FailedPayment,
  model: RetryModel,
  nowMs: number,
  policy: RetryPolicy = RETRY_POLICY,
): PlannedRetry | NoRetry {
  const { verdict, failedAtMs, retriesMs } = payment;
  if (!mayRetry(verdict)) return { is: 'stop', because: 'not_retryable' };
  const isExtra = retriesMs.length >= policy.attemptsMax;
  if (retriesMs.length >= attemptsAllowed(payment, policy)) return { is: 'stop', because: 'attempts_spent' };
  const lastMs = Math.max(failedAtMs, ...retriesMs);
  const endMs = failedAtMs + policy.horizonMs;
  const free = earliestByCaps(payment.methodTriesMs, Math.max(nowMs, lastMs + policy.gapMs));
  const fromMs = Math.ceil(free.fromMs / HOUR_MS) * HOUR_MS;
  if (fromMs > endMs) return { is: 'stop', because: free.because === null ? 'time_over' : 'capped' };
  const plan = bestHour(payment, model, { fromMs, endMs }, policy, nowMs);
  return isExtra && plan.probability < policy.extraChance ? { is: 'stop', because: 'no_chance' } : plan;
}

function attemptsAllowed({ verdict, spareAttempts }: FailedPayment, policy: RetryPolicy): number {
  if (verdict.class === 'retry_once') return 1;
  return spareAttempts >= 1 ? policy.attemptsMax + policy.extraAttemptsMax : policy.attemptsMax;
}

/**
 * What payments that ended leave over for others, by the average that the policy allows.
 *
 * @param ended payments that were recovered, given up, or have had the tries that every payment may have
 * @param attempts all tries of those payments
 */
export function attemptsLeftOver(
  { ended, attempts }: { readonly ended: number; readonly attempts: number },
  { attemptsOnAverage }: Pick<RetryPolicy, 'attemptsOnAverage'>,
): number {
  return ended * attemptsOnAverage - attempts;
}

function bestHour(
  payment: FailedPayment,
  model: RetryModel,
  { fromMs, endMs }: { readonly fromMs: number; readonly endMs: number },
  policy: RetryPolicy,
  nowMs: number,
): PlannedRetry {
  const { past, curve, verdict, declineCode, clock, failedAtMs, retriesMs } = payment;
  const features = featuresOf({ past, curve, declineClass: verdict.class, declineCode }, model.crowd, nowMs);
  const chance = (atMs: number) => probabilityOf(model, features(clock.at(atMs)));
  // A week shows every hour once; later ones would only wait longer.
  const untilMs = Math.min(endMs, fromMs + 7 * DAY_MS - HOUR_MS);
  const ladderMs = nextOnLadder(policy.ladderDays, { failedAtMs, attempts: retriesMs.length });
  const attempt = retriesMs.length + 1;
  const ladderProbability = ladderMs === null ? null : chance(ladderMs);
  let best = { atMs: fromMs, probability: chance(fromMs), score: 0 };
  best.score = best.probability;
  let onLadderDay: typeof best | undefined;
  const ladderDay = ladderMs === null ? null : dayOf(ladderMs, failedAtMs);
  let worth = 1;
  const perHour = exp(log(policy.perDay) / 24);
  for (let atMs = fromMs; atMs <= untilMs; atMs += HOUR_MS, worth *= perHour) {
    const probability = chance(atMs);
    const score = probability * worth;
    if (score > best.score) best = { atMs, probability, score };
    if (dayOf(atMs, failedAtMs) === ladderDay && (onLadderDay === undefined || score > onLadderDay.score))
      onLadderDay = { atMs, probability, score };
  }
  const isSooner = onLadderDay !== undefined && onLadderDay.atMs < best.atMs;
  if (isSooner && onLadderDay !== undefined && onLadderDay.probability >= SENSIBLE * best.probability) {
    const { atMs, probability } = onLadderDay;
    return { is: 'retry', atMs, probability, ladderProbability, by: 'ladder', attempt };
  }
  return {
    is: 'retry',
    atMs: best.atMs,
    probability: best.probability,
    ladderProbability,
    by: 'predicted',
    attempt,
  };
}

/** Whole days after the decline, so that the ladder's "day three" is the 24 hours around its moment. */
function dayOf(atMs: number, failedAtMs: number): number {
  return Math.round((atMs - failedAtMs) / DAY_MS);
}
