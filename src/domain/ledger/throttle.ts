/**
 * How much a wallet may spend per period. Periods are counted from the epoch, so that everybody agrees where one ends;
 * what was spent in the current one is part of the wallet's state.
 */
export interface Throttle {
  readonly limit: bigint;
  readonly periodMs: number;
  /** Start of the period that `spent` belongs to, epoch milliseconds. */
  readonly periodAtMs: number;
  readonly spent: bigint;
}

/** A throttle that begins now, with the whole of the current period's limit unspent. */
export function beginThrottle(limit: bigint, periodMs: number, nowMs: number): Throttle {
  return { limit, periodMs, periodAtMs: startOfPeriod(periodMs, nowMs), spent: 0n };
}

/** What may still be spent in the period of this moment. A clock that goes back stays in the later period. */
export function roomAt(throttle: Throttle, nowMs: number): bigint {
  return startOfPeriod(throttle.periodMs, nowMs) > throttle.periodAtMs
    ? throttle.limit
    : throttle.limit - throttle.spent;
}

/** The throttle after spending at this moment. */
export function spend(throttle: Throttle, amount: bigint, nowMs: number): Throttle {
  const periodAtMs = startOfPeriod(throttle.periodMs, nowMs);
  return periodAtMs > throttle.periodAtMs
    ? { ...throttle, periodAtMs, spent: amount }
    : { ...throttle, spent: throttle.spent + amount };
}

/** When the period after this moment begins: usage that is throttled now can be posted then. */
export function nextPeriodMs(throttle: Throttle, nowMs: number): number {
  return Math.max(startOfPeriod(throttle.periodMs, nowMs), throttle.periodAtMs) + throttle.periodMs;
}

function startOfPeriod(periodMs: number, nowMs: number): number {
  return Math.floor(nowMs / periodMs) * periodMs;
}
