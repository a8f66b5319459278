import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { activityCurve } from '../../../src/domain/dunning/activity-curve.ts';
import { earliestByCaps } from '../../../src/domain/dunning/attempt-caps.ts';
import {
  attemptsLeftOver,
  type FailedPayment,
  planRetry,
  RETRY_POLICY,
} from '../../../src/domain/dunning/plan-retry.ts';
import { priorModel } from '../../../src/domain/dunning/retry-model.ts';
import { DAY_MS, HOUR_MS } from '../../../src/domain/time.ts';
import { FAILED_MS, failedPayment, past, verdictOf } from './payments.ts';

const plan = (given: Partial<FailedPayment>, nowMs = FAILED_MS) => planRetry(failedPayment(given), priorModel(), nowMs);

/** Paid every Thursday at nine, declined at every other time. */
const thursdays = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((week) => [
  past(FAILED_MS - week * 7 * DAY_MS + 3 * DAY_MS - 3 * HOUR_MS, true),
  past(FAILED_MS - week * 7 * DAY_MS + 2 * HOUR_MS, false),
  past(FAILED_MS - week * 7 * DAY_MS + DAY_MS + 8 * HOUR_MS, false),
]);

describe('the next try', () => {
  test('waits for the hour in which this payer pays', () => {
    const planned = plan({ past: thursdays });
    expect(planned).toMatchObject({ is: 'retry', attempt: 1 });
    const at = planned.is === 'retry' ? new Date(planned.atMs).toISOString() : '';
    expect(at).toMatch(/^2026-03-0[35]T(?:0[89]|10):00/);
  });

  test('comes on the ladder’s day when that is sooner and nearly as good', () => {
    // The best hour is on Friday, but tomorrow's is nearly as good.
    const activity = Array.from({ length: 168 }, (_, hour) => (hour % 24 === 12 ? (hour === 108 ? 42 : 36) : 1));
    const payment = failedPayment({ curve: activityCurve(activity) });
    const patient = { ...RETRY_POLICY, perDay: 1 };
    expect(planRetry(payment, priorModel(), FAILED_MS, { ...patient, ladderDays: [] })).toMatchObject({
      by: 'predicted',
      atMs: Date.UTC(2026, 2, 6, 12),
    });
    expect(planRetry(payment, priorModel(), FAILED_MS, patient)).toMatchObject({
      by: 'ladder',
      atMs: Date.UTC(2026, 2, 3, 12),
    });
  });

  test.each([
    ['expired_card', 'not_retryable'],
    ['lost_card', 'not_retryable'],
    ['authentication_required', 'not_retryable'],
  ] as const)('is none after %s', (code, because) => {
    expect(plan({ verdict: verdictOf(code), declineCode: code })).toEqual({ is: 'stop', because });
  });

  test('is the only one after a code nobody knows', () => {
    const unknown = { verdict: verdictOf('zzz'), declineCode: 'zzz' };
    expect(plan(unknown)).toMatchObject({ is: 'retry', attempt: 1 });
    expect(plan({ ...unknown, retriesMs: [FAILED_MS + DAY_MS] }, FAILED_MS + DAY_MS)).toEqual({
      is: 'stop',
      because: 'attempts_spent',
    });
  });

  test('is beyond the fourth only while others left some over, and has a chance', () => {
    const retriesMs = [1, 2, 3, 4].map((day) => FAILED_MS + day * DAY_MS);
    const nowMs = FAILED_MS + 4 * DAY_MS;
    expect(plan({ retriesMs }, nowMs)).toEqual({ is: 'stop', because: 'attempts_spent' });
    expect(plan({ retriesMs, spareAttempts: 1 }, nowMs)).toMatchObject({ is: 'retry', attempt: 5 });
    const hopeless = Array.from({ length: 60 }, (_, at) => past(FAILED_MS - at * 7 * HOUR_MS, false));
    expect(plan({ retriesMs, spareAttempts: 1, past: hopeless }, nowMs)).toEqual({ is: 'stop', because: 'no_chance' });
  });

  test('is none when two weeks are over, or when the card’s cap outlasts them', () => {
    expect(plan({}, FAILED_MS + 15 * DAY_MS)).toEqual({ is: 'stop', because: 'time_over' });
    const methodTriesMs = Array.from({ length: 15 }, (_, at) => FAILED_MS - at * HOUR_MS);
    expect(plan({ methodTriesMs })).toEqual({ is: 'stop', because: 'capped' });
  });

  test('keeps its gap, its horizon, its hours and the card’s caps, whatever came before', () => {
    const hours = fc.array(fc.integer({ min: -30 * 24, max: 0 }), { maxLength: 20 });
    const payments = fc.record({
      activity: fc.array(fc.nat(40), { minLength: 168, maxLength: 168 }),
      retries: fc.array(fc.integer({ min: 12, max: 14 * 24 }), { maxLength: 6 }),
      others: hours,
      history: fc.array(fc.tuple(fc.integer({ min: -2_000, max: -1 }), fc.boolean()), { maxLength: 20 }),
      spareAttempts: fc.integer({ min: -3, max: 3 }),
      late: fc.integer({ min: 0, max: 20 * 24 * 60 }),
    });
    fc.assert(
      fc.property(payments, ({ activity, retries, others, history, spareAttempts, late }) => {
        const retriesMs = retries.map((hour) => FAILED_MS + hour * HOUR_MS).sort((a, b) => a - b);
        const methodTriesMs = [...others.map((hour) => FAILED_MS + hour * HOUR_MS), FAILED_MS, ...retriesMs];
        const nowMs = FAILED_MS + late * 60_000;
        const given = {
          curve: activityCurve(activity),
          past: history.map(([hour, succeeded]) => past(FAILED_MS + hour * HOUR_MS, succeeded)),
          retriesMs,
          methodTriesMs,
          spareAttempts,
        };
        const planned = plan(given, nowMs);
        expect(plan(given, nowMs)).toEqual(planned);
        if (planned.is === 'stop') return;
        const { atMs, probability, attempt } = planned;
        expect(atMs % HOUR_MS).toBe(0);
        expect(atMs).toBeGreaterThanOrEqual(nowMs);
        expect(atMs).toBeGreaterThanOrEqual(Math.max(FAILED_MS, ...retriesMs) + RETRY_POLICY.gapMs);
        expect(atMs).toBeLessThanOrEqual(FAILED_MS + RETRY_POLICY.horizonMs);
        expect(earliestByCaps(methodTriesMs, atMs).fromMs).toBe(atMs);
        expect(probability).toBeGreaterThan(0);
        expect(probability).toBeLessThan(1);
        expect(attempt).toBe(retriesMs.length + 1);
        if (attempt > RETRY_POLICY.attemptsMax) expect(spareAttempts).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 150 },
    );
  });
});

test('payments that recover early leave tries over for others', () => {
  expect(attemptsLeftOver({ ended: 10, attempts: 20 }, { attemptsOnAverage: 3 })).toBe(10);
  expect(attemptsLeftOver({ ended: 10, attempts: 40 }, { attemptsOnAverage: 3 })).toBe(-10);
});
