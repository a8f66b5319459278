import type { ChoiceEvidence, DecisionEvidence } from '../queries/decision-evidence.ts';

/** How the money at risk was added up; nano-units. */
export interface RiskParts {
  readonly totalNanos: bigint;
  /** What the wallet owes: its balance below zero. */
  readonly owedNanos: bigint;
  /** Usage until somebody reacts. */
  readonly usageNanos: bigint;
  readonly burnNanosPerHour: bigint;
  readonly reactionHours: number;
  readonly isFrozen: boolean;
  /** The rest: top-ups that can still be reversed. Null when the parts do not explain the total. */
  readonly reversibleNanos: bigint | null;
}

/** The parts of a decision's money at risk; undefined when it kept none. */
export function riskParts(evidence: DecisionEvidence, reactionHours: number): RiskParts | undefined {
  const { moneyAtRisk: totalNanos, wallet, hourlySpendNanos } = evidence;
  if (totalNanos === undefined || wallet === undefined) return undefined;
  const isFrozen = wallet.status !== 'active';
  const owedNanos = wallet.posted < 0n ? -wallet.posted : 0n;
  const burnNanosPerHour = BigInt(Math.round(Math.max(0, ...hourlySpendNanos.slice(-2))));
  const usageNanos = isFrozen ? 0n : burnNanosPerHour * BigInt(Math.round(reactionHours));
  const rest = totalNanos - owedNanos - usageNanos;
  return {
    totalNanos,
    owedNanos,
    usageNanos,
    burnNanosPerHour,
    reactionHours,
    isFrozen,
    reversibleNanos: rest < 0n ? null : rest,
  };
}

/** A milder outcome must be cheaper by this share (src/domain/decisions/expected-loss.ts). */
const MILDER_SHARE = 0.8;

/**
 * The chance of abuse from which the harshest outcome that the points allow would be chosen over the one that was; undefined
 * when it was chosen, or no chance makes it. Costs are straight lines in the chance: milder = p·L + r, harsher = (1 − p)·F + R.
 */
export function chanceFrom(choice: ChoiceEvidence): number | undefined {
  const { outcome, byPoints, options, probability } = choice;
  const chosen = options.find((option) => option.outcome === outcome);
  const harsher = options.find((option) => option.outcome === byPoints);
  const p = probability.mean;
  if (outcome === byPoints || chosen === undefined || harsher === undefined || p <= 0 || p >= 1) return undefined;
  const lossPerChance = chosen.lossNanos / p - (MILDER_SHARE * harsher.lossNanos) / p;
  const frictionPerDoubt = harsher.frictionNanos / (1 - p);
  const slope = lossPerChance + MILDER_SHARE * frictionPerDoubt;
  const needed = MILDER_SHARE * (frictionPerDoubt + harsher.reviewNanos) - chosen.reviewNanos;
  if (!(slope > 0)) return undefined;
  const chance = needed / slope;
  return chance > p && chance <= 1 ? chance : undefined;
}
