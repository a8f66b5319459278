import type { DistinctOf } from '../features/distinct-values.ts';
import { FEATURES_MAX, type FeatureDefinition, type FeatureSpec } from '../features/feature-spec.ts';
import type { StreamDefinition } from '../features/streams.ts';
import { HOUR_MS } from '../time.ts';
import type { UnplacedRule } from './compile-rule.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { PriceBook } from './price-book.ts';

/** Charts want two days even when no rule looks further back than that. */
const HOURLY_MIN = 48;

/** Collects what the rules look at, and gives every rule its feature's place. Order of rules does not matter. */
export function placeRules(
  rules: readonly UnplacedRule[],
  pricing: PriceBook,
): { readonly rules: readonly CompiledRule[]; readonly features: FeatureSpec } {
  const byName = new Map<string, FeatureDefinition>();
  for (const definition of rules.flatMap(definitionsOf)) {
    const known = byName.get(definition.name);
    byName.set(definition.name, { ...definition, fineMax: Math.max(definition.fineMax, known?.fineMax ?? 0) });
  }
  const features = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const places = new Map(features.map(({ name }, index) => [name, index]));
  const placeOf = (name: string) => places.get(name) ?? -1;
  const hours = rules.flatMap(({ detector, reads }) => [
    detector.gapHours + detector.historyHours,
    ...reads.map(({ windowMs }) => Math.ceil(windowMs / HOUR_MS)),
  ]);
  const distinct = distinctOf(rules);
  const placed = rules.map((rule) => ({
    ...rule,
    featureIndex: rule.shown === undefined ? placeOf(rule.definition.name) : -1,
    readIndexes: rule.reads.map(({ source }) =>
      source.kind === 'sum' ? placeOf(source.definition.name) : distinct.indexOf(source.of),
    ),
  }));
  const ordered = placed.sort((a, b) => (a.id < b.id ? -1 : 1));
  const { rules: shownPlaced, streams } = placeStreams(ordered);
  return {
    rules: shownPlaced,
    features: {
      features,
      hourlyMax: hours.reduce((most, value) => Math.max(most, value), HOURLY_MIN),
      ...(distinct.length > 0 ? { distinct } : {}),
      // Rules across accounts need the profile that stream rules share.
      ...(ordered.some(({ shown }) => shown !== undefined) ? { streams } : {}),
      factMeters: new Set([...pricing.meters.values()].filter(({ kind }) => kind === 'fact').map(({ name }) => name)),
    },
  };
}

// Gives every stream rule its place among those that are shown an account's events.
function placeStreams(rules: readonly CompiledRule[]): {
  readonly rules: readonly CompiledRule[];
  readonly streams: readonly StreamDefinition[];
} {
  const streams: StreamDefinition[] = [];
  const placed = rules.map((rule) => {
    if (rule.shown?.kind !== 'stream') return rule;
    const { stream, rarity } = rule.shown;
    const index = streams.push({ ruleId: rule.id, stream, rarity }) - 1;
    return { ...rule, shown: { ...rule.shown, index } };
  });
  return { rules: placed, streams };
}

function distinctOf(rules: readonly UnplacedRule[]): readonly DistinctOf[] {
  const named = rules.flatMap(({ reads }) =>
    reads.flatMap(({ source }) => (source.kind === 'distinct' ? [source.of] : [])),
  );
  return [...new Set(named)].sort();
}

function definitionsOf({ definition, reads, shown }: UnplacedRule): readonly FeatureDefinition[] {
  const read = reads.flatMap(({ source }) =>
    source.kind === 'sum'
      ? [{ ...source.definition, fineMax: source.bucket === 'five_minutes' ? source.buckets : 0 }]
      : [],
  );
  return shown === undefined ? [definition, ...read] : read;
}

/** Whether there are more features than an account may keep. */
export function hasTooManyFeatures(spec: FeatureSpec): boolean {
  return spec.features.length > FEATURES_MAX;
}
