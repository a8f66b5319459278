import { isSlowdownOver, nextPeriodMs, ownLimit, roomAt, spend, type Throttle } from '../../domain/ledger/throttle.ts';

/** What of an account a slow-down touches. */
export interface SlowAccount {
  /** Set while the rules slow the account down. */
  throttle: Throttle | null;
  /** What it has used beyond that, oldest first: posted in the periods that follow. Nano-units. */
  waiting: bigint[];
  /** Refuses usage until then; 0 while it is active. */
  frozenUntilMs: number;
}

/**
 * Does what has become due until now: a slow-down that is over ends, and what waits is posted at the beginning of each period
 * as far as it fits, oldest first, as the service's sweeper does. A frozen wallet pays for nothing.
 */
export function settleSlowdown(account: SlowAccount, nowMs: number): void {
  let { throttle } = account;
  if (throttle === null) return;
  if (isSlowdownOver(throttle, nowMs)) {
    account.throttle = ownLimit(throttle);
    account.waiting = [];
    return;
  }
  if (account.waiting.length === 0) return;
  let posted = 0;
  // Periods that began while it was frozen pass unused, but for the one the freeze ends in.
  let atMs = Math.max(nextPeriodMs(throttle, throttle.periodAtMs), account.frozenUntilMs);
  while (atMs <= nowMs && posted < account.waiting.length) {
    const before = posted;
    for (; posted < account.waiting.length; posted++) {
      const nanos = account.waiting[posted] ?? 0n;
      if (nanos > roomAt(throttle, atMs)) break;
      throttle = spend(throttle, nanos, atMs);
    }
    // A whole period is too little for it: it waits for the end of the slow-down, and everything behind it.
    if (posted === before && throttle.limit < (account.waiting[posted] ?? 0n)) break;
    atMs = Math.floor(atMs / throttle.periodMs) * throttle.periodMs + throttle.periodMs;
  }
  if (posted === 0) return;
  account.throttle = throttle;
  account.waiting = account.waiting.slice(posted);
}

/** Charges usage of a slowed account, or has it wait; whether it was charged. */
export function chargeSlowed(account: SlowAccount, nanos: number, nowMs: number): boolean {
  const { throttle } = account;
  if (throttle === null || nanos === 0) return true;
  const amount = BigInt(nanos);
  if (amount > roomAt(throttle, nowMs)) {
    account.waiting.push(amount);
    return false;
  }
  account.throttle = spend(throttle, amount, nowMs);
  return true;
}

/** Whether two accounts that have seen the same usage may spend the same from now on. */
export function areAlike(one: SlowAccount, other: SlowAccount): boolean {
  if (one.frozenUntilMs !== other.frozenUntilMs) return false;
  const [a, b] = [one.throttle, other.throttle];
  if (a === null || b === null) return a === b;
  return (
    a.limit === b.limit &&
    a.periodMs === b.periodMs &&
    a.periodAtMs === b.periodAtMs &&
    a.spent === b.spent &&
    a.slowed?.untilMs === b.slowed?.untilMs
  );
}
