import type { Curve } from './read-curves.ts';

/** Scores of one curve against its labels, as far as any threshold needs them. */
export interface SegmentScores {
  /** Of every row outside labelled segments. */
  readonly ordinary: Float64Array;
  /** For every labelled segment its first row, the highest score in time, and how many rows it has. */
  readonly segments: readonly { readonly from: number; readonly highest: number; readonly rows: number }[];
}

/** A threshold with what it reaches. */
export interface SegmentF1 {
  readonly threshold: number;
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
}

/** A segment is found in time in its first row or in so many after it. */
export const DELAY_ROWS = 7;

/** Brings scores and labels of one curve into the form that thresholds are tried on. */
export function segmentScores(scores: Float64Array, { windows }: Pick<Curve, 'windows'>): SegmentScores {
  const ordinary: number[] = [];
  let next = 0;
  const segments = windows.map(({ from, to }) => {
    for (; next < from; next++) ordinary.push(scores[next] ?? 0);
    next = to + 1;
    return {
      from,
      highest: Math.max(...scores.subarray(from, Math.min(to, from + DELAY_ROWS) + 1)),
      rows: to - from + 1,
    };
  });
  for (; next < scores.length; next++) ordinary.push(scores[next] ?? 0);
  return { ordinary: Float64Array.from(ordinary).sort(), segments };
}

/**
 * F1 of the AIOps Challenge 2018 (Ren et al., Time-Series Anomaly Detection Service at Microsoft, KDD 2019, section 5.2): a
 * segment found in time counts as found with all its rows, another as missed with all its rows; outside segments every row
 * at or above the threshold is a false alarm. All curves share the threshold.
 */
export function segmentF1(curves: readonly SegmentScores[], threshold: number): SegmentF1 {
  let [hits, misses, falseAlarms] = [0, 0, 0];
  for (const { ordinary, segments } of curves) {
    for (const { highest, rows } of segments) {
      if (highest >= threshold) hits += rows;
      else misses += rows;
    }
    falseAlarms += ordinary.length - firstAtLeast(ordinary, threshold);
  }
  const precision = hits / Math.max(1, hits + falseAlarms);
  const recall = hits / Math.max(1, hits + misses);
  return { threshold, f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall), precision, recall };
}

/** The threshold with the highest F1; only the scores of segments can be it. */
export function bestF1(curves: readonly SegmentScores[]): SegmentF1 {
  const candidates = new Set(curves.flatMap(({ segments }) => segments.map(({ highest }) => highest)));
  let best: SegmentF1 = { threshold: Number.POSITIVE_INFINITY, f1: 0, precision: 0, recall: 0 };
  for (const threshold of candidates) {
    const reached = segmentF1(curves, threshold);
    if (reached.f1 > best.f1) best = reached;
  }
  return best;
}

function firstAtLeast(ascending: Float64Array, threshold: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) >= threshold) high = middle;
    else low = middle + 1;
  }
  return low;
}
