import type { SeriesChannel, SeriesPoint } from './channel.ts';
import { type ErrorSettings, errorLimit, errorZ, learnError, startError, type TypicalError } from './typical-error.ts';

/** How the prediction is learned. */
export interface AutoregressionSettings extends ErrorSettings {
  /** Weight that all rows before keep with each new one. */
  readonly memory: number;
}

export const AUTOREGRESSION: AutoregressionSettings = { memory: 0.9995, rate: 0.002, floorShare: 0.03 };

const LAGS = 5;
const TERMS = LAGS + 1;
const COVARIANCE_START = 100;
/** Without a bound the covariance of a series that stands still grows for ever, and its first move ruins the weights. */
const TRACE_MAX = 1e4;

/** Everything learned. Values are taken in spreads from the level, so that one start suits every meter. */
export interface AutoregressionState {
  readonly weights: number[];
  /** Row by row. */
  readonly covariance: number[];
  /** The five values before, newest first. */
  readonly lags: number[];
  readonly error: TypicalError;
}

/**
 * The next value predicted from the five before it by recursive least squares with forgetting (Haykin, Adaptive Filter
 * Theory, ch. 10); the score is the error of the prediction. Errors of outliers are clipped before they move the weights.
 */
export function autoregression(settings: AutoregressionSettings = AUTOREGRESSION): SeriesChannel<AutoregressionState> {
  return {
    kind: 'autoregression',
    start: startAutoregression,
    score(state, point) {
      if (state.lags.length < LAGS) return 0;
      return errorZ(state.error, point.value - predictNext(state, point), point.spread, settings);
    },
    learn(state, point) {
      const { lags } = state;
      if (lags.length === LAGS) {
        const error = point.value - predictNext(state, point);
        const limit = errorLimit(state.error, point.spread, settings);
        update(state, point, Math.max(-limit, Math.min(limit, error)), settings.memory);
        learnError(state.error, error, point.spread, settings);
        lags.pop();
      }
      lags.unshift(point.value);
    },
  };
}

function startAutoregression(): AutoregressionState {
  const covariance = new Array<number>(TERMS * TERMS).fill(0);
  for (let term = 0; term < TERMS; term++) covariance[term * TERMS + term] = COVARIANCE_START;
  const weights = new Array<number>(TERMS).fill(0);
  // Until something better is learned the next value is the last one.
  weights[0] = 1;
  return { weights, covariance, lags: [], error: startError() };
}

/** What the next value is expected to be; the last one while fewer than five are known. */
export function predictNext({ weights, lags }: AutoregressionState, { level, spread }: Sized): number {
  if (lags.length < LAGS) return lags[0] ?? level;
  let sum = weights[LAGS] ?? 0;
  for (let lag = 0; lag < LAGS; lag++) sum += (weights[lag] ?? 0) * (((lags[lag] ?? 0) - level) / spread);
  return level + spread * sum;
}

type Sized = Pick<SeriesPoint, 'level' | 'spread'>;

const terms = new Float64Array(TERMS);
const gain = new Float64Array(TERMS);

function update(state: AutoregressionState, { level, spread }: Sized, error: number, memory: number): void {
  const { weights, covariance, lags } = state;
  for (let lag = 0; lag < LAGS; lag++) terms[lag] = ((lags[lag] ?? 0) - level) / spread;
  terms[LAGS] = 1;
  let total = memory;
  for (let row = 0; row < TERMS; row++) {
    let sum = 0;
    for (let column = 0; column < TERMS; column++)
      sum += (covariance[row * TERMS + column] ?? 0) * (terms[column] ?? 0);
    gain[row] = sum;
    total += sum * (terms[row] ?? 0);
  }
  const scaled = error / spread;
  let trace = 0;
  for (let row = 0; row < TERMS; row++) {
    weights[row] = (weights[row] ?? 0) + ((gain[row] ?? 0) * scaled) / total;
    for (let column = 0; column < TERMS; column++) {
      const at = row * TERMS + column;
      covariance[at] = ((covariance[at] ?? 0) - ((gain[row] ?? 0) * (gain[column] ?? 0)) / total) / memory;
    }
    trace += covariance[row * TERMS + row] ?? 0;
  }
  if (trace > TRACE_MAX) {
    for (let at = 0; at < covariance.length; at++) covariance[at] = ((covariance[at] ?? 0) * TRACE_MAX) / trace;
  }
}
