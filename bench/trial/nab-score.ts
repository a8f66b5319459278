import type { Curve } from './read-curves.ts';

/** Weights of the standard profile: what a false alarm costs beside a hit and a miss of 1. */
const FALSE_ALARM_WEIGHT = 0.11;

/** Rows at the beginning that are not judged: 15 %, of 5,000 rows at most. */
const PROBATION_SHARE = 0.15;
const PROBATION_ROWS_MAX = 750;

interface Point {
  readonly score: number;
  readonly weight: number;
  /** Window the row lies in, counted over all curves; −1 outside. */
  readonly window: number;
}

/** The best result on one threshold for all curves. */
export interface NabScore {
  /** 0 is a detector that says nothing, 100 one that finds every window in its first row and nothing else. */
  readonly score: number;
  readonly threshold: number;
}

/**
 * The score of the Numenta Anomaly Benchmark, standard profile (Lavin and Ahmad, Evaluating Real-Time Anomaly Detection
 * Algorithms, 2015; nab/sweeper.py): in a window the earliest alarm counts, the more the earlier; an alarm soon after a
 * window costs less than one far from any.
 */
export function nabScore(curves: readonly Curve[], scores: readonly Float64Array[]): NabScore {
  const points: Point[] = [];
  let windowCount = 0;
  for (const [index, { windows }] of curves.entries()) {
    addPoints(points, windows, scores[index] ?? new Float64Array(0), windowCount);
    windowCount += windows.length;
  }
  points.sort((left, right) => right.score - left.score);
  const hits = new Float64Array(windowCount).fill(-1);
  let total = -windowCount;
  let best: NabScore = { score: 0, threshold: Number.POSITIVE_INFINITY };
  for (const [index, { score, weight, window }] of points.entries()) {
    if (window === -1) total += weight * FALSE_ALARM_WEIGHT;
    else if (weight > (hits[window] ?? 0)) {
      total += weight - (hits[window] ?? 0);
      hits[window] = weight;
    }
    if (points[index + 1]?.score === score) continue;
    const normal = (100 * (total + windowCount)) / (2 * windowCount);
    if (normal > best.score) best = { score: normal, threshold: score };
  }
  return best;
}

function addPoints(points: Point[], windows: Curve['windows'], scores: Float64Array, firstWindow: number): void {
  const probation = Math.min(PROBATION_ROWS_MAX, Math.floor(PROBATION_SHARE * scores.length));
  let at = 0;
  for (let row = 0; row < scores.length; row++) {
    while (row > (windows[at]?.to ?? Number.POSITIVE_INFINITY)) at++;
    if (row < probation) continue;
    const [inside, before] = [windows[at], windows[at - 1]];
    const score = scores[row] ?? 0;
    if (inside !== undefined && row >= inside.from) {
      const place = -(inside.to - row + 1) / (inside.to - inside.from + 1);
      points.push({ score, weight: sigmoid(place) / sigmoid(-1), window: firstWindow + at });
    } else {
      const weight = before === undefined ? -1 : sigmoid((row - before.to) / (before.to - before.from));
      points.push({ score, weight, window: -1 });
    }
  }
}

function sigmoid(place: number): number {
  return place > 3 ? -1 : 2 / (1 + Math.exp(5 * place)) - 1;
}
