import { z } from 'zod';
import type { FeatureUnit } from '../features/feature-unit.ts';
import { DAY_MS } from '../time.ts';
import { createCompileContext, take } from './compile-context.ts';
import { parseFeature } from './feature-name.ts';
import { PLANNED_MS_MAX, type PlannedSpike } from './planned.ts';
import type { PriceBook } from './price-book.ts';
import { parseDuration, parseMoment } from './units.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

export const plannedShape = z.strictObject({
  account: z.string().min(1).max(256).describe('Whose usage is announced.'),
  of: z.string().min(1).default('spend').describe("The feature it is about: spend, events or quantity('meter')."),
  from: z.string().describe('When it begins: 2027-03-01, or 2027-03-01T06:00Z.'),
  to: z.string().describe('When it ends; a date means its first moment.'),
  ceiling: z.union([z.string(), z.number()]).describe('As much as this is announced, with its currency for spend.'),
  per: z.string().default('1d').describe('The time the ceiling is for.'),
  why: z.string().min(1).max(1000).describe('What is planned.'),
  by: z.string().min(1).max(200).optional().describe('Who said so.'),
});

type PlannedDocument = z.infer<typeof plannedShape>;

/** Reads `planned:` of ruleset.yaml, by account. Problems are reported on the source. */
export function readPlanned(
  source: YamlSource,
  planned: readonly PlannedDocument[],
  { pricing, nowMs }: { readonly pricing: PriceBook | undefined; readonly nowMs: number | undefined },
): ReadonlyMap<string, readonly PlannedSpike[]> {
  const byAccount = new Map<string, PlannedSpike[]>();
  for (const [index, entry] of planned.entries()) {
    const at = ['planned', index];
    const spike = readSpike(source, at, entry, pricing);
    if (spike === undefined) continue;
    if (nowMs !== undefined && spike.toMs <= nowMs) {
      source.warn([...at, 'to'], 'RULE-PLAN-002', `It ended on ${entry.to}.`, 'remove it, or move its end');
    }
    const known = byAccount.get(spike.account) ?? [];
    const other = known.find(
      ({ feature, fromMs, toMs }) => feature === spike.feature && fromMs < spike.toMs && spike.fromMs < toMs,
    );
    if (other !== undefined) {
      const message = `${spike.account} has another plan for ${spike.feature} at that time, above.`;
      source.report(at, 'RULE-PLAN-004', message, 'make one of them, with the higher ceiling');
    }
    byAccount.set(spike.account, [...known, spike]);
  }
  return byAccount;
}

/** Warns of plans for features that no rule looks at. */
export function checkPlannedUse(source: YamlSource, planned: readonly string[], features: ReadonlySet<string>): void {
  for (const [index, of] of planned.entries()) {
    if (features.has(of)) continue;
    const message = `No rule looks at ${of}, so there is nothing to plan for.`;
    source.warn(['planned', index, 'of'], 'RULE-PLAN-006', message, `one of: ${[...features].join(', ')}`);
  }
}

function readSpike(
  source: YamlSource,
  at: YamlPath,
  entry: PlannedDocument,
  pricing: PriceBook | undefined,
): PlannedSpike | undefined {
  const fromMs = take(source, [...at, 'from'], parseMoment(entry.from));
  const toMs = take(source, [...at, 'to'], parseMoment(entry.to));
  const perMs = take(source, [...at, 'per'], parseDuration(entry.per));
  const feature = pricing === undefined ? undefined : take(source, [...at, 'of'], parseFeature(entry.of, pricing));
  if (fromMs !== undefined && toMs !== undefined) checkTimes(source, at, entry, { fromMs, toMs });
  const ceiling = feature === undefined ? undefined : readCeiling(source, at, entry.ceiling, feature.unit);
  if (fromMs === undefined || toMs === undefined || perMs === undefined || ceiling === undefined) return undefined;
  return { account: entry.account, feature: entry.of, fromMs, toMs, ceiling, perMs, why: entry.why };
}

function checkTimes(
  source: YamlSource,
  at: YamlPath,
  { from, to }: PlannedDocument,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): void {
  if (toMs <= fromMs) {
    const message = `to: ${to} is not after from: ${from}; a date means its first moment.`;
    source.report([...at, 'to'], 'RULE-PLAN-001', message, 'an end after the beginning');
  } else if (toMs - fromMs > PLANNED_MS_MAX) {
    const days = PLANNED_MS_MAX / DAY_MS;
    const message = `${Math.round((toMs - fromMs) / DAY_MS)} days; after ${days} it is no spike any more.`;
    source.report([...at, 'to'], 'RULE-PLAN-003', message, 'a shorter time: baselines learn what lasts');
  }
}

function readCeiling(source: YamlSource, at: YamlPath, value: string | number, unit: FeatureUnit): number | undefined {
  const ceiling = createCompileContext(source, at, unit).amount(['ceiling'], value);
  if (ceiling !== 0) return ceiling;
  source.report(
    [...at, 'ceiling'],
    'RULE-PLAN-005',
    'A ceiling of nothing plans nothing.',
    'the most that is announced',
  );
  return undefined;
}
