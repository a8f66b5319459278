import type { FeatureDefinition } from '../features/feature-spec.ts';
import type { FeatureUnit } from '../features/feature-unit.ts';
import { suggest } from './did-you-mean.ts';
import type { PriceBook } from './price-book.ts';
import type { Parsed } from './units.ts';

const SIMPLE = ['spend', 'events', 'altered'] as const;

/** A feature as rules name it, and what it counts. */
export interface NamedFeature {
  readonly definition: Omit<FeatureDefinition, 'fineMax'>;
  readonly unit: FeatureUnit;
}

/** Reads `spend`, `events`, `altered`, `quantity('meter')` (its sum) or `count('meter')` (its events, facts included). */
export function parseFeature(text: string, pricing: PriceBook): Parsed<NamedFeature> {
  switch (text) {
    case 'spend':
      return named(text, 'spend', { kind: 'money', currency: pricing.currency });
    case 'events':
      return named(text, 'events', { kind: 'count', name: 'count' });
    case 'altered':
      return named(text, 'altered', { kind: 'count', name: 'count' });
  }
  const [, kind, meterName] = /^(quantity|count)\('([^']+)'\)$/.exec(text) ?? [];
  if (meterName === undefined) {
    const loose = /^(?:quantity|meter)\W*([\w.]+)\W*$/.exec(text)?.[1] ?? (pricing.meters.has(text) ? text : undefined);
    const fix =
      loose === undefined ? suggest(text, [...SIMPLE, "quantity('meter')", "count('meter')"]) : `quantity('${loose}')`;
    return { ok: false, code: 'RULE-NAME-001', message: `${JSON.stringify(text)} is not a feature.`, fix };
  }
  const meter = pricing.meters.get(meterName);
  if (meter === undefined) {
    const message = `${meterName} is not in pricing.yaml.`;
    return { ok: false, code: 'RULE-NAME-002', message, fix: suggest(meterName, [...pricing.meters.keys()]) };
  }
  if (kind === 'count') {
    const definition = { name: text, source: 'events', meter: meterName, clock: 'occurred' } as const;
    return { ok: true, value: { definition, unit: { kind: 'count', name: 'count' } } };
  }
  const definition = { name: text, source: 'quantity', meter: meterName, clock: 'occurred' } as const;
  return { ok: true, value: { definition, unit: { kind: 'count', name: meter.unit } } };
}

function named(name: string, source: (typeof SIMPLE)[number], unit: FeatureUnit): Parsed<NamedFeature> {
  const clock = source === 'altered' ? 'ingested' : 'occurred';
  return { ok: true, value: { definition: { name, source, clock }, unit } };
}
