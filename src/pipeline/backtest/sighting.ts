import { isOverCutoff, observedBy, refreshCache, usualFor, windowEnd } from '../../domain/decisions/cut-off-cache.ts';
import { bindSpec, type FoldInput } from '../../domain/features/account-features.ts';
import { hourOfFine } from '../../domain/features/feature-spec.ts';
import type { AccountFeatures } from '../../domain/features/feature-state.ts';
import { log, round6 } from '../../domain/math.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { HOUR_MS } from '../../domain/time.ts';

/** What one rule, live or shadow, says after an event: before bands, breaker and budget. */
export interface Sighting {
  readonly account: string;
  /** When the event arrived. */
  readonly atMs: number;
  readonly ruleId: string;
  /** How rare it is; continuous and without a ceiling. */
  readonly score: number;
  /** What the score was made from, in the rule's own unit. */
  readonly raw: number;
}

/** Holds what sightings need beyond one account's features; one per replay. */
export interface SightingBook {
  /** Call it after each fold and before `judge`, which forgets what was touched. */
  readonly see: (account: string, features: AccountFeatures, input: FoldInput) => readonly Sighting[];
}

/** How much higher a score must be to be told again while its incident lasts. */
const SCORE_STEP = 0.01;

/** After this long a rule tells again what it still sees, however little it has risen. */
const REPEAT_MS = 24 * HOUR_MS;

interface Said {
  atMs: number;
  score: number;
}

/** The score is how far a window lies above its cut-off, in powers of ten. */
export function createSightingBook(ruleset: Ruleset): SightingBook {
  const said = new Map<string, Said>();
  return {
    see(account, features, { ingestedAtMs }) {
      return hitsOf(ruleset, features).flatMap(({ ruleId, score, raw }) => {
        const key = `${ruleId}\u0000${account}`;
        const last = said.get(key);
        if (last !== undefined && ingestedAtMs - last.atMs < REPEAT_MS && score < last.score + SCORE_STEP) return [];
        said.set(key, { atMs: ingestedAtMs, score });
        return [{ account, atMs: ingestedAtMs, ruleId, score, raw }];
      });
    },
  };
}

const NOTHING: readonly Pick<Sighting, 'ruleId' | 'score' | 'raw'>[] = [];

/** Every rule that the event touched and that fires now. */
function hitsOf(ruleset: Ruleset, features: AccountFeatures): readonly Pick<Sighting, 'ruleId' | 'score' | 'raw'>[] {
  bindSpec(features, ruleset.features);
  const { touched, touchedFine } = features.transient;
  if (touched === 0) return NOTHING;
  refreshCache(features, ruleset);
  let hits: Pick<Sighting, 'ruleId' | 'score' | 'raw'>[] | undefined;
  const rules = ruleset.judgedRules;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule === undefined || ((touched >> rule.featureIndex) & 1) === 0) continue;
    const bucket = rule.detector.bucket === 'hour' ? hourOfFine(touchedFine) : touchedFine;
    if (bucket <= windowEnd(features, rule) - rule.detector.windowBuckets) continue;
    const observed = observedBy(features, rule, index);
    if (!isOverCutoff(features, rule, index, observed)) continue;
    const { cutoff } = usualFor(features, rule);
    hits ??= [];
    hits.push({ ruleId: rule.id, score: round6(log(observed / cutoff) / Math.LN10), raw: observed });
  }
  return hits ?? NOTHING;
}
