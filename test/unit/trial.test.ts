import { describe, expect, test } from 'vitest';
import { FAST_PARAMETERS, jitter, SLOW_PARAMETERS } from '../../bench/trial/detectors.ts';
import { nabScore } from '../../bench/trial/nab-score.ts';
import { bestF1, segmentF1, segmentScores } from '../../bench/trial/segment-score.ts';

describe('segment F1', () => {
  const windows = [
    { from: 2, to: 4 },
    { from: 10, to: 29 },
  ];
  const scores = Float64Array.from({ length: 40 }, (_, row) => ({ 3: 5, 17: 4, 18: 9, 35: 4.5 })[row] ?? 1);
  const curve = segmentScores(scores, { windows });

  test('counts a whole segment when one of its first eight rows is high enough', () => {
    expect(curve.segments.map(({ highest, rows }) => [highest, rows])).toEqual([
      [5, 3],
      [4, 20],
    ]);
    expect(segmentF1([curve], 5)).toMatchObject({ precision: 1, recall: 3 / 23 });
    expect(segmentF1([curve], 4)).toMatchObject({ precision: 23 / 24, recall: 1 });
  });

  test('finds the best threshold over all curves', () => {
    expect(bestF1([curve])).toMatchObject({ threshold: 4, recall: 1 });
    expect(bestF1([segmentScores(new Float64Array(5), { windows: [] })]).f1).toBe(0);
  });
});

describe('the score of the Numenta Anomaly Benchmark', () => {
  const rows = 1_000;
  const curve = {
    name: 'c',
    timesMs: new Float64Array(rows),
    values: new Float64Array(rows),
    windows: [{ from: 500, to: 599 }],
  };
  const alarmsAt = (...at: readonly number[]) =>
    Float64Array.from({ length: rows }, (_, row) => (at.includes(row) ? 1 : 0));

  test('is 100 for an alarm in the first row of every window and nowhere else, and 0 for silence', () => {
    expect(nabScore([curve], [alarmsAt(500)]).score).toBeCloseTo(100, 9);
    expect(nabScore([curve], [new Float64Array(rows)]).score).toBe(0);
  });

  test('is less for a late alarm and for false ones; alarms during probation and repeated ones cost nothing', () => {
    expect(nabScore([curve], [alarmsAt(500, 510, 20)]).score).toBeCloseTo(100, 9);
    // A false alarm before any window costs 0.11 of a hit, on a scale of two per window.
    expect(nabScore([curve], [alarmsAt(500, 300)]).score).toBeCloseTo(100 - 5.5, 9);
    // 2 / (1 + e^(−5 · 0.01)) − 1, over the same at the first row.
    const late = (2 / (1 + Math.exp(-0.05)) - 1) / (2 / (1 + Math.exp(-5)) - 1);
    expect(nabScore([curve], [alarmsAt(599)]).score).toBeCloseTo(50 * (1 + late), 9);
    // Just after a window an alarm is hardly false.
    expect(nabScore([curve], [alarmsAt(500, 600)]).score).toBeGreaterThan(99);
  });
});

test('every parameter is changed both ways, one at a time, and nothing else', () => {
  for (const parameters of [FAST_PARAMETERS, SLOW_PARAMETERS]) {
    const numbers = JSON.stringify(parameters).match(/:-?[\d.e+-]+/g) ?? [];
    const changed = jitter(parameters);
    expect(changed).toHaveLength(numbers.length * 2);
    for (const { name, parameters: other } of changed) {
      const now = JSON.stringify(other).match(/:-?[\d.e+-]+/g) ?? [];
      expect(
        now.filter((text, index) => text !== numbers[index]),
        name,
      ).toHaveLength(1);
    }
  }
});
