import { describe, expect, test } from 'vitest';
import { allowsFreeze, freezeShare } from '../../src/domain/decisions/freeze-breaker.ts';
import { DAY_MS } from '../../src/domain/time.ts';

describe('the freeze breaker', () => {
  test('allows freezes up to the cap of 24 hours and counts none older', () => {
    expect(allowsFreeze([], DAY_MS, 1)).toBe(true);
    expect(allowsFreeze([DAY_MS], DAY_MS + 5, 1)).toBe(false);
    expect(allowsFreeze([DAY_MS], 2 * DAY_MS, 1)).toBe(true);
    expect(allowsFreeze([1, 2, DAY_MS + 3], DAY_MS + 4, 2)).toBe(true);
  });

  test('a cap of zero never freezes', () => {
    expect(allowsFreeze([], 0, freezeShare(0, 4))).toBe(false);
  });

  test('lanes share the cap in equal parts, at least one each', () => {
    expect([freezeShare(20, 4), freezeShare(20, 3), freezeShare(2, 8)]).toEqual([5, 6, 1]);
  });
});
