import { describe, expect, test } from 'vitest';
import { fastDetector } from '../../../../src/domain/series/fast.ts';
import { anomalyScore } from '../../../../src/domain/series/series-detector.ts';
import { slowDetector } from '../../../../src/domain/series/slow.ts';
import { dailyLoad, rowsOf, STEP_MS, scoreAll } from '../../../support/series.ts';

const DAY_ROWS = 288;
const CHANNELS = ['fast', 'slow'] as const;

/** Rows whose score says that people should look. */
function told(values: readonly number[], channel: (typeof CHANNELS)[number]): number[] {
  return scoreAll(rowsOf(values), channel).flatMap(({ score }, index) => (score >= 0.5 ? [index] : []));
}

describe.each(CHANNELS)('the %s detector', (channel) => {
  test('sees a spike in its own row', () => {
    const values = dailyLoad(8 * DAY_ROWS);
    values[2000] = 400;
    expect(told(values, channel)).toContain(2000);
  });

  test('sees a drop to zero within a few rows', () => {
    const values = dailyLoad(8 * DAY_ROWS).map((value, index) => (index >= 2000 && index < 2100 ? 0 : value));
    const rows = told(values, channel).filter((row) => row >= 2000 && row < 2100);
    expect(rows[0]).toBeLessThanOrEqual(2007);
  });

  test('sees usage of the day at night, which no range of values gives away', () => {
    const values = dailyLoad(8 * DAY_ROWS);
    const night = 6 * DAY_ROWS + 216;
    for (let row = night; row < night + 6; row++) values[row] = 150;
    expect(told(values, channel).some((row) => row >= night && row < night + 6)).toBe(true);
  });

  test('tells little of a series that keeps to its ways', () => {
    expect(told(dailyLoad(14 * DAY_ROWS), channel).length).toBeLessThan((14 * DAY_ROWS) / 200);
  });

  test('says nothing of a constant series, and tells its first change', () => {
    const constant = Array.from({ length: 2000 }, () => 42);
    expect(told(constant, channel)).toEqual([]);
    expect(told([...constant, 43], channel)).toEqual([2000]);
    expect(
      told(
        Array.from({ length: 2000 }, () => 0),
        channel,
      ),
    ).toEqual([]);
  });

  test('is not fooled by the unit of the meter', () => {
    const values = dailyLoad(8 * DAY_ROWS);
    values[2000] = 400;
    const scores = (factor: number) => scoreAll(rowsOf(values.map((value) => value * factor)), channel);
    const [plain, large] = [scores(1), scores(1 << 30)];
    for (const [index, { score }] of plain.entries()) expect(large[index]?.score).toBeCloseTo(score, 9);
  });

  test('has nothing to expect of the first row and the last value of the second', () => {
    const [first, second] = scoreAll(rowsOf([5, 7]), channel);
    expect(first?.judgement).toMatchObject({ expected: null, lower: null, upper: null });
    expect(second?.judgement.expected).toBe(5);
    expect(first?.score).toBeLessThan(0.01);
    expect(second?.score).toBeLessThan(0.01);
  });

  test('lives with values at the ends of what a number holds', () => {
    const values = dailyLoad(1000).map((value, index) =>
      index % 97 === 0 ? 1e150 : index % 89 === 0 ? -1e150 : value,
    );
    for (const { score, judgement } of scoreAll(rowsOf(values), channel)) {
      expect(score > 0 && score < 1).toBe(true);
      expect(Number.isFinite(judgement.expected ?? 0)).toBe(true);
    }
  });

  test('goes on after a gap and compares with the same time of day', () => {
    const values = dailyLoad(12 * DAY_ROWS);
    const rows = rowsOf(values).filter((_, index) => index < 5 * DAY_ROWS || index >= 6 * DAY_ROWS + 100);
    const scores = scoreAll(rows, channel).map(({ score }) => score);
    // The first rows after the gap jump from the level before it; the day knows better soon.
    expect(scores.slice(5 * DAY_ROWS + 20).filter((score) => score >= 0.5).length).toBeLessThan(8);
  });
});

test.each([
  ['fast', () => fastDetector().state, fastDetector] as const,
  ['slow', () => slowDetector().state, slowDetector] as const,
])('the state of the %s detector survives being stored as JSON', (_name, _state, create) => {
  const rows = rowsOf(dailyLoad(3 * DAY_ROWS));
  const whole = create();
  const head = create();
  const expected = rows.map((row) => whole.next(row));
  for (const row of rows.slice(0, 500)) head.next(row);
  const tail = create(JSON.parse(JSON.stringify(head.state)));
  expect(rows.slice(500).map((row) => tail.next(row))).toEqual(expected.slice(500));
});

test.each([['fast', fastDetector] as const, ['slow', slowDetector] as const])(
  'the state of the %s detector stops growing',
  (_name, create) => {
    const detector = create();
    const rows = rowsOf(dailyLoad(30 * DAY_ROWS));
    const sizes: number[] = [];
    for (const [index, row] of rows.entries()) {
      detector.next(row);
      if (index === 10 * DAY_ROWS || index === rows.length - 1) sizes.push(JSON.stringify(detector.state).length);
    }
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) * 1.05);
  },
);

test('the slow detector tells one incident in a few rows, the fast one answers in each', () => {
  const values = dailyLoad(10 * DAY_ROWS).map((value, index) => (index >= 2000 && index < 2060 ? value + 200 : value));
  const rows = told(values, 'slow').filter((row) => row >= 2000 && row < 2060);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.length).toBeLessThanOrEqual(4);
  const silent = scoreAll(rowsOf(values), 'slow')
    .slice(2010, 2060)
    .map(({ score }) => score);
  expect(Math.min(...silent)).toBeLessThan(0.05);
});

test('times that repeat or go back are scored in row order', () => {
  const rows = rowsOf(dailyLoad(4 * DAY_ROWS));
  const shuffled = rows.map((row, index) => (index % 10 === 0 ? { ...row, atMs: (row.atMs ?? 0) - 5 * STEP_MS } : row));
  for (const channel of CHANNELS) {
    const scored = scoreAll(shuffled, channel);
    expect(scored).toHaveLength(rows.length);
    expect(scored.every(({ score }) => score > 0 && score < 1)).toBe(true);
  }
});

test('scores rise with rarity and never reach 1', () => {
  const rarities = [-1, 0, 1e-9, 0.5, 3, 9, 300, 1e6];
  const scores = rarities.map(anomalyScore);
  expect(scores).toEqual([...scores].sort((left, right) => left - right));
  expect(anomalyScore(3)).toBe(0.5);
  expect(Math.max(...scores)).toBeLessThan(1);
  expect(Math.min(...scores)).toBeGreaterThan(0);
});
