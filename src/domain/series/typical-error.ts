import { Z_MAX } from './channel.ts';

/** Running mean of absolute errors, which one outlier cannot move far. */
export interface TypicalError {
  mean: number;
  count: number;
}

/** How a typical error is learned. */
export interface ErrorSettings {
  /** Weight of a new error once enough are known. */
  readonly rate: number;
  /** A typical error is never believed to be below this share of the series' spread. */
  readonly floorShare: number;
}

/** An error counts as at most this many typical ones when it is learned. */
const CLIP = 6;
const WARM_UP = 20;

// √(π/2): makes a mean absolute error agree with a standard deviation on normal data.
const NORMAL_CONSISTENCY = 1.2533141373155003;

/** Nothing learned yet. */
export function startError(): TypicalError {
  return { mean: 0, count: 0 };
}

/** The error in standard deviations, 0 to `Z_MAX`; 0 until twenty errors are known. */
export function errorZ(state: TypicalError, error: number, spread: number, { floorShare }: ErrorSettings): number {
  if (state.count < WARM_UP) return 0;
  const unit = Math.max(state.mean, floorShare * spread) * NORMAL_CONSISTENCY;
  const size = Math.abs(error);
  if (!(size > 0)) return 0;
  return size < unit * Z_MAX ? size / unit : Z_MAX;
}

/** Learns one error; what exceeds six typical ones counts as six. */
export function learnError(state: TypicalError, error: number, spread: number, settings: ErrorSettings): void {
  const limit = errorLimit(state, spread, settings);
  const size = Math.min(Math.abs(error), limit);
  state.count++;
  state.mean += Math.max(settings.rate, 1 / state.count) * (size - state.mean);
}

/** The largest error that is learned whole: beyond it an outlier is assumed. */
export function errorLimit({ mean, count }: TypicalError, spread: number, { floorShare }: ErrorSettings): number {
  return count < WARM_UP ? Number.MAX_VALUE : CLIP * Math.max(mean, floorShare * spread);
}

/** Half the band that ordinary rows stay in, in standard deviations. */
const BAND_DEVIATIONS = 4;

/** Half the width of the band around an expected value. */
export function typicalBand({ mean, count }: TypicalError, spread: number): number {
  // Before errors are known only the spread of the values themselves can be told.
  return BAND_DEVIATIONS * (count < WARM_UP ? spread : mean * NORMAL_CONSISTENCY);
}
