import { isOverCutoff, observedBy, refreshCache, usualFor, windowEnd } from '../../domain/decisions/cut-off-cache.ts';
import { bindSpec } from '../../domain/features/account-features.ts';
import { hourOfFine } from '../../domain/features/feature-spec.ts';
import type { AccountFeatures } from '../../domain/features/feature-state.ts';
import { log, round6 } from '../../domain/math.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';

/** What one rule, live or shadow, sees after one event: before bands, gates, breaker and budget. */
export interface Sighting {
  readonly ruleId: string;
  /** How rare it is; continuous and without a ceiling. Comparable between rules. */
  readonly score: number;
  /** Named by sightings that are about a source rather than the account. */
  readonly source?: string;
}

const NOTHING: readonly Sighting[] = [];

/**
 * Every rule that the event touched and that fires now. Call it after the fold and before `judge`, which forgets what was
 * touched. The score is how far the window lies above its cut-off, in powers of ten.
 */
export function sightingsOf(ruleset: Ruleset, features: AccountFeatures): readonly Sighting[] {
  bindSpec(features, ruleset.features);
  const { touched, touchedFine } = features.transient;
  if (touched === 0) return NOTHING;
  refreshCache(features, ruleset);
  let sightings: Sighting[] | undefined;
  const rules = ruleset.judgedRules;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule === undefined || ((touched >> rule.featureIndex) & 1) === 0) continue;
    const bucket = rule.detector.bucket === 'hour' ? hourOfFine(touchedFine) : touchedFine;
    if (bucket <= windowEnd(features, rule) - rule.detector.windowBuckets) continue;
    const observed = observedBy(features, rule, index);
    if (!isOverCutoff(features, rule, index, observed)) continue;
    const { cutoff } = usualFor(features, rule);
    sightings ??= [];
    sightings.push({ ruleId: rule.id, score: round6(log(observed / cutoff) / Math.LN10) });
  }
  return sightings ?? NOTHING;
}
