import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp, log, round6 } from '../../src/domain/math.ts';

const RUNS = { numRuns: 20_000, seed: 7 };

describe('log', () => {
  it('agrees with Math.log to 1e-12', () => {
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, noNaN: true }), (x) => {
        const expected = Math.log(x);
        if (x === Number.POSITIVE_INFINITY) return log(x) === x;
        return Math.abs(log(x) - expected) <= 1e-12 * Math.max(Math.abs(expected), 1e-3);
      }),
      RUNS,
    );
  });

  it.each([
    [1, 0],
    [0, Number.NEGATIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])('of %d is %d', (x, expected) => {
    expect(log(x)).toBe(expected);
  });

  it('of a negative number is not a number', () => {
    expect(log(-1)).toBeNaN();
    expect(log(Number.NaN)).toBeNaN();
  });
});

describe('exp', () => {
  it('agrees with Math.exp to 1e-12', () => {
    fc.assert(
      fc.property(fc.double({ min: -740, max: 709, noNaN: true }), (x) => {
        const expected = Math.exp(x);
        // Below the normal range a double has fewer digits than 12.
        const tolerance = expected < 1e-300 ? 1e-310 : 1e-12 * expected;
        return Math.abs(exp(x) - expected) <= tolerance;
      }),
      RUNS,
    );
  });

  it('overflows and underflows like Math.exp', () => {
    expect(exp(0)).toBe(1);
    expect(exp(710)).toBe(Number.POSITIVE_INFINITY);
    expect(exp(-746)).toBe(0);
    expect(exp(Number.NaN)).toBeNaN();
  });

  it('undoes log', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e15, noNaN: true }), (x) => Math.abs(exp(log(x)) - x) <= 1e-12 * x),
      RUNS,
    );
  });
});

describe('round6', () => {
  it('keeps six decimals, of large numbers none, and knows no negative zero', () => {
    expect(round6(1.23456789)).toBe(1.234568);
    expect(round6(12_345_678_901_234.5)).toBe(12_345_678_901_235);
    expect(Object.is(round6(-1e-9), 0)).toBe(true);
    expect(round6(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});
