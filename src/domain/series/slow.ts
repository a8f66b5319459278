import { type AutoregressionState, autoregression, predictNext } from './autoregression.ts';
import type { SeriesPoint } from './channel.ts';
import { sameClockMedian } from './clock-ring.ts';
import { flatLine } from './flat-line.ts';
import { INCIDENT_GATE, type IncidentGate, type IncidentGateSettings, passGate, startGate } from './incident-gate.ts';
import { levelShift } from './level-shift.ts';
import { rarityByTable } from './rarity-table.ts';
import type { SeriesDetector, SeriesJudgement, SeriesRow } from './series-detector.ts';
import { learnShared, pointOf, type SharedState, startShared } from './shared-state.ts';
import { smoothedDay } from './smoothed-day.ts';
import { learnError, startError, type TypicalError, typicalBand } from './typical-error.ts';
import {
  aboveUsual,
  learnMaximum,
  startMaximum,
  USUAL_MAXIMUM,
  type UsualMaximum,
  type UsualMaximumSettings,
} from './usual-maximum.ts';
import { valueRange } from './value-range.ts';
import { volatility } from './volatility.ts';

/** How the channels become one rarity. */
export interface SlowSettings {
  /** What a channel's distance above its own usual counts. */
  readonly weights: {
    readonly smoothedDay: number;
    readonly autoregression: number;
    readonly levelShift: number;
    readonly volatility: number;
    readonly valueRange: number;
    readonly flatLine: number;
  };
  readonly maximum: UsualMaximumSettings;
  readonly gate: IncidentGateSettings;
  /** What a row keeps that is no news. */
  readonly silence: number;
}

export const SLOW: SlowSettings = {
  weights: { smoothedDay: 1, autoregression: 1, levelShift: 1, volatility: 0.7, valueRange: 0.6, flatLine: 3 },
  maximum: USUAL_MAXIMUM,
  gate: INCIDENT_GATE,
  silence: 0.02,
};

/** Channels of the slow detector; parameters of each are its own. */
export interface SlowChannels {
  readonly smoothedDay: ReturnType<typeof smoothedDay>;
  readonly autoregression: ReturnType<typeof autoregression>;
  readonly levelShift: ReturnType<typeof levelShift>;
  readonly volatility: ReturnType<typeof volatility>;
  readonly valueRange: ReturnType<typeof valueRange>;
  readonly flatLine: ReturnType<typeof flatLine>;
}

/** The channels as they are shipped. */
export function slowChannels(): SlowChannels {
  return {
    smoothedDay: smoothedDay(),
    autoregression: autoregression(),
    levelShift: levelShift(),
    volatility: volatility(),
    valueRange: valueRange(),
    flatLine: flatLine(),
  };
}

/** Everything the slow detector has learned. */
export interface SlowState {
  readonly shared: SharedState;
  readonly smoothedDay: ReturnType<SlowChannels['smoothedDay']['start']>;
  readonly autoregression: AutoregressionState;
  readonly levelShift: ReturnType<SlowChannels['levelShift']['start']>;
  readonly volatility: ReturnType<SlowChannels['volatility']['start']>;
  readonly valueRange: ReturnType<SlowChannels['valueRange']['start']>;
  readonly flatLine: ReturnType<SlowChannels['flatLine']['start']>;
  /** How high each of the first four channels usually gets. */
  readonly usual: {
    readonly smoothedDay: UsualMaximum;
    readonly autoregression: UsualMaximum;
    readonly levelShift: UsualMaximum;
    readonly volatility: UsualMaximum;
  };
  readonly gate: IncidentGate;
  /** Of the expected value that is shown. */
  readonly expectedError: TypicalError;
}

/** For people: one row of an incident stands out, the rest of it stays silent. */
export function slowDetector(
  saved?: SlowState,
  settings: SlowSettings = SLOW,
  channels: SlowChannels = slowChannels(),
): SeriesDetector<SlowState> {
  const state = saved ?? startSlow(settings, channels);
  return { state, next: (row) => judge(state, row, settings, channels) };
}

