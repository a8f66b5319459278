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
}

/** What one outcome is expected to cost; `totalNanos` is the sum of the other three. */
export interface OutcomeCost {
  readonly outcome: Outcome;
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
  /** What the points alone ask for: the harshest that may be chosen. */
  readonly byPoints: Outcome;
  /** Every outcome up to `byPoints`, mildest first. */
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
  const options = OUTCOMES.slice(0, severityOf(byPoints) + 1).map((outcome) => costOf(outcome, input));
  let chosen = options.at(-1) ?? costOf(byPoints, input);
  for (let severity = severityOf(byPoints) - 1; severity >= severityOf(inForce); severity--) {
    const milder = options[severity];
    if (milder !== undefined && milder.totalNanos < chosen.totalNanos * (1 - HYSTERESIS)) chosen = milder;
  }
  return { outcome: chosen.outcome, byPoints, options };
}

function costOf(outcome: Outcome, input: LossInput): OutcomeCost {
  const honest = 1 - input.probability;
  const lossNanos = Math.round(input.probability * lossAfter(outcome, input));
  const frictionNanos = outcome === 'freeze' ? Math.round(honest * frictionOf(input)) : 0;
  const reviewNanos = severityOf(outcome) >= severityOf('review') ? input.costs.reviewNanos : 0;
  return { outcome, lossNanos, frictionNanos, reviewNanos, totalNanos: lossNanos + frictionNanos + reviewNanos };
}

/** What abuse still takes under an outcome: nothing once frozen, until a person acts under review, else until noticed. */
function lossAfter(outcome: Outcome, input: LossInput): number {
  if (outcome === 'freeze') return 0;
  const hours = outcome === 'review' ? input.reactionHours : input.unnoticedHours;
  return Math.min(input.spendableNanos, input.burnNanosPerHour * hours);
}

/** An honest customer's usage waits until a person thaws the wallet, and somebody has to make good for it. */
function frictionOf(input: LossInput): number {
  const hours = Math.min(input.freezeHours, input.reactionHours);
  return input.costs.frictionNanos + input.usualNanosPerHour * hours;
}
