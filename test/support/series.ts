import type { ScoredRow, SeriesChannelChoice } from '../../src/domain/series/score-series.ts';
import { createScorer } from '../../src/domain/series/score-series.ts';
import type { SeriesRow } from '../../src/domain/series/series-detector.ts';

export const STEP_MS = 300_000;
const START_MS = Date.UTC(2026, 2, 1);

/** Values five minutes apart. */
export function rowsOf(values: readonly number[], stepMs: number = STEP_MS): SeriesRow[] {
  return values.map((value, index) => ({ atMs: START_MS + index * stepMs, value }));
}

/** All rows scored from the beginning. */
export function scoreAll(rows: readonly SeriesRow[], channel: SeriesChannelChoice): ScoredRow[] {
  const scorer = createScorer(channel);
  return rows.map((row) => scorer.next(row));
}

/** Chance that is the same every time (mulberry32), from 0 to 1. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A week and more of a load that follows the day, with noise of a few percent. */
export function dailyLoad(rows: number, seed = 1): number[] {
  const next = chance(seed);
  return Array.from({ length: rows }, (_, index) => {
    const hour = ((index * STEP_MS) / 3_600_000) % 24;
    const noise = next() + next() + next() + next() - 2;
    return 100 + 60 * Math.sin((hour / 24) * 2 * Math.PI) + 4 * noise;
  });
}
