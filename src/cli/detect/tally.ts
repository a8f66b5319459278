/** Rows of one kind: how many, and where the first is. */
export interface RowCount {
  count: number;
  firstLine: number | undefined;
}

/** What became of the rows of a file. */
export interface DetectTally {
  rows: number;
  scored: number;
  readonly missing: RowCount;
  readonly unreadableValue: RowCount;
  readonly unreadableTime: RowCount;
  readonly uneven: RowCount;
  /** Rows with a cell that a spreadsheet would have run. */
  readonly formula: RowCount;
  readonly repeated: RowCount;
  readonly backward: RowCount;
  firstMs: number | undefined;
  lastMs: number | undefined;
}

/** Nothing read yet. */
export function startTally(): DetectTally {
  const none = (): RowCount => ({ count: 0, firstLine: undefined });
  return {
    rows: 0,
    scored: 0,
    missing: none(),
    unreadableValue: none(),
    unreadableTime: none(),
    uneven: none(),
    formula: none(),
    repeated: none(),
    backward: none(),
    firstMs: undefined,
    lastMs: undefined,
  };
}

/** Counts one more row of a kind. */
export function countRow(rows: RowCount, line: number): void {
  rows.count++;
  rows.firstLine ??= line;
}
