import fc from 'fast-check';
import * as reference from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { collectPoints, pointsMax, recordOf } from '../../src/domain/detectors/comparable-windows.ts';
import type { CompileContext } from '../../src/domain/detectors/detector.ts';
import { DETECTORS } from '../../src/domain/detectors/index.ts';
import { smallSampleFactor, spreadModel } from '../../src/domain/detectors/spread-model.ts';
import {
  mean,
  medianOfSorted,
  quantileOfSorted,
  sampleDeviation,
  scaledDeviationFrom,
  sorted,
} from '../../src/domain/detectors/statistics.ts';
import type { History } from '../../src/domain/features/history.ts';

const SEED = { seed: 11, numRuns: 500 };
const lists = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 2, maxLength: 60 });

function near(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
}

describe('statistics agree with simple-statistics', () => {
  it('mean and deviation', () => {
    fc.assert(
      fc.property(
        lists,
        (values) =>
          near(mean(values), reference.mean(values)) &&
          near(sampleDeviation(values), reference.sampleStandardDeviation(values)),
      ),
      SEED,
    );
  });

  it('median, median absolute deviation and quantile', () => {
    fc.assert(
      fc.property(lists, (values) => {
        const ascending = sorted(values);
        const median = medianOfSorted(ascending);
        const deviation = scaledDeviationFrom(median, values) / 1.482602218505602;
        return (
          near(median, reference.median(values)) &&
          near(deviation, reference.medianAbsoluteDeviation(values)) &&
          quantileOfSorted(ascending, 1) === reference.max(values)
        );
      }),
      SEED,
    );
  });
});

function history(sums: readonly number[], unusable: readonly number[] = []): History {
  return { sums, usable: sums.map((_, index) => (unusable.includes(index) ? 0 : 1)) };
}

describe('comparable windows', () => {
  it('sum trailing hours, newest first', () => {
    expect(collectPoints(history([1, 2, 3, 4]), 2, 'all').points).toEqual([7, 5, 3]);
  });

  it('leave out every window that touches an hour that may not be learned', () => {
    const found = collectPoints(history([1, 2, 900, 4, 5, 6], [2]), 2, 'all');
    expect(found).toEqual({ points: [11, 9, 3], level: 23 / 3, record: 11, activeHours: 5 });
  });

  it('of the same clock hour are whole days before the judged window', () => {
    // The judged window follows the last sum. With one-hour windows the same clock hour is 24 back: index 24 of 48.
    const sums = Array.from({ length: 48 }, (_, index) => index);
    expect(collectPoints(history(sums), 1, 'hour_of_day').points).toEqual([24, 0]);
    expect(collectPoints(history(Array.from({ length: 672 }, (_, index) => index)), 1, 'hour_of_week').points).toEqual([
      504, 336, 168, 0,
    ]);
  });

  it.each([
    ['all', 672, 6, 667],
    ['hour_of_day', 672, 6, 28],
    ['hour_of_week', 672, 6, 4],
    ['hour_of_day', 672, 48, 27],
  ] as const)('%s over %d hours with a window of %d are at most %d', (compare, fromHours, windowHours, expected) => {
    expect(pointsMax(compare, fromHours, windowHours)).toBe(expected);
    const full = history(new Array<number>(fromHours).fill(1));
    expect(collectPoints(full, windowHours, compare).points.length).toBe(expected);
  });

  it('have the same record in one pass', () => {
    const arrays = fc.array(fc.tuple(fc.nat(1000), fc.boolean()), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(arrays, fc.integer({ min: 1, max: 12 }), (hours, windowHours) => {
        const some: History = {
          sums: hours.map(([sum]) => sum),
          usable: hours.map(([, isUsable]) => (isUsable ? 1 : 0)),
        };
        return recordOf(some, windowHours) === collectPoints(some, windowHours, 'all').record;
      }),
      SEED,
    );
  });
});

