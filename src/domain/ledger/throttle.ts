/**
 * How much a wallet may spend per period. Periods are counted from the epoch, so that everybody agrees where one ends;
 * what was spent in the current one is part of the wallet's state.
 */
export interface Throttle {
  /** Nano-units a period. */
  readonly limit: bigint;
  readonly periodMs: number;
  /** Start of the period that `spent` belongs to, epoch milliseconds. */
  readonly periodAtMs: number;
  readonly spent: bigint;
  /** The last message that said the limit is hit; null before the first. */
  readonly told: ToldLimit | null;
}

/** A message to the services that a limit is hit: it counts for one period, until another message follows it. */
export interface ToldLimit {
  readonly periodAtMs: number;
  /** The wallet's `statusSequence` of the message. */
  readonly sequence: number;
}

/** A throttle that begins now, with the whole of the current period's limit unspent. */
export function beginThrottle(limit: bigint, periodMs: number, nowMs: number): Throttle {
  return { limit, periodMs, periodAtMs: startOfPeriod(periodMs, nowMs), spent: 0n, told: null };
}

/** The throttle with another limit: what this period has spent counts, unless periods get another length. */
export function changeLimit(throttle: Throttle | null, limit: bigint, periodMs: number, nowMs: number): Throttle {
  if (throttle === null || throttle.periodMs !== periodMs) return beginThrottle(limit, periodMs, nowMs);
  return { ...spend(throttle, 0n, nowMs), limit };
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

/** Whether the services know that the limit of this moment's period is hit, and have heard nothing since. */
export function isTold(throttle: Throttle, statusSequence: number, nowMs: number): boolean {
  const { told } = throttle;
  return told !== null && told.sequence === statusSequence && told.periodAtMs === periodOf(throttle, nowMs);
}

/** The throttle once the services are told with this sequence number. */
export function tellLimit(throttle: Throttle, sequence: number, nowMs: number): Throttle {
  return { ...throttle, told: { periodAtMs: periodOf(throttle, nowMs), sequence } };
}

/** When the period after this moment begins: usage that is throttled now can be posted then. */
export function nextPeriodMs(throttle: Throttle, nowMs: number): number {
  return periodOf(throttle, nowMs) + throttle.periodMs;
}

function periodOf(throttle: Throttle, nowMs: number): number {
  return Math.max(startOfPeriod(throttle.periodMs, nowMs), throttle.periodAtMs);
}

function startOfPeriod(periodMs: number, nowMs: number): number {
  return Math.floor(nowMs / periodMs) * periodMs;
}
