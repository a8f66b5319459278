import { z } from 'zod';
import type { ActionCap, ActionCaps } from '../decisions/action-caps.ts';
import { UNCAPPED } from '../decisions/action-caps.ts';
import { take } from './compile-context.ts';
import { parseMoney, parsePercent } from './units.ts';
import type { YamlSource } from './yaml-source.ts';

const COUNT_MAX = 1_000_000;

const capShape = z.strictObject({
  per_hour: z.int().min(0).max(COUNT_MAX).optional(),
  per_day: z.int().min(0).max(COUNT_MAX).optional(),
  of_accounts: z.string().optional().describe('Share of all accounts within 24 hours, such as 2%.'),
});

export const capsShape = z.strictObject({
  freezes: capShape.optional().describe('Automatic freezes: above it a person decides.'),
  throttles: capShape.optional().describe('Automatic slow-downs: above it a person decides.'),
  friction_per_day: z
    .union([z.string(), z.number()])
    .optional()
    .describe('What all actions of a day may be expected to cost honest customers.'),
});

type CapsDocument = z.infer<typeof capsShape>;

/** What `caps` is read beside. */
export interface CapsContext {
  readonly currency: string | undefined;
  readonly freezesPerDay: number | undefined;
  readonly hasCosts: boolean;
  /** Whether any band freezes, or slows down. */
  readonly freezes: boolean;
  readonly throttles: boolean;
}

/** Reads `caps`. Problems are reported on the source. */
export function readCaps(source: YamlSource, caps: CapsDocument | undefined, context: CapsContext): ActionCaps {
  const { currency, freezesPerDay, hasCosts } = context;
  const freezes = readCap(source, 'freezes', caps?.freezes);
  const throttles = readCap(source, 'throttles', caps?.throttles);
  for (const kind of ['freezes', 'throttles'] as const) {
    if (caps?.[kind] === undefined || context[kind]) continue;
    const action = kind === 'freezes' ? 'freeze_wallet' : 'throttle_wallet';
    const message = `No band has ${action}, so there is nothing to cap.`;
    source.report(['caps', kind], 'RULE-LOGIC-016', message, `remove it, or add a ${action} action to a band`);
  }
  const perDay = caps?.freezes?.per_day;
  if (freezesPerDay !== undefined && perDay !== undefined && perDay > freezesPerDay) {
    const message = `per_day: ${perDay} is never reached: budgets.freezes_per_day is ${freezesPerDay}.`;
    source.report(['caps', 'freezes', 'per_day'], 'RULE-LOGIC-017', message, `at most ${freezesPerDay}`);
  }
  return {
    freezes: { ...freezes, perDay: smaller(freezes.perDay, freezesPerDay ?? null) },
    throttles,
    frictionPerDayNanos: readFriction(source, caps, { currency, hasCosts }),
  };
}

function readCap(source: YamlSource, kind: 'freezes' | 'throttles', cap: CapsDocument['freezes']): ActionCap {
  if (cap === undefined) return UNCAPPED;
  const { per_hour: perHour, per_day: perDay, of_accounts: share } = cap;
  if (perHour === undefined && perDay === undefined && share === undefined) {
    source.report(['caps', kind], 'RULE-SHAPE-002', `caps.${kind} has no bound.`, 'add per_day: 20');
  }
  if (perHour !== undefined && perDay !== undefined && perHour > perDay) {
    const message = `per_hour: ${perHour} is never reached: per_day is ${perDay}.`;
    source.report(['caps', kind, 'per_hour'], 'RULE-LOGIC-017', message, `at most ${perDay}`);
  }
  const at = ['caps', kind, 'of_accounts'];
  const ofAccounts = share === undefined ? undefined : take(source, at, parsePercent(share));
  if (ofAccounts !== undefined && (ofAccounts <= 0 || ofAccounts > 1)) {
    source.report(at, 'RULE-SHAPE-018', `of_accounts: ${share} is out of range.`, 'more than 0%, at most 100%');
  }
  return { perHour: perHour ?? null, perDay: perDay ?? null, ofAccounts: ofAccounts ?? null };
}

function readFriction(
  source: YamlSource,
  caps: CapsDocument | undefined,
  { currency, hasCosts }: { readonly currency: string | undefined; readonly hasCosts: boolean },
): number | null {
  if (caps?.friction_per_day === undefined) return null;
  const at = ['caps', 'friction_per_day'];
  const nanos = take(source, at, parseMoney(String(caps.friction_per_day), currency));
  if (!hasCosts) {
    const message = 'Without costs nothing is known of what an action costs honest customers.';
    source.report(at, 'RULE-LOGIC-018', message, 'add costs: { review: 5.00 USD, friction: 25.00 USD }');
  }
  return nanos === undefined ? null : Number(nanos);
}

function smaller(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}