describe('a spread model', () => {
  const settings = { method: 'raw', spreadFloor: 0.15, threshold: 3, level: 10, isCount: false } as const;

  it.each(['raw', 'log', 'mad', 'log_mad'] as const)('%s turns a z into a value and back', (method) => {
    const model = spreadModel(sorted([8, 9, 10, 11, 14, 30]), { ...settings, method });
    expect(model.zOf(model.valueAt(3))).toBeCloseTo(3, 5);
    expect(model.valueAt(3)).toBeGreaterThan(model.expected);
  });

  it('never believes a flat history has no spread', () => {
    const flat = new Array<number>(100).fill(10);
    expect(spreadModel(flat, settings).valueAt(3)).toBeCloseTo(10 + 3 * 1.5, 6);
    expect(spreadModel(flat, { ...settings, method: 'log_mad' }).zOf(10.5)).toBeLessThan(1);
  });

  it('lets counts vary by the root of their mean', () => {
    const flat = new Array<number>(100).fill(10_000);
    const counted = spreadModel(flat, { ...settings, spreadFloor: 0.0001, isCount: true });
    expect(counted.valueAt(3)).toBeCloseTo(10_300, 6);
  });

  it('is wide when four points are all there is', () => {
    expect(smallSampleFactor(4, 3.5)).toBeGreaterThan(2);
    expect(smallSampleFactor(28, 3.5)).toBeLessThan(1.2);
    expect(smallSampleFactor(600, 3.5)).toBeLessThan(1.01);
  });

  it('is moved less by one wild hour when it uses medians', () => {
    const calm = new Array<number>(50).fill(10);
    const wild = sorted([...calm, 10_000]);
    expect(spreadModel(wild, { ...settings, method: 'mad' }).valueAt(3)).toBeLessThan(20);
    expect(spreadModel(wild, { ...settings, method: 'raw' }).valueAt(3)).toBeGreaterThan(1_000);
  });
});

describe('every registered detector', () => {
  const samples: Readonly<Record<string, unknown>> = {
    z_score: {
      window: '6h',
      baseline: { from: '28d', compare: 'all', method: 'log_mad', min_points: 48, spread_floor: '15%' },
      threshold: 3.5,
      floor: { above_expected: 100, times_record: 1.2 },
    },
    burst: { window: '30min', times: 6, floor: { above_expected: 100, times_record: 1.2 } },
  };
  const context: CompileContext = {
    unit: { kind: 'count', name: 'count' },
    report: (path, code) => expect.fail(`${code} at ${path.join('.')}`),
    warn: () => undefined,
    duration: (_, text) => ({ '6h': 21_600_000, '30min': 1_800_000, '28d': 2_419_200_000 })[text],
    percent: () => 0.15,
    amount: (_, value) => Number(value),
  };

  it.each(DETECTORS.map((detector) => [detector.kind, detector] as const))(
    '%s keeps the contract',
    (kind, detector) => {
      const compiled = detector.compile(samples[kind], context);
      expect(compiled, 'add parameters for the new detector to this test').toBeDefined();
      if (compiled === undefined) return;
      const bucketsPerHour = compiled.bucket === 'hour' ? 1 : 12;
      // The judged window is never part of its own baseline.
      expect(compiled.gapHours).toBeGreaterThanOrEqual(compiled.windowBuckets / bucketsPerHour);
      const arrays = fc.array(fc.tuple(fc.nat(1000), fc.boolean()), { minLength: 672, maxLength: 672 });
      fc.assert(
        fc.property(arrays, (hours) => {
          const some: History = {
            sums: hours.map(([sum]) => sum),
            usable: hours.map(([, isUsable]) => (isUsable ? 1 : 0)),
          };
          const usual = compiled.usual(some);
          expect(usual.cutoff).toBeGreaterThanOrEqual(compiled.observedMin);
          expect(usual.cutoff).toBeGreaterThanOrEqual(compiled.cutoffMin(some) - 1e-6);
          expect(usual.cutoff).toBeGreaterThan(usual.expected);
        }),
        { seed: 3, numRuns: 30 },
      );
      // Too little history is inconclusive, whatever is observed.
      const nothing: History = { sums: new Array<number>(672).fill(0), usable: new Array<number>(672).fill(0) };
      expect(compiled.usual(nothing).missing).toBeDefined();
      expect(compiled.usual(nothing).cutoff).toBe(Number.POSITIVE_INFINITY);
    },
  );
});
