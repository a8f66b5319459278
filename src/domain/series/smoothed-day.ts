import type { SeriesChannel, SeriesPoint } from './channel.ts';
import { type ClockRing, keepValue, nearestDistance, startRing } from './clock-ring.ts';
import { type ErrorSettings, errorZ, learnError, startError, type TypicalError } from './typical-error.ts';

/** How the smoothed distance is learned. */
export interface SmoothedDaySettings extends ErrorSettings {
  /** Weight of the newest distance in the smoothed one. */
  readonly smoothing: number;
  /** A distance counts as at most this many typical ones before it is smoothed. */
  readonly clip: number;
}

export const SMOOTHED_DAY: SmoothedDaySettings = { rate: 0.0005, floorShare: 0.03, smoothing: 0.5, clip: 15 };

interface SmoothedDayState {
  readonly ring: ClockRing;
  /** Of the distances as they are: the unit they are clipped in. */
  readonly raw: TypicalError;
  /** Of the smoothed distances. */
  readonly error: TypicalError;
  smoothed: number;
}

/** A fifth of a day of distances must be known: right after the first day they are those of one hour. */
const WARM_UP_PERIODS = 0.2;

/** Smoothing halves an error of noise; the floor follows it. */
const SMOOTHED_FLOOR_SHARE = 0.5;

/**
 * Distance to the nearest value at the same clock time of earlier days, smoothed: judges what repeats daily without a model
 * of it. One odd row weighs half of what two or three in succession do.
 */
export function smoothedDay(settings: SmoothedDaySettings = SMOOTHED_DAY): SeriesChannel<SmoothedDayState> {
  const { smoothing, clip, floorShare } = settings;
  const smooth = ({ raw, smoothed }: SmoothedDayState, distance: number, spread: number): number => {
    const limit = raw.count === 0 ? Number.MAX_VALUE : clip * Math.max(raw.mean, floorShare * spread);
    return smoothed + smoothing * (Math.max(-limit, Math.min(limit, distance)) - smoothed);
  };
  const floorOf = ({ spread }: SeriesPoint) => SMOOTHED_FLOOR_SHARE * spread;
  return {
    kind: 'smoothed_day',
    start: () => ({ ring: startRing(), raw: startError(), error: startError(), smoothed: 0 }),
    score(state, point) {
      if (state.error.count < WARM_UP_PERIODS * point.slotsPerPeriod) return 0;
      const distance = nearestDistance(state.ring, point);
      if (distance === undefined) return 0;
      return errorZ(state.error, smooth(state, distance, point.spread), floorOf(point), settings);
    },
    learn(state, point) {
      const distance = nearestDistance(state.ring, point);
      if (distance !== undefined) {
        state.smoothed = smooth(state, distance, point.spread);
        learnError(state.raw, distance, point.spread, settings);
        learnError(state.error, state.smoothed, floorOf(point), settings);
      }
      keepValue(state.ring, point);
    },
  };
}
