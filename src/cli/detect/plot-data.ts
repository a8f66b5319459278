import type { SeriesIncident } from '../../domain/series/incident-list.ts';

/** Rows drawn as one column of a plot. */
export interface PlotColumn {
  rows: number;
  firstMs: number | undefined;
  min: number;
  max: number;
  /** Sums over the rows that have an expectation. */
  expectedRows: number;
  expected: number;
  lower: number;
  upper: number;
  score: number;
}

/** A series thinned out for drawing while it streams by. */
export interface PlotData {
  readonly add: (row: SeriesIncident, score: number) => void;
  readonly columns: () => readonly PlotColumn[];
  /** Which column a row number is in. */
  readonly columnOf: (row: number) => number;
}

/** Twice the pixels a plot has, so that it stays sharp. */
const COLUMNS_MAX = 2_400;

/**
 * Keeps the smallest and largest value of every stretch of rows. When the stretches become too many, neighbours are merged
 * and each is twice as long from then on: memory stays the same for a hundred rows and for a hundred million, and no
 * spike is lost.
 */
export function createPlotData(): PlotData {
  let columns: PlotColumn[] = [];
  let rowsEach = 1;
  return {
    add({ row, atMs, observed, judgement }, score) {
      while (Math.floor(row / rowsEach) >= COLUMNS_MAX) {
        columns = halve(columns);
        rowsEach *= 2;
      }
      const index = Math.floor(row / rowsEach);
      // Rows without a score leave a gap, which is a column of no rows.
      while (columns.length <= index) columns.push(emptyColumn());
      const column = columns[index];
      if (column === undefined) return;
      column.rows++;
      column.firstMs ??= atMs;
      column.min = Math.min(column.min, observed);
      column.max = Math.max(column.max, observed);
      column.score = Math.max(column.score, score);
      const { expected, lower, upper } = judgement;
      if (expected === null || lower === null || upper === null) return;
      column.expectedRows++;
      column.expected += expected;
      column.lower += lower;
      column.upper += upper;
    },
    columns: () => columns,
    columnOf: (row) => Math.floor(row / rowsEach),
  };
}

function emptyColumn(): PlotColumn {
  return {
    rows: 0,
    firstMs: undefined,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    expectedRows: 0,
    expected: 0,
    lower: 0,
    upper: 0,
    score: 0,
  };
}

function halve(columns: readonly PlotColumn[]): PlotColumn[] {
  const half: PlotColumn[] = [];
  for (let index = 0; index < columns.length; index += 2) {
    const left = columns[index] ?? emptyColumn();
    half.push(merge(left, columns[index + 1] ?? emptyColumn()));
  }
  return half;
}

function merge(left: PlotColumn, right: PlotColumn): PlotColumn {
  return {
    rows: left.rows + right.rows,
    firstMs: left.firstMs ?? right.firstMs,
    min: Math.min(left.min, right.min),
    max: Math.max(left.max, right.max),
    expectedRows: left.expectedRows + right.expectedRows,
    expected: left.expected + right.expected,
    lower: left.lower + right.lower,
    upper: left.upper + right.upper,
    score: Math.max(left.score, right.score),
  };
}
