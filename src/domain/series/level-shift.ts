import type { SeriesChannel } from './channel.ts';
import { type ErrorSettings, errorZ, learnError, startError, type TypicalError } from './typical-error.ts';

/** How the two means are kept. */
export interface LevelShiftSettings extends ErrorSettings {
  /** Weight of a row in the quick mean: about the last dozen rows. */
  readonly quick: number;
  /** Weight of a row in the steady mean: about the last two hundred. */
  readonly steady: number;
}

export const LEVEL_SHIFT: LevelShiftSettings = { rate: 0.0005, floorShare: 0.03, quick: 0.15, steady: 0.01 };

const WARM_UP_ROWS = 60;

interface LevelShiftState {
  rows: number;
  quick: number;
  steady: number;
  readonly error: TypicalError;
}

/** How far the mean of the last rows has left the mean of the last hours: sees a new level that no single row gives away. */
export function levelShift(settings: LevelShiftSettings = LEVEL_SHIFT): SeriesChannel<LevelShiftState> {
  const quickNext = ({ rows, quick }: LevelShiftState, value: number) =>
    rows === 0 ? value : quick + settings.quick * (value - quick);
  return {
    kind: 'level_shift',
    start: () => ({ rows: 0, quick: 0, steady: 0, error: startError() }),
    score(state, { value, spread }) {
      if (state.rows < WARM_UP_ROWS) return 0;
      return errorZ(state.error, quickNext(state, value) - state.steady, spread, settings);
    },
    learn(state, { value, spread }) {
      state.quick = quickNext(state, value);
      if (state.rows >= WARM_UP_ROWS) learnError(state.error, state.quick - state.steady, spread, settings);
      state.rows++;
      state.steady += Math.max(settings.steady, 1 / state.rows) * (value - state.steady);
    },
  };
}
