import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { activityCurve } from '../../../src/domain/dunning/activity-curve.ts';
import { featuresOf, isPayDay, RETRY_FEATURES } from '../../../src/domain/dunning/retry-features.ts';
import { learn, priorModel, probabilityOf, type RetryModel } from '../../../src/domain/dunning/retry-model.ts';
import { DAY_MS, HOUR_MS } from '../../../src/domain/time.ts';
import { FAILED_MS, past, UTC } from './payments.ts';

const SIZE = RETRY_FEATURES.length;
const stranger = { past: [], curve: activityCurve([]), declineClass: 'retry', declineCode: null } as const;

function chanceAt(model: RetryModel, payer: Parameters<typeof featuresOf>[0], atMs: number): number {
  return probabilityOf(model, featuresOf(payer, model.crowd, FAILED_MS)(UTC.at(atMs)));
}

describe('the chance that a payment goes through', () => {
  test('is about a third for a stranger, before anything is known', () => {
    const chance = chanceAt(priorModel(), stranger, FAILED_MS + 9 * HOUR_MS);
    expect(chance).toBeGreaterThan(0.25);
    expect(chance).toBeLessThan(0.45);
  });

  test('is higher where the payer’s own payments went through, and lower where they did not', () => {
    const history = [1, 2, 3, 4, 5, 6].flatMap((week) => [
      past(FAILED_MS - week * 7 * DAY_MS - 4 * HOUR_MS, true),
      past(FAILED_MS - week * 7 * DAY_MS + 8 * HOUR_MS, false),
    ]);
    const payer = { ...stranger, past: history };
    const morning = chanceAt(priorModel(), payer, FAILED_MS + 7 * DAY_MS - 4 * HOUR_MS);
    const evening = chanceAt(priorModel(), payer, FAILED_MS + 7 * DAY_MS + 8 * HOUR_MS);
    expect(morning).toBeGreaterThan(2 * evening);
  });

  test('follows the payer’s activity while nothing else is known', () => {
    const activity = Array.from({ length: 168 }, (_, hour) => (hour % 24 >= 18 && hour % 24 < 22 ? 60 : 1));
    const payer = { ...stranger, curve: activityCurve(activity) };
    expect(chanceAt(priorModel(), payer, Date.UTC(2026, 2, 4, 20))).toBeGreaterThan(
      chanceAt(priorModel(), payer, Date.UTC(2026, 2, 4, 4)),
    );
  });

  test('is higher on a pay day, for lack of money only', () => {
    const [tenth, fifteenth] = [Date.UTC(2026, 3, 10, 5), Date.UTC(2026, 3, 15, 5)];
    const broke = { ...stranger, declineCode: 'insufficient_funds' };
    expect(chanceAt(priorModel(), broke, fifteenth)).toBeGreaterThan(chanceAt(priorModel(), broke, tenth));
    expect(chanceAt(priorModel(), stranger, fifteenth)).toBe(chanceAt(priorModel(), stranger, tenth));
  });

  test.each([
    [1, 31, true],
    [2, 31, true],
    [3, 31, false],
    [15, 30, true],
    [28, 28, true],
    [28, 31, false],
  ] as const)('the %i. of a month of %i days: pay day %s', (dayOfMonth, daysInMonth, is) => {
    expect(isPayDay({ hour: 0, hourOfWeek: 0, weekday: 0, dayOfMonth, daysInMonth })).toBe(is);
  });
});

describe('learning', () => {
  const trial = fc.record({
    hour: fc.integer({ min: 0, max: 24 * 60 }),
    succeeded: fc.boolean(),
    activity: fc.array(fc.nat(50), { minLength: 168, maxLength: 168 }),
  });

  test('keeps chances between none and certain, and beliefs that a spread can have', () => {
    fc.assert(
      fc.property(fc.array(trial, { minLength: 1, maxLength: 40 }), (trials) => {
        let model = priorModel();
        for (const { hour, succeeded, activity } of trials) {
          const atMs = FAILED_MS + hour * HOUR_MS;
          const features = featuresOf({ ...stranger, curve: activityCurve(activity) }, model.crowd, atMs)(UTC.at(atMs));
          const before = probabilityOf(model, features);
          model = learn(model, features, UTC.at(atMs), succeeded);
          const after = probabilityOf(model, features);
          expect(after).toBeGreaterThan(0);
          expect(after).toBeLessThan(1);
          // What was seen is never thought less likely for having been seen.
          if (succeeded) expect(after).toBeGreaterThanOrEqual(before);
          else expect(after).toBeLessThanOrEqual(before);
        }
        expect(model.learned).toBe(trials.length);
        for (let row = 0; row < SIZE; row++) {
          expect(model.covariance[row * SIZE + row]).toBeGreaterThan(0);
          for (let column = 0; column < row; column++)
            expect(model.covariance[row * SIZE + column]).toBeCloseTo(model.covariance[column * SIZE + row] ?? 0, 9);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('finds an hour of the day that is good for everybody, without any of their histories', () => {
    let model = priorModel();
    for (let day = 0; day < 120; day++) {
      for (const hour of [3, 9, 15, 21]) {
        const atMs = FAILED_MS - day * DAY_MS + (hour - 12) * HOUR_MS;
        const features = featuresOf(stranger, model.crowd, atMs)(UTC.at(atMs));
        model = learn(model, features, UTC.at(atMs), hour === 21);
      }
    }
    const late = chanceAt(model, stranger, FAILED_MS + 9 * HOUR_MS);
    const noon = chanceAt(model, stranger, FAILED_MS + 3 * HOUR_MS);
    expect(late).toBeGreaterThan(0.5);
    expect(noon).toBeLessThan(0.2);
  });

  test('leaves the model it came from as it was', () => {
    const model = priorModel();
    const weights = [...model.weights];
    learn(model, featuresOf(stranger, model.crowd, FAILED_MS)(UTC.at(FAILED_MS)), UTC.at(FAILED_MS), true);
    expect([...model.weights]).toEqual(weights);
    expect(model.crowd.hourTries.every((tries) => tries === 0)).toBe(true);
  });
});
