import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SeriesChannelChoice } from '../../src/domain/series/score-series.ts';
import { scoreAll } from '../support/series.ts';

const channel = fc.constantFrom<SeriesChannelChoice>('fast', 'slow', 'both');

/** Any series: rough, smooth, constant in parts, with times that jump, repeat and go back. */
const rows = fc
  .array(
    fc.record({
      step: fc.oneof(
        { weight: 8, arbitrary: fc.constant(3_600_000) },
        { weight: 1, arbitrary: fc.integer({ min: -7_200_000, max: 864_000_000 }) },
      ),
      value: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 }) },
        { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e150, max: 1e150 }) },
      ),
    }),
    { minLength: 1, maxLength: 400 },
  )
  .map((steps) => {
    let atMs = 1_700_000_000_000;
    return steps.map(({ step, value }) => {
      atMs += step;
      return { atMs, value };
    });
  });

test('the scores of a beginning are the beginning of the scores: nobody looks ahead, and the same rows score the same', () => {
  fc.assert(
    fc.property(rows, channel, fc.double({ min: 0, max: 1, noNaN: true }), (all, which, share) => {
      const cut = Math.ceil(all.length * share);
      expect(scoreAll(all.slice(0, cut), which)).toEqual(scoreAll(all, which).slice(0, cut));
    }),
    { numRuns: 60, seed: 20_260_301 },
  );
});

test('every score lies between 0 and 1 and every expectation is a number inside its band', () => {
  fc.assert(
    fc.property(rows, channel, (all, which) => {
      for (const { score, channels, judgement } of scoreAll(all, which)) {
        for (const own of [score, ...channels]) expect(own > 0 && own < 1).toBe(true);
        const { expected, lower, upper } = judgement;
        if (expected === null) continue;
        expect((lower ?? 0) <= expected && expected <= (upper ?? 0)).toBe(true);
        expect(Number.isFinite(lower) && Number.isFinite(upper)).toBe(true);
      }
    }),
    { numRuns: 80, seed: 20_260_302 },
  );
});
