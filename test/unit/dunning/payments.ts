import { activityCurve } from '../../../src/domain/dunning/activity-curve.ts';
import { classifyForDunning } from '../../../src/domain/dunning/classify-decline.ts';
import { zoneClock } from '../../../src/domain/dunning/local-time.ts';
import type { PastTry } from '../../../src/domain/dunning/past-tries.ts';
import type { FailedPayment } from '../../../src/domain/dunning/plan-retry.ts';

/** Monday 2 March 2026, noon in UTC. */
export const FAILED_MS = Date.UTC(2026, 2, 2, 12);
export const UTC = zoneClock(null);

export function verdictOf(declineCode: string) {
  return classifyForDunning({
    code: 'card_declined',
    declineCode,
    adviceCode: null,
    networkAdviceCode: null,
    networkDeclineCode: null,
  });
}

/** A top-up declined for lack of money, of a payer nobody knows anything about. */
export function failedPayment(given: Partial<FailedPayment> = {}): FailedPayment {
  return {
    verdict: verdictOf('insufficient_funds'),
    declineCode: 'insufficient_funds',
    failedAtMs: FAILED_MS,
    retriesMs: [],
    methodTriesMs: [],
    past: [],
    curve: activityCurve([]),
    clock: UTC,
    spareAttempts: 0,
    ...given,
  };
}

export function past(atMs: number, succeeded: boolean, clock = UTC): PastTry {
  return { atMs, local: clock.at(atMs), succeeded };
}
