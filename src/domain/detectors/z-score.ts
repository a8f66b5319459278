import { z } from 'zod';
import { HISTORY_HOURS_MAX } from '../features/feature-spec.ts';
import type { History } from '../features/history.ts';
import { round6 } from '../math.ts';
import { HOUR_MS } from '../time.ts';
import { type Comparison, collectPoints, pointsMax, recordOf } from './comparable-windows.ts';
import { type CompileContext, defineDetector, type Usual } from './detector.ts';
import { compileFloor, compileLookBack, durationText, type Floor, floorShape } from './shared-params.ts';
import { type Method, spreadModel } from './spread-model.ts';
import { quantileOfSorted, sorted } from './statistics.ts';

const WINDOW_HOURS_MAX = 168;

// Beyond this multiple of the usual no account is left to find: the rule would sit there and look like protection.
const FACTOR_MAX = 1e6;

const shape = z.strictObject({
  window: durationText.describe('The trailing hours that are summed and judged, such as 6h; up to 7d.'),
  baseline: z.strictObject({
    from: durationText.describe('How far back to learn from; up to 28d.'),
    compare: z.enum(['all', 'hour_of_day', 'hour_of_week']).describe('Which earlier windows are comparable.'),
    method: z
      .enum(['raw', 'log', 'mad', 'log_mad'])
      .describe('Mean and deviation, or medians; of values or of logarithms.'),
    min_points: z.int().min(2).max(HISTORY_HOURS_MAX).describe('Fewer comparable windows than this: inconclusive.'),
    min_active_hours: z
      .int()
      .min(1)
      .max(HISTORY_HOURS_MAX)
      .default(12)
      .describe('Fewer hours with any usage in the look-back than this: inconclusive.'),
    spread_floor: z.string().optional().describe('A spread is never believed to be smaller than this share: 15%.'),
  }),
  threshold: z.number().positive().max(1e6).describe('How many spreads above the usual the window must be.'),
  floor: floorShape.optional(),
});

type Params = z.infer<typeof shape>;

/** Flags a trailing sum of hours that lies far above the account's own comparable windows. */
export const zScore = defineDetector({
  kind: 'z_score',
  shape,
  compile(params, context) {
    const windowHours = compileWindow(params.window, context);
    const fromHours = compileLookBack(['baseline', 'from'], params.baseline.from, context);
    const spreadFloor = compileSpreadFloor(params, context);
    const floor = compileFloor(params.floor, context);
    if (windowHours === undefined || fromHours === undefined) return undefined;
    if (!checkPoints(params, windowHours, fromHours, context)) return undefined;
    if (spreadFloor === undefined || floor === undefined) return undefined;

    const { compare, method, min_points: pointsMin, min_active_hours: activeHoursMin } = params.baseline;
    const settings = { compare, method, pointsMin, activeHoursMin, spreadFloor, floor, windowHours };
    const isCount = context.unit.kind === 'count';
    return {
      bucket: 'hour',
      windowBuckets: windowHours,
      windowMs: windowHours * HOUR_MS,
      gapHours: windowHours,
      historyHours: fromHours,
      observedMin: floor.aboveExpected,
      cutoffMin: (history) => recordOf(history, windowHours) * floor.timesRecord,
      usual: (history) => usualOf(history, { ...settings, threshold: params.threshold, isCount }),
    };
  },
});

interface Settings {
  readonly compare: Comparison;
  readonly method: Method;
  readonly pointsMin: number;
  readonly activeHoursMin: number;
  readonly spreadFloor: number;
  readonly floor: Floor;
  readonly windowHours: number;
  readonly threshold: number;
  readonly isCount: boolean;
}

function usualOf(history: History, settings: Settings): Usual {
  const { points, level, record, activeHours } = collectPoints(history, settings.windowHours, settings.compare);
  if (points.length < settings.pointsMin) {
    return inconclusive(points.length, `${points.length} of ${settings.pointsMin} comparable windows so far`);
  }
  if (activeHours < settings.activeHoursMin) {
    const reason = `${activeHours} of ${settings.activeHoursMin} hours with usage so far`;
    return inconclusive(points.length, reason);
  }
  const ascending = sorted(points);
  const model = spreadModel(ascending, { ...settings, level });
  const cutoff = Math.max(
    model.valueAt(settings.threshold),
    model.expected + settings.floor.aboveExpected,
    record * settings.floor.timesRecord,
  );
  return {
    cutoff: round6(cutoff),
    missing: undefined,
    expected: round6(model.expected),
    lower: round6(quantileOfSorted(ascending, 0.05)),
    upper: round6(quantileOfSorted(ascending, 0.95)),
    points: points.length,
    zOf: (observed) => model.zOf(observed),
  };
}

