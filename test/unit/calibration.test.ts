import fc from 'fast-check';
import { poissonDistribution } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { Calibration, priorRarity, rawAt } from '../../src/domain/calibration/calibration.ts';
import { logFactorial, poissonRarity } from '../../src/domain/calibration/poisson.ts';
import { addLeaky, leaked } from '../../src/domain/detectors/leaky-count.ts';

describe('the rarity of a count', () => {
  it('never exceeds the summed distribution, and is close to it where counts are rare', () => {
    for (const mean of [0.05, 0.4, 2, 9]) {
      const shares = poissonDistribution(mean) ?? [];
      for (let count = Math.ceil(mean) + 1; count < shares.length; count++) {
        const below = shares.slice(0, count).reduce((sum, share) => sum + share, 0);
        // simple-statistics stops at 1 − 1e-4, and 1 − below loses what is rarer than that.
        if (1 - below < 1e-3) break;
        const exact = -Math.log10(1 - below);
        const rarity = poissonRarity(count, mean);
        expect(rarity).toBeLessThanOrEqual(exact + 0.01);
        expect(exact - rarity).toBeLessThan(exact > 1 ? 0.1 : 0.3);
      }
    }
  });

  it('grows with the count and falls with the mean', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.double({ min: 0.001, max: 50, noNaN: true }), (count, mean) => {
        expect(poissonRarity(count + 1, mean)).toBeGreaterThanOrEqual(poissonRarity(count, mean));
        expect(poissonRarity(count, mean * 1.1)).toBeLessThanOrEqual(poissonRarity(count, mean) + 1e-9);
      }),
    );
  });

  it('takes factorials beyond the table from the series without a step', () => {
    expect(logFactorial(65) - logFactorial(64)).toBeCloseTo(Math.log(65), 9);
  });
});

describe('a count that forgets', () => {
  it('is the offline sum of its amounts, each halved by its age', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1e6), fc.nat(50)), { minLength: 1, maxLength: 30 }), (steps) => {
        const count = { value: 0, atMs: 0 };
        const added: { atMs: number; amount: number }[] = [];
        let now = 0;
        for (const [elapsed, amount] of steps) {
          now += elapsed;
          addLeaky(count, amount, now, 1e6);
          added.push({ atMs: now, amount });
        }
        const offline = added.reduce((sum, { atMs, amount }) => sum + amount * 2 ** (-(now - atMs) / 1e6), 0);
        expect(leaked(count, now, 1e6)).toBeCloseTo(offline, 6);
      }),
    );
  });
});

describe('calibration', () => {
  const prior = { at: 2, slope: 1 };

  it('is the prior before anything was seen, and its inverse finds the raw value', () => {
    const calibration = new Calibration(prior);
    expect(calibration.rarity(2, 0)).toBeCloseTo(3, 9);
    expect(priorRarity(prior, rawAt(prior, 4.5))).toBeCloseTo(4.5, 9);
  });

  it('never decreases in the raw value, and has no end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 6, noNaN: true }), { maxLength: 200 }),
        fc.nat(20_000),
        (seen, days) => {
          const calibration = new Calibration(prior);
          for (const raw of seen) calibration.learn(raw, 1);
          let before = Number.NEGATIVE_INFINITY;
          for (let raw = 0; raw <= 12; raw += 0.01) {
            const rarity = calibration.rarity(raw, days);
            expect(rarity).toBeGreaterThanOrEqual(before - 1e-9);
            before = rarity;
          }
          expect(calibration.rarity(30, days)).toBeGreaterThan(calibration.rarity(12, days) + 1);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('approaches the rate of the stream: a hundred incidents in ten thousand account-days are two decades', () => {
    const calibration = new Calibration(prior);
    for (let index = 0; index < 100; index++) calibration.learn(3 + index / 1_000, 1);
    expect(calibration.rarity(3, 10_000)).toBeCloseTo(2, 1);
  });

  it('takes back what it learned', () => {
    const calibration = new Calibration(prior);
    const fresh = calibration.rarity(2.5, 1_000);
    calibration.learn(2.6, 1);
    expect(calibration.rarity(2.5, 1_000)).toBeLessThan(fresh);
    calibration.learn(2.6, -1);
    expect(calibration.rarity(2.5, 1_000)).toBe(fresh);
  });

  it('does not learn what its prior calls rarer than one in ten thousand', () => {
    const calibration = new Calibration(prior);
    expect(calibration.isClean(2.9)).toBe(true);
    expect(calibration.isClean(3.1)).toBe(false);
  });
});
