import type { SeriesChannel } from './channel.ts';
import { type ErrorSettings, errorZ, learnError, startError, type TypicalError } from './typical-error.ts';

/** How the difference is learned. */
export type DifferenceSettings = ErrorSettings;

export const DIFFERENCE: DifferenceSettings = { rate: 0.002, floorShare: 0.03 };

interface DifferenceState {
  last: number | null;
  readonly error: TypicalError;
}

/** The step from the row before, in typical steps: sees a spike or a drop in the row where it happens. */
export function difference(settings: DifferenceSettings = DIFFERENCE): SeriesChannel<DifferenceState> {
  return {
    kind: 'difference',
    start: () => ({ last: null, error: startError() }),
    score: ({ last, error }, { value, spread }) => (last === null ? 0 : errorZ(error, value - last, spread, settings)),
    learn(state, { value, spread }) {
      if (state.last !== null) learnError(state.error, value - state.last, spread, settings);
      state.last = value;
    },
  };
}
