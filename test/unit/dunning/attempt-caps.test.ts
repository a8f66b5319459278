import fc from 'fast-check';
import { expect, test } from 'vitest';
import { earliestByCaps, HARD_CAPS } from '../../../src/domain/dunning/attempt-caps.ts';
import { DAY_MS, HOUR_MS } from '../../../src/domain/time.ts';

const NOW = Date.UTC(2026, 2, 1);

test('nothing stands in the way of a card that was seldom tried', () => {
  expect(earliestByCaps([NOW - HOUR_MS, NOW - DAY_MS], NOW)).toEqual({ fromMs: NOW, because: null });
});

test('after ten tries in a day the eleventh waits until the first is a day old', () => {
  const tries = Array.from({ length: 10 }, (_, at) => NOW - (at + 1) * HOUR_MS);
  const verdict = earliestByCaps(tries, NOW);
  expect(verdict).toEqual({ fromMs: NOW + 14 * HOUR_MS, because: 'a card may be tried 10 times in 24 hours' });
});

test('after fifteen tries in a month the sixteenth waits for the month to pass', () => {
  const tries = Array.from({ length: 15 }, (_, at) => NOW - (at + 1) * DAY_MS);
  const verdict = earliestByCaps(tries, NOW);
  expect(verdict).toEqual({ fromMs: NOW + 15 * DAY_MS, because: 'a card may be tried 15 times in 30 days' });
});

test('tries made as soon as allowed never break a cap, in whatever order they are told', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 40 * HOUR_MS }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(gaps, fc.array(fc.nat(), { maxLength: 80 }), (waits, shuffle) => {
      const tries: number[] = [];
      let nowMs = NOW;
      for (const wait of waits) {
        nowMs = earliestByCaps(shuffled(tries, shuffle), nowMs + wait).fromMs;
        tries.push(nowMs);
      }
      for (const { attempts, windowMs } of HARD_CAPS)
        for (const end of tries)
          expect(tries.filter((at) => at <= end && at > end - windowMs).length).toBeLessThanOrEqual(attempts);
    }),
  );
});

function shuffled(values: readonly number[], by: readonly number[]): readonly number[] {
  return values
    .map((value, at) => ({ value, key: by[at] ?? 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
