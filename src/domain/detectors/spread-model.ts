import { exp, log, round6 } from '../math.ts';
import { mean, medianOfSorted, sampleDeviation, scaledDeviationFrom } from './statistics.ts';

/** How centre and spread are taken. The log methods compare ratios, which suits usage: it swings by factors. */
export type Method = 'raw' | 'log' | 'mad' | 'log_mad';

/** Centre and spread of an account's comparable windows, as a scale that turns values into z and back. */
export interface SpreadModel {
  readonly expected: number;
  readonly zOf: (observed: number) => number | undefined;
  readonly valueAt: (z: number) => number;
}

interface SpreadSettings {
  readonly method: Method;
  /** Smallest believable spread as a share: 0.15. */
  readonly spreadFloor: number;
  readonly threshold: number;
  /** The account's average window. */
  readonly level: number;
  readonly isCount: boolean;
}

// Logarithms are taken of value + a tenth of the account's average window. Without it an idle hour is −Infinity and
// every account with idle hours has an endless spread; with one unit of the meter instead it would depend on the unit.
const LOG_OFFSET_SHARE = 0.1;

/** Learns centre and spread from an ascending list of at least two sums. */
export function spreadModel(ascending: readonly number[], settings: SpreadSettings): SpreadModel {
  const isLog = settings.method === 'log' || settings.method === 'log_mad';
  const isMedian = settings.method === 'mad' || settings.method === 'log_mad';
  const offset = isLog ? settings.level * LOG_OFFSET_SHARE : 0;
  const scaled = isLog ? ascending.map((value) => log(value + offset)) : ascending;

  const center = isMedian ? medianOfSorted(scaled) : mean(scaled);
  const measured = isMedian ? scaledDeviationFrom(center, scaled) : sampleDeviation(scaled);
  const widened = measured * smallSampleFactor(ascending.length, settings.threshold);
  const expected = Math.max(0, isLog ? exp(center) - offset : center);
  const spread = Math.max(widened, isLog ? logFloor(expected, offset, settings) : rawFloor(expected, settings));
  return {
    expected,
    valueAt: (z) => (isLog ? exp(center + z * spread) - offset : center + z * spread),
    zOf: (observed) => {
      if (!(spread > 0)) return undefined;
      return round6(((isLog ? log(observed + offset) : observed) - center) / spread);
    },
  };
}

/**
 * Widening for a centre and spread that were themselves estimated from n points: the prediction interval √(1 + 1/n),
 * and Student's t in place of the normal, t ≈ z + (z³ + z) / 4ν with ν = n − 1 (Abramowitz & Stegun 26.7.5). Four points
 * (an hour of the week in four weeks) double the spread and more; 28 add a seventh; hundreds add nothing.
 */
export function smallSampleFactor(n: number, z: number): number {
  return Math.sqrt(1 + 1 / n) * (1 + (z * z + 1) / (4 * (n - 1)));
}

function rawFloor(expected: number, { spreadFloor, level, isCount }: SpreadSettings): number {
  // An hour that is always idle has expected 0, and a share of nothing is no floor; the account's own size is.
  const share = spreadFloor * Math.max(expected, level * LOG_OFFSET_SHARE);
  // Counts vary by at least √mean.
  return isCount ? Math.max(share, Math.sqrt(expected)) : share;
}

function logFloor(expected: number, offset: number, { spreadFloor, isCount }: SpreadSettings): number {
  const share = log(1 + spreadFloor);
  // √mean as a ratio of the value the logarithm was taken of.
  return isCount ? Math.max(share, Math.sqrt(expected) / (expected + offset)) : share;
}
