import { OUTCOMES, type Outcome, severityOf } from '../rules/band.ts';
import type { AbuseProbability } from './abuse-probability.ts';

/** What acting costs, from the ruleset; nano-units. */
export interface ActionCosts {
  /** A person's time on one alert. */
  readonly reviewNanos: number;
  /** What stopping one honest customer costs besides the usage that is lost: an apology, a call, a risk of leaving. */
  readonly frictionNanos: number;
}

/** What the choice rests on. Rates are nano-units an hour. */
export interface LossInput {
  /** Chance that this is abuse, 0 to 1. */
  readonly probability: number;
  /** What the account spends now. */
  readonly burnNanosPerHour: number;
  /** What it usually spends: the honest usage a freeze would hold up. */
  readonly usualNanosPerHour: number;
  /** Until a person has looked at an alert. */
  readonly reactionHours: number;
  /** Until somebody finds out without an alert. */
  readonly unnoticedHours: number;
  readonly freezeHours: number;
  /** No more than this can be spent before the wallet's own limit stops it; Infinity without one. */
  readonly spendableNanos: number;
  readonly costs: ActionCosts;
  /** The slow-down that may be chosen; left out where no band of the outcome has one. */
  readonly throttle?: ThrottleTerms;
}

/** A slow-down as the choice sees it. */
export interface ThrottleTerms {
  /** What it lets through. */
  readonly nanosPerHour: number;
  readonly hours: number;
}

/** What may be chosen: an outcome, or a review under which the wallet is slowed down. */
export type LossOption = Outcome | 'throttle';

/** What one outcome is expected to cost; `totalNanos` is the sum of the other three. */
export interface OutcomeCost {
  readonly outcome: LossOption;
  /** probability × what abuse still takes. */
  readonly lossNanos: number;
  /** (1 − probability) × what stopping an honest customer costs. */
  readonly frictionNanos: number;
  readonly reviewNanos: number;
  readonly totalNanos: number;
}

/** The outcome chosen, with the whole sum. */
export interface LossChoice {
  readonly outcome: Outcome;
  /** A review under which the wallet is slowed down. */
  readonly slows: boolean;
  /** What the points alone ask for: the harshest that may be chosen. */
  readonly byPoints: Outcome;
  /** Every outcome up to `byPoints`, mildest first; a slow-down between review and freeze. */
  readonly options: readonly OutcomeCost[];
}

/** A choice with the probability it rests on. */
export type WeighedChoice = LossChoice & { readonly probability: AbuseProbability };

/** A milder outcome must be cheaper by this share: sums that hardly differ must not make decisions flicker. */
const HYSTERESIS = 0.2;

/**
 * The cheapest outcome no harsher than the points allow and no milder than what is in force already. Points are the
 * permission; the expected loss may only step down from them: an account is never frozen to save less than the freeze
 * would cost, and never treated worse than the rules say.
 */
export function chooseByLoss(byPoints: Outcome, inForce: Outcome, input: LossInput): LossChoice {
  const options = optionsFor(byPoints, input).map((option) => costOf(option, input));
  let chosen = options.at(-1) ?? costOf(byPoints, input);
  for (const milder of options.slice(0, -1).reverse()) {
    if (severityOf(outcomeOf(milder.outcome)) < severityOf(inForce)) break;
    if (milder.totalNanos < chosen.totalNanos * (1 - HYSTERESIS)) chosen = milder;
  }
  return { outcome: outcomeOf(chosen.outcome), slows: chosen.outcome === 'throttle', byPoints, options };
}

function optionsFor(byPoints: Outcome, { throttle }: LossInput): readonly LossOption[] {
  const outcomes: LossOption[] = OUTCOMES.slice(0, severityOf(byPoints) + 1);
  const review = outcomes.indexOf('review');
  if (throttle !== undefined && review >= 0) outcomes.splice(review + 1, 0, 'throttle');
  return outcomes;
}

function outcomeOf(option: LossOption): Outcome {
  return option === 'throttle' ? 'review' : option;
}

function costOf(outcome: LossOption, input: LossInput): OutcomeCost {
  const honest = 1 - input.probability;
  const lossNanos = Math.round(input.probability * lossAfter(outcome, input));
  const frictionNanos = Math.round(honest * frictionOf(outcome, input));
  const reviewNanos = severityOf(outcomeOf(outcome)) >= severityOf('review') ? input.costs.reviewNanos : 0;
  return { outcome, lossNanos, frictionNanos, reviewNanos, totalNanos: lossNanos + frictionNanos + reviewNanos };
}

/**
 * What abuse still takes under an outcome: nothing once frozen, until a person acts under review (no faster than a
 * slow-down lets through, while it lasts), else until noticed.
 */
function lossAfter(outcome: LossOption, input: LossInput): number {
  if (outcome === 'freeze') return 0;
  const { burnNanosPerHour: burn, reactionHours, throttle } = input;
  const isReviewed = outcome === 'review' || outcome === 'throttle';
  const hours = isReviewed ? reactionHours : input.unnoticedHours;
  if (outcome !== 'throttle' || throttle === undefined) return Math.min(input.spendableNanos, burn * hours);
  const slowed = Math.min(hours, throttle.hours);
  const taken = Math.min(burn, throttle.nanosPerHour) * slowed + burn * (hours - slowed);
  return Math.min(input.spendableNanos, taken);
}

/**
 * What an honest customer loses. Frozen usage waits until a person thaws the wallet, and somebody has to make good for it. A
 * slow-down holds up what is beyond its limit. Waiting for a little is hardly felt and waiting for all of it is a freeze, so
 * it is felt by the square of the share that waits.
 */
function frictionOf(outcome: LossOption, input: LossInput): number {
  const { costs, usualNanosPerHour: usual, burnNanosPerHour: burn, throttle } = input;
  if (outcome === 'freeze') {
    const hours = Math.min(input.freezeHours, input.reactionHours);
    return costs.frictionNanos + usual * hours;
  }
  if (outcome !== 'throttle' || throttle === undefined) return 0;
  const used = Math.max(usual, burn);
  const share = used > 0 ? Math.max(0, 1 - throttle.nanosPerHour / used) : 0;
  const hours = Math.min(throttle.hours, input.reactionHours);
  return costs.frictionNanos * share * share + Math.max(0, usual - throttle.nanosPerHour) * hours;
}
