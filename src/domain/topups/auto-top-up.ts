import { formatMoney } from '../money/nanos.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import type { DeclineClass } from './decline.ts';

/** When and how much a wallet is topped up by itself. Amounts are nano-units of the wallet's currency. */
export interface AutoTopUpPolicy {
  /** A balance below it is topped up. */
  readonly thresholdNanos: bigint;
  readonly amountNanos: bigint;
  /** Charged at most in any 24 hours, by automatic top-ups alone. */
  readonly dailyCapNanos: bigint;
  /** So many automatic top-ups within the window are an alarm, and stop the next one. */
  readonly burstMax: number;
  readonly burstWindowMs: number;
}

/** What is known when a balance is looked at. */
export interface AutoTopUpSituation {
  /** Posted less held, from what is committed. */
  readonly availableNanos: bigint;
  readonly isFrozen: boolean;
  readonly hasCard: boolean;
  /** Another top-up of the wallet whose end is not known. */
  readonly isInFlight: boolean;
  readonly pausedUntilMs: number | null;
  readonly stoppedBecause: string | null;
  /** Automatic top-ups that were not refused, in the last 24 hours and within the burst window. */
  readonly recent: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
  readonly currency: string;
}

export type AutoTopUpVerdict =
  | { readonly do: 'charge'; readonly amountNanos: bigint }
  /** Nothing is charged; nobody needs to hear of it. */
  | { readonly do: 'wait'; readonly because: string }
  /** Nothing is charged until a person has looked. */
  | { readonly do: 'alarm'; readonly because: string }
  /** Nothing is charged until a date. */
  | { readonly do: 'pause'; readonly because: string; readonly untilMs: number };

/**
 * Whether a wallet is to be charged now. Runaway usage is the very thing this product looks for, so money is the last
 * thing to keep it going: the cap and the burst alarm hold whatever the balance says.
 */
export function judgeAutoTopUp(
  policy: AutoTopUpPolicy,
  situation: AutoTopUpSituation,
  nowMs: number,
): AutoTopUpVerdict {
  const { currency, recent } = situation;
  if (situation.availableNanos >= policy.thresholdNanos) return wait('the balance is above the threshold');
  if (situation.stoppedBecause !== null) return wait(situation.stoppedBecause);
  if (situation.isFrozen) return wait('the wallet is frozen');
  if (situation.isInFlight) return wait('another top-up of the wallet is under way');
  if (situation.pausedUntilMs !== null && situation.pausedUntilMs > nowMs) return wait('it waits after a decline');
  if (!situation.hasCard) return wait('no card is saved: the first top-up is made by Checkout');
  const burst = recent.filter(({ atMs }) => atMs > nowMs - policy.burstWindowMs);
  if (burst.length >= policy.burstMax) {
    const because = `${burst.length} automatic top-ups in ${formatHours(policy.burstWindowMs)}`;
    return { do: 'alarm', because };
  }
  const lastDay = recent.filter(({ atMs }) => atMs > nowMs - DAY_MS);
  const spent = lastDay.reduce((sum, { amountNanos }) => sum + amountNanos, 0n);
  if (spent + policy.amountNanos > policy.dailyCapNanos) {
    const oldest = Math.min(...lastDay.map(({ atMs }) => atMs), nowMs);
    const because = `${formatMoney(spent, currency)} of the day's ${formatMoney(policy.dailyCapNanos, currency)} are charged`;
    return { do: 'pause', because, untilMs: oldest + DAY_MS };
  }
  return { do: 'charge', amountNanos: policy.amountNanos };
}

/** How long automatic top-ups wait after the first, second and third decline in a row; after that a person is needed. */
const BACK_OFF_MS = [HOUR_MS, 6 * HOUR_MS, DAY_MS];

export type AfterDecline =
  | { readonly is: 'pause'; readonly untilMs: number }
  /** Until another card is saved; after an `alarm`, until a person resumes it. */
  | { readonly is: 'stop'; readonly because: string; readonly isAlarm?: boolean };

/** What a decline does to the next automatic top-up. `declines` counts this one. */
export function afterDecline(declineClass: DeclineClass, declines: number, nowMs: number): AfterDecline {
  if (declineClass === 'stop') return { is: 'stop', because: 'the bank refuses this card for good' };
  if (declineClass === 'authenticate') {
    return { is: 'stop', because: 'the bank wants the customer to confirm the payment' };
  }
  const backOffMs = BACK_OFF_MS[declines - 1];
  if (backOffMs === undefined) return { is: 'stop', because: `${declines} declines in a row` };
  return { is: 'pause', untilMs: nowMs + backOffMs };
}

function wait(because: string): AutoTopUpVerdict {
  return { do: 'wait', because };
}

function formatHours(windowMs: number): string {
  return `${Math.round((windowMs / HOUR_MS) * 10) / 10} h`;
}
