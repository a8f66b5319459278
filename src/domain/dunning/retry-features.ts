import { log } from '../math.ts';
import type { DeclineClass } from './decline-rules.ts';
import type { LocalTime } from './local-time.ts';
import { type PastTry, triesInAll, triesNear } from './past-tries.ts';

/** What the model looks at. Each is a step on the scale of log-odds, zero when it says nothing. */
export const RETRY_FEATURES = [
  'base',
  'own_level',
  'own_hours',
  'own_activity',
  'activity',
  'active_hours',
  'others_hours',
  'others_weekdays',
  'office_hours',
  'pay_day',
] as const;
export type RetryFeature = (typeof RETRY_FEATURES)[number];

/** How many payments of everybody were tried in each local hour of the day and day of the week, and went through. */
export interface CrowdTries {
  readonly hourTries: Float64Array;
  readonly hourSuccesses: Float64Array;
  readonly weekdayTries: Float64Array;
  readonly weekdaySuccesses: Float64Array;
}

/** A payer as the model sees them. Nothing here says how a payment will end. */
export interface PayerView {
  readonly past: readonly PastTry[];
  /** Of `activityCurve`. */
  readonly curve: Float64Array;
  readonly declineClass: DeclineClass;
  readonly declineCode: string | null;
}

/** Tries that a payer without a history is thought to have made, at the general rate. */
const LEVEL_PRIOR_TRIES = 4;
/** Of payments tried again after a decline, about a third go through; where learning starts, not what it ends with. */
const LEVEL_PRIOR = 0.33;
const NEAR_PRIOR_TRIES = 1;
const CROWD_PRIOR_TRIES = 20;

/** A function that gives the features of an hour, so that what belongs to the payer alone is computed once. */
export function featuresOf(
  payer: PayerView,
  crowd: CrowdTries,
  nowMs: number,
): (local: LocalTime, features?: Float64Array) => Float64Array {
  const { past, curve } = payer;
  const all = triesInAll(past, nowMs);
  const level = (all.successes + LEVEL_PRIOR_TRIES * LEVEL_PRIOR) / (all.tries + LEVEL_PRIOR_TRIES);
  const taste = activityTaste(past, curve);
  const crowdRate = rateOf(sum(crowd.hourSuccesses), sum(crowd.hourTries), LEVEL_PRIOR, CROWD_PRIOR_TRIES);
  const near = new Map<number, number>();
  return (local, features = new Float64Array(RETRY_FEATURES.length)) => {
    let own = near.get(local.hourOfWeek);
    if (own === undefined) {
      const { successes, tries } = triesNear(past, local, nowMs);
      own = logit(rateOf(successes, tries, level, NEAR_PRIOR_TRIES)) - logit(level);
      near.set(local.hourOfWeek, own);
    }
    const active = curve[local.hourOfWeek] ?? 0;
    const { hour, weekday } = local;
    features[0] = 1;
    features[1] = logit(level) - logit(LEVEL_PRIOR);
    features[2] = own;
    features[3] = taste * active;
    features[4] = active;
    features[5] = Math.max(active, 0);
    features[6] =
      logit(rateOf(crowd.hourSuccesses[hour] ?? 0, crowd.hourTries[hour] ?? 0, crowdRate, CROWD_PRIOR_TRIES)) -
      logit(crowdRate);
    features[7] =
      logit(
        rateOf(crowd.weekdaySuccesses[weekday] ?? 0, crowd.weekdayTries[weekday] ?? 0, crowdRate, CROWD_PRIOR_TRIES),
      ) - logit(crowdRate);
    features[8] = weekday < 5 && hour >= 8 && hour < 18 ? 1 : 0;
    features[9] = payer.declineCode === 'insufficient_funds' && isPayDay(local) ? 1 : 0;
    return features;
  };
}

/** Salaries come on the first, the fifteenth and the last of a month in most places; the day after counts as well. */
export function isPayDay({ dayOfMonth, daysInMonth }: LocalTime): boolean {
  return dayOfMonth <= 2 || dayOfMonth === 15 || dayOfMonth === 16 || dayOfMonth === daysInMonth;
}

/** How much more active the payer was when payments went through than when not; shrunk to zero while little is known. */
function activityTaste(past: readonly PastTry[], curve: Float64Array): number {
  let [successes, failures, whenPaid, whenNot] = [0, 0, 0, 0];
  for (const { local, succeeded } of past) {
    const active = curve[local.hourOfWeek] ?? 0;
    if (succeeded) {
      successes += 1;
      whenPaid += active;
    } else {
      failures += 1;
      whenNot += active;
    }
  }
  if (successes === 0 || failures === 0) return 0;
  const known = (successes * failures) / (successes + failures);
  return (whenPaid / successes - whenNot / failures) * (known / (known + 2));
}

function rateOf(successes: number, tries: number, prior: number, priorTries: number): number {
  return (successes + prior * priorTries) / (tries + priorTries);
}

function logit(p: number): number {
  return log(p / (1 - p));
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
