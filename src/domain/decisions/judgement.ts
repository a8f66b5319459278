import type { StreamEvidence } from '../detectors/stream-detector.ts';
import type { Outcome } from '../rules/band.ts';
import type { ConditionPart } from '../rules/conditions/condition.ts';

/** When and for whom a judgement is made. `ingestedAtMs` is the only "now" the domain knows. */
export interface Moment {
  readonly account: string;
  readonly ingestedAtMs: number;
  /** What the event that was just folded costs. */
  readonly eventSpendNanos: number;
  /** How much busier all accounts together are than usual; 1 when left out. Volumes are judged as if divided by it. */
  readonly platformFactor?: number;
  /** Judged again without the wallet it had then: no gate opens because money at risk has doubled. */
  readonly isRiskUnknown?: boolean;
  /** What conditions may ask of the wallet and the event; left out where they are not known. */
  readonly wallet?: WalletFigures;
  readonly event?: { readonly source: string; readonly meter: string };
  /** Only inside tests of rules: stands for everything the series does not hold. */
  readonly given?: ReadonlyMap<string, number | string>;
}

/** A wallet as conditions see it; amounts in nano-units. */
export interface WalletFigures {
  readonly posted: bigint;
  readonly held: bigint;
  readonly quarantined: bigint;
  readonly status: string;
}

/** What all rules together say about an account after one event. */
export interface Judgement {
  readonly outcome: Outcome;
  /** Sum of the points of live rules that hit, at most 100. */
  readonly score: number;
  /** Somebody should be told: a live rule speaks for the first time in a while, or the outcome became harsher. */
  readonly raised: boolean;
  /** Flags or the incident changed; the caller saves the account's features with this batch. */
  readonly stateChanged: boolean;
  readonly results: readonly RuleResult[];
}

/** What one rule saw. Amounts are in the feature's unit. */
export interface RuleResult {
  readonly ruleId: string;
  readonly title: string;
  readonly mode: 'live' | 'shadow';
  /** `snoozed`: it hits, but has already spoken and stays silent; its points still count. */
  readonly status: 'hit' | 'no_hit' | 'inconclusive' | 'snoozed';
  /** Points it adds to the total now: zero unless it is live and hits. */
  readonly score: number;
  readonly kind: string;
  readonly feature: string;
  /** `nanos` for money, otherwise what is counted. */
  readonly unit: string;
  readonly windowMs: number;
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  /** Would not have fired below this observed value; null when there is too little history to say. */
  readonly threshold: number | null;
  readonly z?: number;
  readonly times?: number;
  /** Windows the baseline was learned from. */
  readonly points: number;
  /** One sentence for a person; empty unless it hits. */
  readonly say: string;
  /** Why it is inconclusive, or why its conditions or a plan kept it from firing. */
  readonly reason?: string;
  /** Of a rule that is shown events: what its rarity (`observed`) was made from. */
  readonly evidence?: StreamEvidence;
  /** How much busier the whole platform was than usual: `threshold` is so many times the account's own. */
  readonly platformFactor?: number;
  /** Every comparison of `when` and `unless`, with its values. */
  readonly conditions?: readonly ConditionPart[];
}
