import { DAY_MS } from '../time.ts';

/** One step of slowing down instead of cutting off: below this many days of runway, this share of the normal rate. */
export interface RunwayStep {
  readonly belowDays: number;
  /** Percent of the account's normal spend per hour. */
  readonly percent: number;
}

/** 100 → 25 → 5 → 0 %: full speed with three days left, a quarter below, a trickle on the last day, nothing when it is over. */
export const RUNWAY_STEPS: readonly RunwayStep[] = [
  { belowDays: 3, percent: 25 },
  { belowDays: 1, percent: 5 },
  { belowDays: 0, percent: 0 },
];

/** How long a balance lasts. */
export interface Runway {
  /** Days at the account's usual pace; null when it spends nothing. Zero when nothing is left. */
  readonly days: number | null;
  /** Of the normal rate, while the top-up is unpaid. */
  readonly percent: number;
}

/**
 * How long what is left lasts at the account's usual pace, and how fast it may go on until then.
 *
 * @param spendableNanos what may still be spent: balance minus holds, plus what may be owed
 * @param usualPerDayNanos usual spend a day
 * @param mayStop whether the policy lets an account stand still; otherwise the slowest step above zero stays
 */
export function runwayOf(
  { spendableNanos, usualPerDayNanos }: { readonly spendableNanos: bigint; readonly usualPerDayNanos: bigint },
  steps: readonly RunwayStep[] = RUNWAY_STEPS,
  mayStop = true,
): Runway {
  const isEmpty = spendableNanos <= 0n;
  if (usualPerDayNanos <= 0n && !isEmpty) return { days: null, percent: 100 };
  // Thousandths of a day, so that large amounts stay exact.
  const days = isEmpty ? 0 : Number((spendableNanos * 1_000n) / usualPerDayNanos) / 1_000;
  const bite = steps.filter(({ belowDays }) => (belowDays === 0 ? isEmpty : days < belowDays));
  const allowed = bite.filter(({ percent }) => mayStop || percent > 0);
  return { days, percent: Math.min(100, ...allowed.map(({ percent }) => percent)) };
}

/** What may be spent in a period at a share of the usual pace, nano-units; at least one so that a limit can be set. */
export function slowedLimit(usualPerDayNanos: bigint, percent: number, periodMs: number): bigint {
  const limit = (usualPerDayNanos * BigInt(percent) * BigInt(periodMs)) / (100n * BigInt(DAY_MS));
  return limit > 0n ? limit : 1n;
}