function inconclusive(points: number, reason: string): Usual {
  return {
    cutoff: Number.POSITIVE_INFINITY,
    missing: reason,
    expected: 0,
    lower: 0,
    upper: 0,
    points,
    zOf: () => undefined,
  };
}

function compileWindow(text: string, context: CompileContext): number | undefined {
  const ms = context.duration(['window'], text);
  if (ms === undefined) return undefined;
  if (ms % HOUR_MS !== 0) {
    const fix = 'write whole hours, such as 1h or 6h; use kind: burst for less';
    context.report(['window'], 'RULE-UNIT-008', `${text} is not a whole number of hours.`, fix);
    return undefined;
  }
  const hours = ms / HOUR_MS;
  if (hours < 1 || hours > WINDOW_HOURS_MAX) {
    const message = `${text} is outside 1h to ${WINDOW_HOURS_MAX / 24}d.`;
    context.report(['window'], 'RULE-STAT-005', message, 'choose a window between 1h and 7d');
    return undefined;
  }
  return hours;
}

function compileSpreadFloor(params: Params, context: CompileContext): number | undefined {
  const text = params.baseline.spread_floor;
  if (text === undefined) {
    const message = 'A flat history makes the spread zero and the first extra cent infinitely surprising.';
    context.report(['baseline'], 'RULE-STAT-001', message, 'add spread_floor: 15%');
    return undefined;
  }
  const share = context.percent(['baseline', 'spread_floor'], text);
  if (share === undefined) return undefined;
  if (share <= 0) {
    context.report(['baseline', 'spread_floor'], 'RULE-STAT-001', `${text} is no floor.`, '15%');
    return undefined;
  }
  // The spread is at least the floor, so the window must reach at least this multiple of the usual.
  const isLog = params.baseline.method === 'log' || params.baseline.method === 'log_mad';
  const factor = isLog ? (1 + share) ** params.threshold : 1 + share * params.threshold;
  if (factor > FACTOR_MAX) {
    const message = `threshold: ${params.threshold} with spread_floor ${text} asks for ${factor.toExponential(1)} times the usual.`;
    context.report(['threshold'], 'RULE-STAT-003', message, 'a threshold between 3 and 10');
    return undefined;
  }
  return share;
}

function checkPoints(params: Params, windowHours: number, fromHours: number, context: CompileContext): boolean {
  const { compare, min_points: pointsMin, from, method } = params.baseline;
  if (fromHours < windowHours * 2) {
    const message = `from: ${from} holds fewer than two windows of ${params.window}.`;
    context.report(['baseline', 'from'], 'RULE-STAT-007', message, 'look back further, or choose a shorter window');
    return false;
  }
  if (compare === 'hour_of_week' && fromHours < 3 * 168) {
    const message = `hour_of_week over ${from} has at most ${Math.floor(fromHours / 168)} points an hour.`;
    context.report(['baseline', 'compare'], 'RULE-STAT-004', message, 'from: 28d, or compare: hour_of_day');
    return false;
  }
  const possible = pointsMax(compare, fromHours, windowHours);
  if (pointsMin > possible) {
    const message = `min_points: ${pointsMin}, but ${compare} over ${from} with window ${params.window} has at most ${possible}.`;
    context.report(['baseline', 'min_points'], 'RULE-STAT-002', message, `min_points: ${possible} or less`);
    return false;
  }
  if (compare === 'all' && pointsMin < 24) {
    const message = `min_points: ${pointsMin} judges an account before its first full day: ${method} of so few overlapping windows is noise.`;
    context.report(['baseline', 'min_points'], 'RULE-STAT-009', message, 'min_points: 48 or more');
    return false;
  }
  return true;
}
