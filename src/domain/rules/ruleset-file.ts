import { z } from 'zod';
import type { ActionCaps } from '../decisions/action-caps.ts';
import type { ActionCosts } from '../decisions/expected-loss.ts';
import { OVERDRAFT_UNLIMITED } from '../ledger/wallet.ts';
import type { ReviewPolicy } from '../review/policy.ts';
import { type Band, OUTCOMES } from './band.ts';
import { actionShape, readAction } from './band-actions.ts';
import { capsShape, readCaps } from './caps-file.ts';
import { checkBands } from './check-bands.ts';
import { checkShape } from './check-shape.ts';
import { take } from './compile-context.ts';
import type { PlannedSpike } from './planned.ts';
import { plannedShape, readPlanned } from './planned-file.ts';
import type { PriceBook } from './price-book.ts';
import { readReview, reviewShape } from './review-file.ts';
import { type Parsed, parseMoney } from './units.ts';
import type { YamlSource } from './yaml-source.ts';

export const rulesetShape = z.strictObject({
  overdraft: z.union([z.string(), z.number()]),
  bands: z
    .array(
      z.strictObject({
        from: z.int().min(0).max(100),
        to: z.int().min(0).max(100),
        outcome: z.enum(OUTCOMES),
        actions: z.array(actionShape).default([]),
      }),
    )
    .min(2),
  costs: z
    .strictObject({
      review: z.union([z.string(), z.number()]).describe("A person's time on one alert."),
      friction: z
        .union([z.string(), z.number()])
        .describe('What stopping one honest customer costs, beside the usage.'),
    })
    .optional()
    .describe(
      'With it, a wallet is frozen only when that is expected to cost less than letting it run until a review.',
    ),
  shadow_streams: z
    .enum(['live', 'backtest'])
    .default('live')
    .describe('Whether shadow rules that are shown every event run on live traffic, or in backtests only.'),
  caps: capsShape.optional().describe('What the rules may do by themselves before a person has to decide.'),
  early_fraud_warning: z
    .strictObject({ freeze_hours: z.int().min(1).max(168) })
    .optional()
    .describe("What a bank's early fraud warning about a top-up does beside labelling the account."),
  review: reviewShape.optional().describe('Lets a language model judge alerts within bounds; off without it.'),
  planned: z
    .array(plannedShape)
    .max(1_000)
    .default([])
    .describe('Usage that is announced: no rule fires below its ceiling.'),
  budgets: z.strictObject({
    alerts_per_day: z.int().min(1).max(1_000_000),
    freezes_per_day: z.int().min(0).max(1_000_000).optional(),
  }),
});

/** `ruleset.yaml`, checked: bands, limits and budgets. */
export interface Settings {
  readonly overdraftNanos: bigint;
  readonly bands: readonly Band[];
  readonly freezeHours: number;
  readonly freezesPerDayMax: number;
  readonly caps: ActionCaps;
  readonly alertsPerDay: number;
  readonly shadowStreams: 'live' | 'backtest';
  /** Null when outcomes follow from points alone. */
  readonly costs: ActionCosts | null;
  readonly warningFreezeHours: number | null;
  /** Null when no model judges alerts. */
  readonly review: ReviewPolicy | null;
  readonly planned: ReadonlyMap<string, readonly PlannedSpike[]>;
  /** The features that are planned for, in the order of the file. */
  readonly plannedOf: readonly string[];
}

/** Reads `ruleset.yaml`. Problems are reported on the source; undefined when there are any. */
export function readSettings(
  source: YamlSource,
  { pricing, nowMs }: { readonly pricing: PriceBook | undefined; readonly nowMs: number | undefined },
): Settings | undefined {
  const document = checkShape(source, rulesetShape);
  if (document === undefined) return undefined;
  const overdraftNanos = take(source, ['overdraft'], parseOverdraft(String(document.overdraft), pricing?.currency));
  const bands = document.bands.map(({ from, to, outcome, actions }, index): Band => {
    const read = actions.map((action, position) =>
      readAction(source, ['bands', index, 'actions', position], action, pricing?.currency),
    );
    return { from, to, outcome, actions: read.filter((action) => action !== undefined) };
  });
  checkBands(source, bands, document.bands);
  const freeze = bands.flatMap(({ actions }) => actions).find((action) => action.kind === 'freeze_wallet');
  const freezesPerDay = document.budgets.freezes_per_day ?? document.caps?.freezes?.per_day;
  if (freeze !== undefined && freezesPerDay === undefined) {
    const message = 'A mistaken rule could freeze every customer in an hour.';
    source.report(['budgets'], 'RULE-SAFE-008', message, 'add freezes_per_day: 10');
  }
  const costs = readCosts(source, document.costs, pricing?.currency);
  const caps = readCaps(source, document.caps, {
    currency: pricing?.currency,
    freezesPerDay: document.budgets.freezes_per_day,
    hasCosts: document.costs !== undefined,
    freezes: freeze !== undefined,
    throttles: document.bands.some(({ actions }) => actions.some(({ kind }) => kind === 'throttle_wallet')),
  });
  const review = readReview(source, document.review, { currency: pricing?.currency, bands });
  const planned = readPlanned(source, document.planned, { pricing, nowMs });
  if (source.errors.length > 0 || overdraftNanos === undefined) return undefined;
  return {
    overdraftNanos,
    bands,
    freezeHours: freeze?.hours ?? 0,
    freezesPerDayMax: caps.freezes.perDay ?? 0,
    caps,
    alertsPerDay: document.budgets.alerts_per_day,
    costs,
    warningFreezeHours: document.early_fraud_warning?.freeze_hours ?? null,
    review,
    shadowStreams: document.shadow_streams,
    planned,
    plannedOf: document.planned.map(({ of }) => of),
  };
}

function readCosts(
  source: YamlSource,
  costs: z.infer<typeof rulesetShape>['costs'],
  currency: string | undefined,
): ActionCosts | null {
  if (costs === undefined) return null;
  const review = take(source, ['costs', 'review'], parseMoney(String(costs.review), currency));
  const friction = take(source, ['costs', 'friction'], parseMoney(String(costs.friction), currency));
  if (review === undefined || friction === undefined) return null;
  return { reviewNanos: Number(review), frictionNanos: Number(friction) };
}

/** How far below zero usage may go: an amount, `none` or `unlimited`. */
function parseOverdraft(text: string, currency: string | undefined): Parsed<bigint> {
  if (text === 'none') return { ok: true, value: 0n };
  if (text === 'unlimited') return { ok: true, value: OVERDRAFT_UNLIMITED };
  const parsed = parseMoney(text, currency);
  return parsed.ok || parsed.code !== 'RULE-UNIT-004'
    ? parsed
    : { ...parsed, fix: `${parsed.fix}; or none, or unlimited` };
}
