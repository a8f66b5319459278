import type { SeriesChannel } from './channel.ts';
import { type ClockRing, keepValue, nearestDistance, startRing } from './clock-ring.ts';
import { type ErrorSettings, errorZ, learnError, startError, type TypicalError } from './typical-error.ts';

/** How the distance is learned. */
export type NearestDaySettings = ErrorSettings;

export const NEAREST_DAY: NearestDaySettings = { rate: 0.0005, floorShare: 0.03 };

/** A fifth of a day of distances must be known: right after the first day they are those of one hour. */
export const WARM_UP_PERIODS = 0.2;

interface NearestDayState {
  readonly ring: ClockRing;
  readonly error: TypicalError;
}

/** Distance to the nearest value at the same clock time of earlier days: judges what repeats daily without a model of it. */
export function nearestDay(settings: NearestDaySettings = NEAREST_DAY): SeriesChannel<NearestDayState> {
  return {
    kind: 'nearest_day',
    start: () => ({ ring: startRing(), error: startError() }),
    score({ ring, error }, point) {
      if (error.count < WARM_UP_PERIODS * point.slotsPerPeriod) return 0;
      const distance = nearestDistance(ring, point);
      return distance === undefined ? 0 : errorZ(error, distance, point.spread, settings);
    },
    learn({ ring, error }, point) {
      const distance = nearestDistance(ring, point);
      if (distance !== undefined) learnError(error, distance, point.spread, settings);
      keepValue(ring, point);
    },
  };
}
