import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { abuseProbability, NO_CASES } from '../../src/domain/decisions/abuse-probability.ts';
import { chooseByLoss, type LossInput } from '../../src/domain/decisions/expected-loss.ts';
import { OUTCOMES, severityOf } from '../../src/domain/rules/band.ts';

const USD = 1e9;
const money = fc.integer({ min: 0, max: 1_000_000 }).map((cents) => (cents * USD) / 100);
const outcome = fc.constantFrom(...OUTCOMES);
const input: fc.Arbitrary<LossInput> = fc.record({
  probability: fc.integer({ min: 0, max: 10_000 }).map((p) => p / 10_000),
  burnNanosPerHour: money,
  usualNanosPerHour: money,
  reactionHours: fc.integer({ min: 1, max: 48 }),
  unnoticedHours: fc.integer({ min: 48, max: 720 }),
  freezeHours: fc.integer({ min: 1, max: 168 }),
  spendableNanos: fc.oneof(money, fc.constant(Number.POSITIVE_INFINITY)),
  costs: fc.record({ reviewNanos: money, frictionNanos: money }),
});

describe('the expected loss', () => {
  test('never chooses harsher than the points, nor milder than what is in force', () => {
    fc.assert(
      fc.property(outcome, outcome, input, (byPoints, inForce, given) => {
        const { outcome: chosen, options } = chooseByLoss(byPoints, inForce, given);
        expect(severityOf(chosen)).toBeLessThanOrEqual(severityOf(byPoints));
        expect(severityOf(chosen)).toBeGreaterThanOrEqual(Math.min(severityOf(inForce), severityOf(byPoints)));
        expect(options.map((option) => option.outcome)).toEqual(OUTCOMES.slice(0, severityOf(byPoints) + 1));
      }),
    );
  });

  test('prints a sum that adds up, in whole nano-units', () => {
    fc.assert(
      fc.property(outcome, input, (byPoints, given) => {
        for (const option of chooseByLoss(byPoints, 'allow', given).options) {
          expect(option.totalNanos).toBe(option.lossNanos + option.frictionNanos + option.reviewNanos);
          expect(Number.isInteger(option.totalNanos)).toBe(true);
        }
      }),
    );
  });

  test('freezes whoever is surely abusing, and only watches who is surely honest', () => {
    fc.assert(
      fc.property(input, (given) => {
        const sure = {
          ...given,
          probability: 1,
          burnNanosPerHour: 100 * USD,
          spendableNanos: Number.POSITIVE_INFINITY,
        };
        expect(
          chooseByLoss('freeze', 'allow', { ...sure, costs: { reviewNanos: 5 * USD, frictionNanos: 0 } }).outcome,
        ).toBe('freeze');
        const honest = { ...given, probability: 0, costs: { reviewNanos: USD, frictionNanos: USD } };
        // Watching costs nothing, so it stays.
        expect(chooseByLoss('freeze', 'allow', honest).outcome).toBe('watch');
      }),
    );
  });

  test('is no milder when abuse is likelier', () => {
    fc.assert(
      fc.property(input, fc.integer({ min: 0, max: 10_000 }), (given, more) => {
        const likelier = { ...given, probability: Math.max(given.probability, more / 10_000) };
        // The hysteresis compares with the harshest, so only its two ends are ordered for certain.
        const before = chooseByLoss('review', 'watch', given);
        const after = chooseByLoss('review', 'watch', likelier);
        expect(severityOf(after.outcome)).toBeGreaterThanOrEqual(severityOf(before.outcome));
      }),
    );
  });

  test('does not freeze an account over two dollars', () => {
    const small: LossInput = {
      probability: 0.7,
      burnNanosPerHour: 0.2 * USD,
      usualNanosPerHour: 0.1 * USD,
      reactionHours: 12,
      unnoticedHours: 72,
      freezeHours: 24,
      spendableNanos: Number.POSITIVE_INFINITY,
      costs: { reviewNanos: 5 * USD, frictionNanos: 50 * USD },
    };
    expect(chooseByLoss('freeze', 'review', small)).toMatchObject({
      outcome: 'review',
      byPoints: 'freeze',
      options: [
        { outcome: 'allow', totalNanos: 10_080_000_000 },
        { outcome: 'watch', totalNanos: 10_080_000_000 },
        { outcome: 'review', lossNanos: 1_680_000_000, reviewNanos: 5 * USD, totalNanos: 6_680_000_000 },
        { outcome: 'freeze', lossNanos: 0, frictionNanos: 15_360_000_000, totalNanos: 20_360_000_000 },
      ],
    });
    expect(chooseByLoss('freeze', 'review', { ...small, burnNanosPerHour: 40 * USD }).outcome).toBe('freeze');
  });
});

describe('the probability of abuse', () => {
  test('is the prior without cases, and follows the cases with many', () => {
    expect(abuseProbability(70, NO_CASES)).toMatchObject({ mean: 0.7, cases: 0 });
    expect(abuseProbability(70, { confirmed: 0, benign: 96 }).mean).toBe(0.028);
    expect(abuseProbability(35, { confirmed: 96, benign: 0 }).mean).toBe(0.974);
  });

  test('lies inside its interval, which narrows with every case', () => {
    const cases = fc.integer({ min: 0, max: 1_000 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), cases, cases, (score, confirmed, benign) => {
        const few = abuseProbability(score, { confirmed, benign });
        expect(few.lower).toBeLessThanOrEqual(few.mean);
        expect(few.upper).toBeGreaterThanOrEqual(few.mean);
        expect(few.lower).toBeGreaterThanOrEqual(0);
        expect(few.upper).toBeLessThanOrEqual(1);
        const many = abuseProbability(score, { confirmed: (confirmed + 1) * 10, benign: (benign + 1) * 10 });
        const ten = abuseProbability(score, { confirmed: (confirmed + 1) * 100, benign: (benign + 1) * 100 });
        expect(ten.upper - ten.lower).toBeLessThanOrEqual(many.upper - many.lower);
      }),
    );
  });
});
