import { type AutoregressionState, autoregression, predictNext } from './autoregression.ts';
import { difference } from './difference.ts';
import { LEVEL_SHIFT, levelShift } from './level-shift.ts';
import { rarityByTable } from './rarity-table.ts';
import type { SeriesDetector, SeriesJudgement, SeriesRow } from './series-detector.ts';
import { learnShared, pointOf, type SharedState, startShared } from './shared-state.ts';
import { SMOOTHED_DAY, smoothedDay } from './smoothed-day.ts';
import { learnQuantile, type TailQuantile } from './tail-quantile.ts';
import { typicalBand } from './typical-error.ts';

/** How the channels become one rarity. */
export interface FastSettings {
  /** Typical errors that one channel may add at most: four that agree outweigh one that is far off. */
  readonly cap: number;
  /** The sum is measured in units of this quantile of its own past, plus `steadying`. */
  readonly quantile: number;
  readonly steadying: number;
  /** A row that is lower than one of so many before it counts only as `echo` of itself: an incident is told in the row it starts. */
  readonly echoRows: number;
  readonly echo: number;
}

export const FAST: FastSettings = { cap: 10, quantile: 0.985, steadying: 4, echoRows: 10, echo: 0.3 };

/** Channels of the fast detector; parameters of each are its own. */
export interface FastChannels {
  readonly difference: ReturnType<typeof difference>;
  readonly autoregression: ReturnType<typeof autoregression>;
  readonly smoothedDay: ReturnType<typeof smoothedDay>;
  readonly levelShift: ReturnType<typeof levelShift>;
}

/** An alarm may come a few rows late: distances to other days are smoothed over about three rows. */
export const FAST_DAY = { ...SMOOTHED_DAY, smoothing: 0.3, clip: 10 };

/** The mean of about three rows beside that of about fifteen: a step that noise hides in each row by itself. */
export const FAST_LEVEL = { ...LEVEL_SHIFT, quick: 0.35, steady: 0.07 };

/** The channels as they are shipped. */
export function fastChannels(): FastChannels {
  return {
    difference: difference(),
    autoregression: autoregression(),
    smoothedDay: smoothedDay(FAST_DAY),
    levelShift: levelShift(FAST_LEVEL),
  };
}

/** Everything the fast detector has learned. */
export interface FastState {
  readonly shared: SharedState;
  readonly difference: ReturnType<FastChannels['difference']['start']>;
  readonly autoregression: AutoregressionState;
  readonly smoothedDay: ReturnType<FastChannels['smoothedDay']['start']>;
  readonly levelShift: ReturnType<FastChannels['levelShift']['start']>;
  readonly tail: TailQuantile;
  /** Sums of the last rows, in units of the tail. */
  readonly recent: number[];
}

/** For latency and other signals where minutes count: judges every row by itself, in that row. */
export function fastDetector(
  saved?: FastState,
  settings: FastSettings = FAST,
  channels: FastChannels = fastChannels(),
): SeriesDetector<FastState> {
  const state: FastState = saved ?? {
    shared: startShared(),
    difference: channels.difference.start(),
    autoregression: channels.autoregression.start(),
    smoothedDay: channels.smoothedDay.start(),
    levelShift: channels.levelShift.start(),
    tail: { value: settings.steadying },
    recent: [],
  };
  return { state, next: (row) => judge(state, row, settings, channels) };
}

function judge(state: FastState, row: SeriesRow, settings: FastSettings, channels: FastChannels): SeriesJudgement {
  const { shared, tail, recent } = state;
  const { cap, quantile, steadying, echoRows, echo } = settings;
  const isFirst = shared.size.rows === 0;
  const point = pointOf(shared, row);
  const sum =
    Math.min(cap, channels.difference.score(state.difference, point)) +
    Math.min(cap, channels.autoregression.score(state.autoregression, point)) +
    Math.min(cap, channels.smoothedDay.score(state.smoothedDay, point)) +
    Math.min(cap, channels.levelShift.score(state.levelShift, point));
  const relative = sum / (tail.value + steadying);
  let highest = 0;
  for (const earlier of recent) highest = Math.max(highest, earlier);
  const heard = relative > highest ? relative : relative * echo;
  const expected = predictNext(state.autoregression, point);
  const half = typicalBand(state.autoregression.error, point.spread);

  recent.push(relative);
  if (recent.length > echoRows) recent.shift();
  learnQuantile(tail, sum, quantile);
  channels.difference.learn(state.difference, point);
  channels.autoregression.learn(state.autoregression, point);
  channels.smoothedDay.learn(state.smoothedDay, point);
  channels.levelShift.learn(state.levelShift, point);
  learnShared(shared, row.value);
  const rarity = fastRarity(heard);
  if (isFirst) return { rarity, expected: null, lower: null, upper: null };
  return { rarity, expected, lower: expected - half, upper: expected + half };
}

/** Sums, in units of the tail, that this share of ordinary rows reaches, as −log10: measured by `npm run trial`, see docs/detect.md. */
const RARITY_OF_SUM = [0, 0.17, 0.65, 1.11, 1.72, 2.44] as const;

/** The rarity of a sum: by the table, and beyond it with the slope of its end. */
export function fastRarity(relative: number): number {
  return rarityByTable(RARITY_OF_SUM, relative);
}
