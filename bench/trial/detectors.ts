import { AUTOREGRESSION, autoregression } from '../../src/domain/series/autoregression.ts';
import { DIFFERENCE, difference } from '../../src/domain/series/difference.ts';
import { FAST, FAST_DAY, FAST_LEVEL, fastDetector } from '../../src/domain/series/fast.ts';
import { FLAT_LINE, flatLine } from '../../src/domain/series/flat-line.ts';
import { LEVEL_SHIFT, levelShift } from '../../src/domain/series/level-shift.ts';
import type { SeriesDetector } from '../../src/domain/series/series-detector.ts';
import { SLOW, slowDetector } from '../../src/domain/series/slow.ts';
import { SMOOTHED_DAY, smoothedDay } from '../../src/domain/series/smoothed-day.ts';
import { VALUE_RANGE, valueRange } from '../../src/domain/series/value-range.ts';
import { VOLATILITY, volatility } from '../../src/domain/series/volatility.ts';
import type { Curve } from './read-curves.ts';

/** Every parameter of the fast channel. */
export const FAST_PARAMETERS = {
  together: FAST,
  difference: DIFFERENCE,
  autoregression: AUTOREGRESSION,
  smoothedDay: FAST_DAY,
  levelShift: FAST_LEVEL,
};

/** Every parameter of the slow channel. */
export const SLOW_PARAMETERS = {
  together: SLOW,
  smoothedDay: SMOOTHED_DAY,
  autoregression: AUTOREGRESSION,
  levelShift: LEVEL_SHIFT,
  volatility: VOLATILITY,
  valueRange: VALUE_RANGE,
  flatLine: FLAT_LINE,
};

/** The rarity of every row, from a fast detector of its own for each curve. */
export function fastRarities(curve: Curve, given = FAST_PARAMETERS): Float64Array {
  const channels = {
    difference: difference(given.difference),
    autoregression: autoregression(given.autoregression),
    smoothedDay: smoothedDay(given.smoothedDay),
    levelShift: levelShift(given.levelShift),
  };
  return rarities(curve, fastDetector(undefined, given.together, channels));
}

/** The rarity of every row, from a slow detector of its own for each curve. */
export function slowRarities(curve: Curve, given = SLOW_PARAMETERS): Float64Array {
  const channels = {
    smoothedDay: smoothedDay(given.smoothedDay),
    autoregression: autoregression(given.autoregression),
    levelShift: levelShift(given.levelShift),
    volatility: volatility(given.volatility),
    valueRange: valueRange(given.valueRange),
    flatLine: flatLine(given.flatLine),
  };
  return rarities(curve, slowDetector(undefined, given.together, channels));
}

function rarities<State>({ timesMs, values }: Curve, detector: SeriesDetector<State>): Float64Array {
  return values.map((value, row) => detector.next({ atMs: timesMs[row], value }).rarity);
}

/** One parameter, half and half as much again. */
export interface Jittered<Parameters> {
  readonly name: string;
  readonly factor: number;
  readonly parameters: Parameters;
}

/** Every parameter changed by half either way, one at a time. What is near 1 by nature is changed in its distance from 1. */
export function jitter<Parameters extends object>(parameters: Parameters): readonly Jittered<Parameters>[] {
  return pathsOf(parameters, []).flatMap((path) =>
    [0.5, 1.5].map((factor) => {
      const parametersOf: Parameters = structuredClone(parameters);
      change(parametersOf, path, factor);
      return { name: path.join('.'), factor, parameters: parametersOf };
    }),
  );
}

const NEAR_ONE = ['quantile', 'memory', 'rise'];

function pathsOf(value: object, path: readonly string[]): string[][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    if (typeof inner === 'object' && inner !== null) return pathsOf(inner, [...path, key]);
    return [[...path, key]];
  });
}

function change(target: object, [key = '', ...rest]: readonly string[], factor: number): void {
  const inner: unknown = Reflect.get(target, key);
  if (typeof inner === 'object' && inner !== null) {
    change(inner, rest, factor);
    return;
  }
  const value = Number(inner);
  const changed = NEAR_ONE.includes(key) ? 1 + (value - 1) * factor : value * factor;
  Reflect.set(target, key, key.endsWith('Rows') ? Math.max(1, Math.round(changed)) : changed);
}
