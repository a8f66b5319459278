import { FEATURES_MAX, type FeatureDefinition, type FeatureSpec } from '../features/feature-spec.ts';
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
  const placed = rules.map((rule) => ({
    ...rule,
    featureIndex: placeOf(rule.definition.name),
    readIndexes: rule.reads.map(({ source }) => (source.kind === 'sum' ? placeOf(source.definition.name) : -1)),
  }));
  return {
    rules: placed.sort((a, b) => (a.id < b.id ? -1 : 1)),
    features: {
      features,
      hourlyMax: hours.reduce((most, value) => Math.max(most, value), HOURLY_MIN),
      factMeters: new Set([...pricing.meters.values()].filter(({ kind }) => kind === 'fact').map(({ name }) => name)),
    },
  };
}

function definitionsOf({ definition, reads }: UnplacedRule): readonly FeatureDefinition[] {
  const read = reads.flatMap(({ source }) =>
    source.kind === 'sum'
      ? [{ ...source.definition, fineMax: source.bucket === 'five_minutes' ? source.buckets : 0 }]
      : [],
  );
  return [definition, ...read];
}

/** Whether there are more features than an account may keep. */
export function hasTooManyFeatures(spec: FeatureSpec): boolean {
  return spec.features.length > FEATURES_MAX;
}
