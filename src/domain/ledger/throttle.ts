import { NANOS_MAX } from '../money/nanos.ts';

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
  /** Set while rules slow the wallet down: this limit is theirs then, and the wallet's own holds beside it. */
  readonly slowed?: Slowdown;
}

/** A limit that rules have set: dated, so that it ends by itself and the wallet's own limit is all that is left. */
export interface Slowdown {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The decision behind it. */
  readonly by: string;
  /** The limit that people have set; null for none. */
  readonly own: Throttle | null;
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

/** The limit people set, with another one, or none, in its place; what rules have set stays as it is. */
export function changeOwnLimit(
  throttle: Throttle | null,
  change: { readonly limit: bigint; readonly periodMs: number } | null,
  nowMs: number,
): Throttle | null {
  const own = ownLimit(throttle);
  const changed = change === null ? null : changeLimit(own, change.limit, change.periodMs, nowMs);
  return throttle?.slowed === undefined ? changed : { ...throttle, slowed: { ...throttle.slowed, own: changed } };
}

/** A throttle that slows a wallet down until a date, beside its own. */
export function slowDown(
  throttle: Throttle | null,
  slowdown: { readonly limit: bigint; readonly periodMs: number; readonly untilMs: number; readonly by: string },
  nowMs: number,
): Throttle {
  const { limit, periodMs, untilMs, by } = slowdown;
  return {
    ...beginThrottle(limit, periodMs, nowMs),
    slowed: { sinceMs: nowMs, untilMs, by, own: ownLimit(throttle) },
  };
}

/** What is left when a slow-down ends: the limit people have set, with what was spent of it meanwhile. */
export function ownLimit(throttle: Throttle | null): Throttle | null {
  return throttle?.slowed === undefined ? throttle : throttle.slowed.own;
}

/** Whether rules slow the wallet down and the date of that has passed. */
export function isSlowdownOver(throttle: Throttle | null, nowMs: number): boolean {
  return throttle?.slowed !== undefined && nowMs >= throttle.slowed.untilMs;
}

/** The most that one period lets through: usage that costs more waits for another limit. */
export function mostPerPeriod({ limit, slowed }: Throttle): bigint {
  const own = slowed?.own?.limit;
  return own === undefined ? limit : lower(own, limit);
}

/** What may still be spent in the period of this moment. A clock that goes back stays in the later period. */
export function roomAt(throttle: Throttle, nowMs: number): bigint {
  const { slowed } = throttle;
  if (slowed === undefined) return roomOf(throttle, nowMs);
  const own = slowed.own === null ? NANOS_MAX : roomOf(slowed.own, nowMs);
  if (nowMs >= slowed.untilMs) return own;
  return lower(own, roomOf(throttle, nowMs));
}

function roomOf(throttle: Throttle, nowMs: number): bigint {
  return startOfPeriod(throttle.periodMs, nowMs) > throttle.periodAtMs
    ? throttle.limit
    : throttle.limit - throttle.spent;
}

/** The throttle after spending at this moment. */
export function spend(throttle: Throttle, amount: bigint, nowMs: number): Throttle {
  const { slowed } = throttle;
  if (slowed !== undefined && slowed.own !== null) {
    const own = spendOf(slowed.own, amount, nowMs);
    return { ...spendOf(throttle, amount, nowMs), slowed: { ...slowed, own } };
  }
  return spendOf(throttle, amount, nowMs);
}

function spendOf(throttle: Throttle, amount: bigint, nowMs: number): Throttle {
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

// Math.min knows no bigint.
function lower(left: bigint, right: bigint): bigint {
  if (left < right) return left;
  return right;
}

function periodOf(throttle: Throttle, nowMs: number): number {
  return Math.max(startOfPeriod(throttle.periodMs, nowMs), throttle.periodAtMs);
}

function startOfPeriod(periodMs: number, nowMs: number): number {
  return Math.floor(nowMs / periodMs) * periodMs;
}
