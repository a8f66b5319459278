/** One row of a series: when, and how much. */
export interface SeriesRow {
  /** Epoch milliseconds; undefined when the series carries no times, so that rows are taken as evenly spaced. */
  readonly atMs: number | undefined;
  readonly value: number;
}

/** What a detector says of one row, from the rows before it. */
export interface SeriesJudgement {
  /** −log10 of the share of ordinary rows that look at least as odd: 4 is one row in ten thousand. */
  readonly rarity: number;
  /** What the row was expected to be, and the band that ordinary rows stay in; null before anything is known. */
  readonly expected: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
}

/** A detector at work: one pass, row by row, never looking ahead. Its state is JSON and bounded. */
export interface SeriesDetector<State> {
  readonly state: State;
  readonly next: (row: SeriesRow) => SeriesJudgement;
}

/** A row this rare is worth telling people about: one in a thousand. Its score is one half. */
export const RARITY_TOLD = 3;

/** Keeps the score of an ordinary row above zero. */
const RARITY_MIN = 1e-6;

/** A rarity as a score between 0 and 1, both exclusive. It never saturates, so the order of rows is never lost. */
export function anomalyScore(rarity: number): number {
  const bounded = Math.max(rarity, RARITY_MIN);
  return bounded / (bounded + RARITY_TOLD);
}
