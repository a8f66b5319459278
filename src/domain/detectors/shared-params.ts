import { z } from 'zod';
import { HISTORY_HOURS_MAX } from '../features/feature-spec.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import type { CompileContext, ParamPath } from './detector.ts';

/** A duration such as `6h`, `28d`, `30min`; checked when the rule is compiled. */
export const durationText = z.string().describe('A duration: 30min, 6h or 28d.');

/** Money (`20.00 USD`) for features in money, a number for counts. */
export const amountValue = z
  .union([z.string(), z.number()])
  .describe('Money with its currency (20.00 USD) for spend, a number for counts.');

/** What must be true of the window besides being unusual. */
export const floorShape = z
  .strictObject({
    above_expected: amountValue.optional().describe('The window must exceed the usual by this much.'),
    times_record: z
      .number()
      .min(0.1)
      .max(100)
      .optional()
      .describe('The window must reach this multiple of the highest value learned in the whole look-back.'),
  })
  .describe('What must be true besides being unusual.');

/** Checked form of `floor`. */
export interface Floor {
  readonly aboveExpected: number;
  readonly timesRecord: number;
}

/** Reads `floor`; warns when there is none, because a tiny account would alert over cents. */
export function compileFloor(raw: z.infer<typeof floorShape> | undefined, context: CompileContext): Floor | undefined {
  if (raw?.above_expected === undefined) {
    const example = context.unit.kind === 'money' ? `20.00 ${context.unit.currency}` : '1000';
    context.warn(
      ['floor'],
      'RULE-STAT-011',
      'Without floor.above_expected an account that uses almost nothing alerts over almost nothing.',
      `add floor: { above_expected: ${example} }`,
    );
  }
  const aboveExpected =
    raw?.above_expected === undefined ? 0 : context.amount(['floor', 'above_expected'], raw.above_expected);
  if (aboveExpected === undefined) return undefined;
  return { aboveExpected, timesRecord: raw?.times_record ?? 0 };
}

/** Hours of a look-back such as `28d`; reports what is not a whole number of hours or further back than is kept. */
export function compileLookBack(path: ParamPath, text: string, context: CompileContext): number | undefined {
  const ms = context.duration(path, text);
  if (ms === undefined) return undefined;
  if (ms % HOUR_MS !== 0) {
    context.report(
      path,
      'RULE-UNIT-008',
      `${text} is not a whole number of hours.`,
      'write hours or days, such as 28d',
    );
    return undefined;
  }
  const hours = ms / HOUR_MS;
  if (hours > HISTORY_HOURS_MAX) {
    const days = HISTORY_HOURS_MAX / 24;
    context.report(
      path,
      'RULE-STAT-006',
      `${text} is further back than the ${days} days that are kept.`,
      `${days}d or less`,
    );
    return undefined;
  }
  return hours;
}

/** Milliseconds of `within`; reports what is no duration, or longer than the days that the detector keeps. */
export function compileWithin(text: string, daysMax: number, context: CompileContext): number | undefined {
  const withinMs = context.duration(['within'], text);
  if (withinMs === undefined || withinMs <= daysMax * DAY_MS) return withinMs;
  const message = `${text} is longer than the ${daysMax} days that are kept.`;
  context.report(['within'], 'RULE-STAT-006', message, `${daysMax}d or less`);
  return undefined;
}