function startSlow({ maximum }: SlowSettings, channels: SlowChannels): SlowState {
  return {
    shared: startShared(),
    smoothedDay: channels.smoothedDay.start(),
    autoregression: channels.autoregression.start(),
    levelShift: channels.levelShift.start(),
    volatility: channels.volatility.start(),
    valueRange: channels.valueRange.start(),
    flatLine: channels.flatLine.start(),
    usual: {
      smoothedDay: startMaximum(maximum),
      autoregression: startMaximum(maximum),
      levelShift: startMaximum(maximum),
      volatility: startMaximum(maximum),
    },
    gate: startGate(),
    expectedError: startError(),
  };
}

/** A record this many ranges beyond the old one counts no more than that. */
const RECORD_RANGES_MAX = 0.75;

function judge(state: SlowState, row: SeriesRow, settings: SlowSettings, channels: SlowChannels): SeriesJudgement {
  const { shared, usual } = state;
  const { weights, maximum } = settings;
  const isFirst = shared.size.rows === 0;
  const point = pointOf(shared, row);
  const day = channels.smoothedDay.score(state.smoothedDay, point);
  const step = channels.autoregression.score(state.autoregression, point);
  const level = channels.levelShift.score(state.levelShift, point);
  const unrest = channels.volatility.score(state.volatility, point);
  const record = channels.valueRange.score(state.valueRange, point);
  const flat = channels.flatLine.score(state.flatLine, point);
  const oddness = together(
    weights.smoothedDay * aboveUsual(usual.smoothedDay, day, maximum),
    weights.autoregression * aboveUsual(usual.autoregression, step, maximum),
    weights.levelShift * aboveUsual(usual.levelShift, level, maximum),
    weights.volatility * aboveUsual(usual.volatility, unrest, maximum),
    record > 0 ? weights.valueRange * (1.5 + 4 * Math.min(record, RECORD_RANGES_MAX)) : 0,
    weights.flatLine * flat,
  );
  const expected = expectedValue(state, point);
  const half = typicalBand(state.expectedError, point.spread);

  learnMaximum(usual.smoothedDay, day, maximum);
  learnMaximum(usual.autoregression, step, maximum);
  learnMaximum(usual.levelShift, level, maximum);
  learnMaximum(usual.volatility, unrest, maximum);
  learnAll(state, point, channels);
  if (!isFirst) learnError(state.expectedError, row.value - expected, point.spread, EXPECTED_ERROR);
  const isNews = passGate(state.gate, oddness, settings.gate);
  const rarity = slowRarity(oddness) * (isNews ? 1 : settings.silence);
  if (isFirst) return { rarity, expected: null, lower: null, upper: null };
  return { rarity, expected, lower: expected - half, upper: expected + half };
}

const EXPECTED_ERROR = { rate: 0.002, floorShare: 0.03 };

function learnAll(state: SlowState, point: SeriesPoint, channels: SlowChannels): void {
  channels.smoothedDay.learn(state.smoothedDay, point);
  channels.autoregression.learn(state.autoregression, point);
  channels.levelShift.learn(state.levelShift, point);
  channels.volatility.learn(state.volatility, point);
  channels.valueRange.learn(state.valueRange, point);
  channels.flatLine.learn(state.flatLine, point);
  learnShared(state.shared, point.value);
}

/** Nearly the largest of them (the norm of power 4): channels that agree add a little, ten quiet ones add nothing. */
function together(...parts: readonly number[]): number {
  let sum = 0;
  for (const part of parts) {
    const square = part * part;
    sum += square * square;
  }
  return Math.sqrt(Math.sqrt(sum));
}

/** What is usual at this time of day, or what the last rows lead to while no day is known. */
function expectedValue(state: SlowState, point: SeriesPoint): number {
  return sameClockMedian(state.smoothedDay.ring, point) ?? predictNext(state.autoregression, point);
}

/** Oddness that this share of ordinary rows reaches, as −log10: measured by `npm run trial`, see docs/detect.md. */
const RARITY_OF_ODDNESS = [0, 1.7, 2.9, 3.5, 4.4, 5.3] as const;

/** The rarity of an oddness: by the table, and beyond it with the slope of its end. */
export function slowRarity(oddness: number): number {
  return rarityByTable(RARITY_OF_ODDNESS, oddness);
}
