import { FEATURES_MAX, type FeatureDefinition, type FeatureSpec } from '../features/feature-spec.ts';
import type { StreamDefinition } from '../features/streams.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { PriceBook } from './price-book.ts';
import type { Ruleset } from './ruleset.ts';

/**
 * Two rulesets over one set of features, so that usage can be folded once for both: what either keeps is kept, and every
 * rule finds its own among it. Each decides exactly as it did alone. Undefined where that cannot be: other prices, facts,
 * look-backs or counted properties, or more features than an account may have.
 */
export function joinRulesets(a: Ruleset, b: Ruleset): { readonly a: Ruleset; readonly b: Ruleset } | undefined {
  const [one, other] = [a.features, b.features];
  // Hours further back than what is kept do not count as history, so keeping more would change what is usual.
  if (one.hourlyMax !== other.hourlyMax || textOf(one.distinct ?? []) !== textOf(other.distinct ?? []))
    return undefined;
  if (textOf([...one.factMeters].sort()) !== textOf([...other.factMeters].sort())) return undefined;
  if (textOf(pricesOf(a.pricing)) !== textOf(pricesOf(b.pricing))) return undefined;
  const features = joinDefinitions(one.features, other.features);
  if (features.length > FEATURES_MAX) return undefined;
  const streams = joinStreams(one.streams ?? [], other.streams ?? []);
  const hasStreams = one.streams !== undefined || other.streams !== undefined;
  const joined: FeatureSpec = { ...one, features, ...(hasStreams ? { streams: streams.all } : {}) };
  return {
    a: place(a, joined, (index) => index),
    b: place(b, joined, (index) => streams.places[index] ?? -1),
  };
}

function joinDefinitions(one: readonly FeatureDefinition[], other: readonly FeatureDefinition[]): FeatureDefinition[] {
  const byName = new Map<string, FeatureDefinition>();
  for (const definition of [...one, ...other]) {
    const fineMax = Math.max(definition.fineMax, byName.get(definition.name)?.fineMax ?? 0);
    byName.set(definition.name, { ...definition, fineMax });
  }
  return [...byName.values()].sort((x, y) => (x.name < y.name ? -1 : 1));
}

/** All of `one`, then those of `other` that do something else; and where each of `other` is found. */
function joinStreams(
  one: readonly StreamDefinition[],
  other: readonly StreamDefinition[],
): { readonly all: readonly StreamDefinition[]; readonly places: readonly number[] } {
  const all = [...one];
  const places = other.map((definition) => {
    const { ruleId, stream } = definition;
    const found = one.findIndex(
      (known) => known.ruleId === ruleId && known.stream.kind === stream.kind && known.stream.key === stream.key,
    );
    // State is stored by the rule's id, and both sides have one of this name. No rule's id can have a space.
    return found >= 0 ? found : all.push({ ...definition, ruleId: `${ruleId} of the other` }) - 1;
  });
  return { all, places };
}

function place(ruleset: Ruleset, features: FeatureSpec, streamAt: (index: number) => number): Ruleset {
  const places = new Map(features.features.map(({ name }, index) => [name, index]));
  const placed = new Map(ruleset.rules.map((rule) => [rule, placeRule(rule, places, streamAt)]));
  const rules = ruleset.rules.map((rule) => placed.get(rule) ?? rule);
  const judgedRules = ruleset.judgedRules.map((rule) => placed.get(rule) ?? placeRule(rule, places, streamAt));
  return { ...ruleset, rules, judgedRules, features };
}

function placeRule(
  rule: CompiledRule,
  places: ReadonlyMap<string, number>,
  streamAt: (index: number) => number,
): CompiledRule {
  const { shown } = rule;
  return {
    ...rule,
    featureIndex: shown === undefined ? (places.get(rule.definition.name) ?? -1) : -1,
    readIndexes: rule.reads.map(({ source }, index) =>
      source.kind === 'sum' ? (places.get(source.definition.name) ?? -1) : (rule.readIndexes[index] ?? -1),
    ),
    ...(shown?.kind === 'stream' ? { shown: { ...shown, index: streamAt(shown.index) } } : {}),
  };
}

function pricesOf({ currency, meters, overrides }: PriceBook): unknown {
  return { currency, meters: [...meters], overrides: [...overrides].map(([account, own]) => [account, [...own]]) };
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}
