import type { SeriesChannel } from './channel.ts';
import { type ErrorSettings, errorZ, learnError, startError, type TypicalError } from './typical-error.ts';

/** How the size of the steps is followed. */
export interface VolatilitySettings extends ErrorSettings {
  /** Weight of a row in the quick mean of step sizes. */
  readonly quick: number;
  /** Weight of a row in the steady mean. */
  readonly steady: number;
}

export const VOLATILITY: VolatilitySettings = { rate: 0.0005, floorShare: 0.001, quick: 0.05, steady: 0.002 };

const WARM_UP_ROWS = 100;
/** A step counts as at most this many spreads: one spike is not unrest. */
const STEP_MAX_SPREADS = 3;

interface VolatilityState {
  rows: number;
  last: number;
  quick: number;
  steady: number;
  readonly error: TypicalError;
}

/** How much larger the recent steps are than usual: sees a series become restless while its level stays. */
export function volatility(settings: VolatilitySettings = VOLATILITY): SeriesChannel<VolatilityState> {
  const quickNext = ({ rows, last, quick }: VolatilityState, value: number, spread: number) => {
    const step = rows === 0 ? 0 : Math.min(Math.abs(value - last) / spread, STEP_MAX_SPREADS);
    return { step, quick: quick + settings.quick * (step - quick) };
  };
  return {
    kind: 'volatility',
    start: () => ({ rows: 0, last: 0, quick: 0, steady: 0, error: startError() }),
    score(state, { value, spread }) {
      if (state.rows < WARM_UP_ROWS) return 0;
      // Calm is no incident: only more unrest than usual counts.
      return errorZ(state.error, Math.max(0, quickNext(state, value, spread).quick - state.steady), 1, settings);
    },
    learn(state, { value, spread }) {
      const { step, quick } = quickNext(state, value, spread);
      state.quick = quick;
      if (state.rows >= WARM_UP_ROWS) learnError(state.error, quick - state.steady, 1, settings);
      state.rows++;
      state.steady += Math.max(settings.steady, 1 / state.rows) * (step - state.steady);
      state.last = value;
    },
  };
}
