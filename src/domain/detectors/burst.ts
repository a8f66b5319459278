import { z } from 'zod';
import { FINE_MS, FINE_PER_HOUR, HISTORY_HOURS_MAX } from '../features/feature-spec.ts';
import type { History } from '../features/history.ts';
import { round6 } from '../math.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { recordOf } from './comparable-windows.ts';
import { type CompileContext, defineDetector, type Usual } from './detector.ts';
import { amountValue, compileFloor, compileLookBack, durationText, type Floor, floorShape } from './shared-params.ts';
import { quantileOfSorted, sorted } from './statistics.ts';

const WINDOW_MAX_MS = 2 * HOUR_MS;

/** "Usual" is a busy hour, not a typical one: honest usage swings by factors of ten from hour to hour. */
const BUSY_QUANTILE = 0.95;

const shape = z.strictObject({
  window: durationText.describe('The trailing minutes that are summed and judged: 5min to 2h, in steps of 5min.'),
  times: z
    .number()
    .min(1.5)
    .max(1e6)
    .optional()
    .describe("How many times the account's own busy hour (95th percentile), scaled to the window."),
  limit: amountValue.optional().describe('Fires at this sum, whatever is usual.'),
  from: durationText.default('28d').describe('How far back the usual is learned; up to 28d.'),
  min_hours: z
    .int()
    .min(1)
    .max(HISTORY_HOURS_MAX)
    .default(24)
    .describe(
      'times: fewer learned hours with usage than this is inconclusive. limit alone: hours since the first event.',
    ),
  floor: floorShape.optional(),
});

type Params = z.infer<typeof shape>;

/** Flags minutes that hold far more than the account's own busy hours, or more than a fixed limit. */
export const burst = defineDetector({
  kind: 'burst',
  shape,
  compile(params, context) {
    const windowMs = compileWindow(params.window, context);
    const historyHours = compileLookBack(['from'], params.from, context);
    const limits = compileLimits(params, context);
    if (windowMs === undefined || historyHours === undefined || limits === undefined) return undefined;
    const { floor, limit } = limits;
    const windowBuckets = windowMs / FINE_MS;
    const settings = { times: params.times, limit, floor, hoursMin: params.min_hours, windowHours: windowMs / HOUR_MS };
    return {
      bucket: 'five_minutes',
      windowBuckets,
      windowMs,
      // The window may begin in an earlier hour than it ends; none of its hours is learned from.
      gapHours: 1 + Math.ceil(windowBuckets / FINE_PER_HOUR),
      historyHours,
      observedMin: Math.min(limit, params.times === undefined ? limit : floor.aboveExpected),
      cutoffMin: (history) =>
        Math.min(limit, recordOf(history, 1) * Math.max(1, settings.windowHours) * floor.timesRecord),
      usual: (history) => usualOf(history, settings),
    };
  },
});

interface Settings {
  readonly times: number | undefined;
  /** Infinity when there is none. */
  readonly limit: number;
  readonly floor: Floor;
  readonly hoursMin: number;
  readonly windowHours: number;
}

function usualOf(history: History, { times, limit, floor, hoursMin, windowHours }: Settings): Usual {
  const active: number[] = [];
  let knownHours = 0;
  for (let index = 0; index < history.sums.length; index++) {
    if (history.usable[index] !== 1) continue;
    knownHours++;
    const sum = history.sums[index] ?? 0;
    if (sum > 0) active.push(sum);
  }
  const ascending = sorted(active);
  const busyHour = active.length === 0 ? 0 : quantileOfSorted(ascending, BUSY_QUANTILE);
  const expected = round6(busyHour * windowHours);
  const base = {
    expected,
    lower: 0,
    upper: round6((ascending.at(-1) ?? 0) * Math.max(1, windowHours)),
    points: times === undefined ? knownHours : active.length,
    zOf: () => undefined,
  };
  if (times === undefined) {
    if (knownHours >= hoursMin) return { ...base, cutoff: limit, missing: undefined };
    // A limit on an account that has just appeared says little: people re-send while they set up.
    return { ...base, cutoff: Number.POSITIVE_INFINITY, missing: `known for ${knownHours} of ${hoursMin} hours` };
  }
  if (active.length < hoursMin) {
    return { ...base, cutoff: limit, missing: `${active.length} of ${hoursMin} hours with usage so far` };
  }
  const record = (ascending.at(-1) ?? 0) * Math.max(1, windowHours);
  const unusual = Math.max(times * expected, expected + floor.aboveExpected, record * floor.timesRecord);
  return { ...base, cutoff: round6(Math.min(limit, unusual)), missing: undefined };
}

function compileWindow(text: string, context: CompileContext): number | undefined {
  const ms = context.duration(['window'], text);
  if (ms === undefined) return undefined;
  if (ms % FINE_MS !== 0) {
    const step = FINE_MS / MINUTE_MS;
    context.report(['window'], 'RULE-UNIT-008', `${text} is not a multiple of ${step}min.`, '10min');
    return undefined;
  }
  if (ms < FINE_MS || ms > WINDOW_MAX_MS) {
    const fix = 'a window between 5min and 2h; use kind: z_score for longer ones';
    context.report(['window'], 'RULE-STAT-005', `${text} is outside 5min to 2h.`, fix);
    return undefined;
  }
  return ms;
}

function compileLimits(params: Params, context: CompileContext): { floor: Floor; limit: number } | undefined {
  if (params.times === undefined && params.limit === undefined) {
    context.report([], 'RULE-STAT-008', 'The rule has nothing to compare the window with.', 'add times: 8 or a limit');
    return undefined;
  }
  const limit = params.limit === undefined ? Number.POSITIVE_INFINITY : context.amount(['limit'], params.limit);
  if (limit !== undefined && !(limit > 0)) {
    context.report(['limit'], 'RULE-STAT-010', 'A limit of zero fires on every event.', 'a limit above zero');
    return undefined;
  }
  if (params.times === undefined) {
    if (params.floor !== undefined) {
      const message = 'floor guards times; a limit is its own floor.';
      context.report(['floor'], 'RULE-LOGIC-010', message, 'remove floor, or add times');
    }
    return limit === undefined ? undefined : { limit, floor: { aboveExpected: 0, timesRecord: 0 } };
  }
  const floor = compileFloor(params.floor, context);
  return limit === undefined || floor === undefined ? undefined : { limit, floor };
}
