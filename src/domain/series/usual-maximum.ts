import { log } from '../math.ts';

/** How high a channel usually gets within a stretch of rows: mean and variance of the logarithm of each stretch's maximum. */
export interface UsualMaximum {
  mean: number;
  variance: number;
  /** Stretches learned, the assumed ones included. */
  weight: number;
  /** The stretch under way. */
  highest: number;
  rows: number;
}

/** How the usual maximum is learned. */
export interface UsualMaximumSettings {
  readonly stretchRows: number;
  /** What is assumed before anything is learned, and how many stretches it counts for. */
  readonly priorMean: number;
  readonly priorDeviation: number;
  readonly priorWeight: number;
  /** Added to the deviation: few stretches make it look too small. */
  readonly deviationFloor: number;
}

export const USUAL_MAXIMUM: UsualMaximumSettings = {
  stretchRows: 240,
  priorMean: 1.386,
  priorDeviation: 0.4,
  priorWeight: 4,
  deviationFloor: 0.5,
};

/** A maximum further above the mean than this many deviations is learned as this far: an incident is not the usual. */
const CLIP_DEVIATIONS = 3;
/** Scores below this are all alike: a series that is predicted exactly must not make noise look like a signal. */
const SCORE_MIN = 0.5;
/** Where the scale has its zero: this many deviations below the usual maximum of a stretch. */
const ZERO_DEVIATIONS = 2;

/** Nothing learned yet. */
export function startMaximum({ priorMean, priorDeviation, priorWeight }: UsualMaximumSettings): UsualMaximum {
  return { mean: priorMean, variance: priorDeviation * priorDeviation, weight: priorWeight, highest: 0, rows: 0 };
}

/**
 * A channel's score on a scale that all channels and series share: 2 is what it reaches in a usual stretch of rows, 3 is one
 * deviation of the logarithm more. Block maxima, because alerts are counted per stretch of time and tails differ: what is
 * ten typical errors in a smooth series happens every hour in a ragged one.
 */
export function aboveUsual({ mean, variance }: UsualMaximum, score: number, settings: UsualMaximumSettings): number {
  if (score <= SCORE_MIN) return 0;
  const deviations = (log(score) - mean) / (settings.deviationFloor + Math.sqrt(variance));
  return Math.max(0, deviations + ZERO_DEVIATIONS);
}

/** Learns one score. */
export function learnMaximum(state: UsualMaximum, score: number, settings: UsualMaximumSettings): void {
  state.highest = Math.max(state.highest, score);
  state.rows++;
  if (state.rows < settings.stretchRows) return;
  const limit = state.mean + CLIP_DEVIATIONS * (settings.deviationFloor + Math.sqrt(state.variance));
  const off = Math.min(log(Math.max(state.highest, SCORE_MIN)), limit) - state.mean;
  state.weight++;
  state.mean += off / state.weight;
  state.variance += (off * off * (1 - 1 / state.weight) - state.variance) / state.weight;
  state.highest = 0;
  state.rows = 0;
}
