import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runwayOf, slowedLimit } from '../../../src/domain/dunning/runway.ts';
import { DAY_MS, HOUR_MS } from '../../../src/domain/time.ts';

const runway = (spendable: number, perDay: number, mayStop = true) =>
  runwayOf({ spendableNanos: BigInt(spendable), usualPerDayNanos: BigInt(perDay) }, undefined, mayStop);

describe('how fast an account may go on while its top-up is unpaid', () => {
  test.each([
    ['a week left', 700, 100, 7, 100],
    ['exactly three days left', 300, 100, 3, 100],
    ['less than three days', 299, 100, 2.99, 25],
    ['exactly a day', 100, 100, 1, 25],
    ['the last day', 99, 100, 0.99, 5],
    ['nothing left', 0, 100, 0, 0],
    ['owing', -50, 100, 0, 0],
    ['nothing left and nothing ever spent', 0, 0, 0, 0],
    ['never spends', 10, 0, null, 100],
  ] as const)('%s', (_, spendable, perDay, days, percent) => {
    expect(runway(spendable, perDay)).toEqual({ days, percent });
  });

  test('keeps a trickle where an account may not be stopped', () => {
    expect(runway(0, 100, false).percent).toBe(5);
  });

  test('less money never means a faster pace, and more usage never does', () => {
    const money = fc.integer({ min: -1_000, max: 10_000 });
    const pace = fc.integer({ min: 0, max: 2_000 });
    fc.assert(
      fc.property(money, money, pace, pace, (a, b, c, d) => {
        const [poor, rich] = [Math.min(a, b), Math.max(a, b)];
        const [slow, fast] = [Math.min(c, d), Math.max(c, d)];
        expect(runway(poor, fast).percent).toBeLessThanOrEqual(runway(rich, fast).percent);
        expect(runway(rich, fast).percent).toBeLessThanOrEqual(runway(rich, slow).percent);
      }),
    );
  });
});

test('a limit is the share of the usual pace for its period, and never none at all', () => {
  expect(slowedLimit(2_400n, 25, HOUR_MS)).toBe(25n);
  expect(slowedLimit(2_400n, 100, DAY_MS)).toBe(2_400n);
  expect(slowedLimit(1n, 5, HOUR_MS)).toBe(1n);
});
