import type { CompiledDetector } from '../detectors/detector.ts';
import type { FeatureDefinition } from '../features/feature-spec.ts';
import type { FeatureUnit } from '../features/feature-unit.ts';
import type { CompiledCondition, FeatureRead } from './conditions/condition.ts';
import type { Given } from './given.ts';
import type { SayTemplate } from './say.ts';
import type { EventStep, ShownRule } from './shown-rule.ts';

/** draft: only checked and tested; shadow: evaluated and recorded; live: with effect; retired: kept for history. */
export type RuleMode = 'draft' | 'shadow' | 'live' | 'retired';

/** A rule file, checked and ready to run. */
export interface CompiledRule {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly owner: string;
  readonly mode: RuleMode;
  /** Rule points 0–100. */
  readonly score: number;
  readonly kind: string;
  /** Name of the feature it looks at, what to keep for it, and its place in the ruleset's feature spec. */
  readonly feature: string;
  readonly definition: FeatureDefinition;
  readonly featureIndex: number;
  readonly clock: 'occurred' | 'ingested';
  readonly unit: FeatureUnit;
  readonly detector: CompiledDetector;
  /** What it runs instead when it does not look at sums of buckets. */
  readonly shown?: ShownRule;
  /** Must hold for the rule to fire; undefined for a rule without. */
  readonly when: CompiledCondition | undefined;
  /** Keeps the rule from firing where it holds. */
  readonly unless: CompiledCondition | undefined;
  /** What the two conditions and the sentence ask the account's features for. */
  readonly reads: readonly FeatureRead[];
  /** Place of each read in the feature spec: among its features, or among the properties that are counted. */
  readonly readIndexes: readonly number[];
  readonly say: SayTemplate;
  readonly once: OnceGate;
  readonly tests: readonly RuleTest[];
  /** File it came from. */
  readonly path: string;
}

/** How long a rule stays silent about an account after it has spoken. */
export interface OnceGate {
  readonly forMs: number;
  /** Speaks again before that when what it observes, or the account's money at risk, has doubled. */
  readonly againIf: 'observed_doubles' | 'money_at_risk_doubles' | 'never';
}

/** A test inside a rule file. */
export interface RuleTest {
  readonly name: string;
  readonly series: readonly SeriesStep[];
  /** Instead of a series, for rules that are shown events. */
  readonly events?: readonly EventStep[];
  /** What the series cannot hold, by the name conditions use. */
  readonly given: Given;
  readonly expect: 'fires' | 'quiet' | 'inconclusive';
  readonly line: number;
  readonly col: number;
}

/** One value per hour, repeated; `burstMs` puts all of it into the first minutes of the hour. */
export interface SeriesStep {
  readonly value: number;
  readonly hours: number;
  readonly burstMs: number | undefined;
}
