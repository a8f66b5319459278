import type { SeriesChannel } from './channel.ts';

/** What counts as leaving the range. */
export interface ValueRangeSettings {
  /** A record by less than this share of the range is none. */
  readonly tolerance: number;
}

export const VALUE_RANGE: ValueRangeSettings = { tolerance: 0.02 };

const WARM_UP_ROWS = 50;

interface ValueRangeState {
  rows: number;
  min: number;
  max: number;
}

/** How far a value lies outside everything seen so far, in whole ranges. */
export function valueRange({ tolerance }: ValueRangeSettings = VALUE_RANGE): SeriesChannel<ValueRangeState> {
  return {
    kind: 'value_range',
    start: () => ({ rows: 0, min: 0, max: 0 }),
    score({ rows, min, max }, { value, spread }) {
      if (rows < WARM_UP_ROWS) return 0;
      const beyond = Math.max(value - max, min - value) / Math.max(max - min, spread);
      return beyond > tolerance ? beyond : 0;
    },
    learn(state, { value }) {
      state.min = state.rows === 0 ? value : Math.min(state.min, value);
      state.max = state.rows === 0 ? value : Math.max(state.max, value);
      state.rows++;
    },
  };
}
