import type { SeriesChannel } from './channel.ts';

/** What counts as standing still. */
export interface FlatLineSettings {
  /** How many times the longest run of equal values so far a run must be. */
  readonly times: number;
}

export const FLAT_LINE: FlatLineSettings = { times: 1.5 };

/** Runs up to this length are usual in any series of counts. */
const RUN_USUAL = 10;
/** A series that has hardly ever moved is a constant, not a meter that hangs. */
const CHANGES_MIN = 100;

interface FlatLineState {
  last: number | null;
  run: number;
  longest: number;
  changes: number;
}

/** 1 while a series that keeps moving repeats one value for longer than it ever did: a meter that hangs. */
export function flatLine({ times }: FlatLineSettings = FLAT_LINE): SeriesChannel<FlatLineState> {
  return {
    kind: 'flat_line',
    start: () => ({ last: null, run: 0, longest: RUN_USUAL, changes: 0 }),
    score: ({ last, run, longest, changes }, { value }) =>
      changes >= CHANGES_MIN && value === last && run + 1 > longest * times ? 1 : 0,
    learn(state, { value }) {
      if (value === state.last) {
        state.run++;
        return;
      }
      state.longest = Math.max(state.longest, state.run);
      state.run = 0;
      state.changes++;
      state.last = value;
    },
  };
}
