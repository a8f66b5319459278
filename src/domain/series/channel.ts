/** One row of a series as channels see it. */
export interface SeriesPoint {
  readonly value: number;
  /** Number of the interval this row falls in, counted from the first; the row's number while no interval is known. */
  readonly slot: number;
  /** Intervals in one period of the clock (a day, or a week of daily values); 0 while unknown. May be a fraction. */
  readonly slotsPerPeriod: number;
  /** Running mean of the values before this one. */
  readonly level: number;
  /** Running standard deviation of the values before this one, above zero: keeps floors independent of the meter. */
  readonly spread: number;
}

/**
 * One way of looking at a series. For every row `score` is asked first and `learn` told afterwards, so no row is part of
 * its own baseline. A score is at least zero and at most `Z_MAX`: how many typical errors the row lies off; zero during
 * warm-up. State is JSON and bounded, whatever the length of the series. Both functions use + − × ÷ and square roots only.
 */
export interface SeriesChannel<State> {
  readonly kind: string;
  readonly start: () => State;
  readonly score: (state: State, point: SeriesPoint) => number;
  /** Must follow `score` of the same point. */
  readonly learn: (state: State, point: SeriesPoint) => void;
}

/** Beyond this a score says nothing more; the first change of a constant series would be infinite. */
export const Z_MAX = 1_000;
