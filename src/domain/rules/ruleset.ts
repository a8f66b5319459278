import type { ActionCaps } from '../decisions/action-caps.ts';
import type { ActionCosts } from '../decisions/expected-loss.ts';
import type { FeatureSpec } from '../features/feature-spec.ts';
import type { ReviewPolicy } from '../review/policy.ts';
import type { Band } from './band.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { RuleFile } from './load-ruleset.ts';
import type { PlannedSpike } from './planned.ts';
import type { PriceBook } from './price-book.ts';

export type { Band, BandAction, Outcome } from './band.ts';
export type { CompiledRule, RuleMode } from './compiled-rule.ts';
export { formatRuleLoadError, type RuleLoadError } from './load-error.ts';
export { type LoadOptions, type LoadResult, loadRuleset, type RuleFile } from './load-ruleset.ts';

/** Everything the files under `rules/` say, checked and compiled. Immutable; safe to share between lanes. */
export interface Ruleset {
  /** SHA-256 of the files' names and content, whatever their order: the version every decision stores. */
  readonly hash: string;
  /** The files it was loaded from, to be kept with what it decides; left out where nothing is decided. */
  readonly files?: readonly RuleFile[];
  readonly rules: readonly CompiledRule[];
  /** Those that are evaluated: live and shadow, ordered by id. */
  readonly judgedRules: readonly CompiledRule[];
  /** Ascending, covering 0 to 100. */
  readonly bands: readonly Band[];
  readonly features: FeatureSpec;
  readonly pricing: PriceBook;
  /** How far a wallet may go below zero before usage is quarantined, unless the wallet has its own limit. */
  readonly overdraftNanos: bigint;
  readonly freeze: FreezePolicy;
  readonly budgets: Budgets;
  /** The rules as lanes run them, where some of these run in backtests only. */
  readonly inLanes?: Pick<Ruleset, 'judgedRules' | 'features'>;
  /** What acting costs; without it outcomes follow from points alone. */
  readonly costs?: ActionCosts | null;
  /** What the rules may do by themselves; the day's freezes alone bound them where it is left out. */
  readonly caps?: ActionCaps;
  /** How long a bank's early fraud warning freezes the wallet; without it, it only labels. */
  readonly warningFreezeHours?: number | null;
  /** What a language model may judge, and how far; without it none is asked. */
  readonly review?: ReviewPolicy | null;
  /** Announced usage by account. */
  readonly planned?: ReadonlyMap<string, readonly PlannedSpike[]>;
  /** Set while the files on disk are not these, and are not valid: every decision says so. */
  readonly onDisk?: RefusedRules;
}

/** What lies on disk and is not in force. */
export interface RefusedRules {
  readonly hash: string;
  readonly sinceMs: number;
  readonly errors: number;
}

/** How long a freeze lasts, and how many a day are allowed before freezes are demoted to review. */
export interface FreezePolicy {
  readonly hours: number;
  readonly perDayMax: number;
}

/** What the team can work through. */
export interface Budgets {
  readonly alertsPerDay: number;
}
