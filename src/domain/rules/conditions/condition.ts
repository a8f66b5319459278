import type { DistinctOf } from '../../features/distinct-values.ts';
import type { FeatureDefinition } from '../../features/feature-spec.ts';

/** What a part of a condition is measured in. `plain` is a number as it is written; it fits every count, ratio or time. */
export type NumberUnit =
  | { readonly kind: 'money'; readonly currency: string }
  | { readonly kind: 'count'; readonly name: string }
  | { readonly kind: 'ratio' }
  | { readonly kind: 'days' }
  | { readonly kind: 'clock' }
  | { readonly kind: 'plain' };

/** A number over a trailing window that a condition asks an account's features for. */
export interface FeatureRead {
  /** As conditions, `given:` and evidence spell it: `distinct('key','24h')`. */
  readonly name: string;
  /** As `say` names it: `distinct_key`. */
  readonly field: string;
  readonly unit: NumberUnit;
  readonly windowMs: number;
  readonly source: SumSource | DistinctSource;
}

/** Summed from the buckets of a feature. */
export interface SumSource {
  readonly kind: 'sum';
  readonly definition: Omit<FeatureDefinition, 'fineMax'>;
  readonly bucket: 'hour' | 'five_minutes';
  readonly buckets: number;
}

/** How many different values of a property were seen. */
export interface DistinctSource {
  readonly kind: 'distinct';
  readonly of: DistinctOf;
}

/** Three answers: yes, no, or not to be said because something is missing or cannot be computed. */
export const YES = 1;
export const NO = 0;
export const UNKNOWN = -1;

export type Answer = typeof YES | typeof NO | typeof UNKNOWN;

/** What a condition may ask while it is evaluated. Numbers are NaN where they are not known. */
export interface ConditionInput {
  /** Value of the rule's read with this index. */
  readonly read: (index: number) => number;
  readonly number: (name: NumberName) => number;
  /** undefined where it is not known. */
  readonly text: (name: TextName) => string | undefined;
  readonly nowMs: number;
}

/** Numbers a condition may name besides the functions. */
export type NumberName =
  | 'observed'
  | 'expected'
  | 'lower'
  | 'upper'
  | 'threshold'
  | 'z'
  | 'times'
  | 'account.age_days'
  | 'wallet.posted'
  | 'wallet.held'
  | 'wallet.balance'
  | 'wallet.available'
  | 'wallet.quarantined'
  | 'now.hour'
  | 'now.weekday';

/** Texts a condition may name; what a customer chose among them is compared, never printed. */
export type TextName = 'account' | 'wallet.status' | 'event.source' | 'event.meter';

/** One comparison of a condition with what stood on its two sides. */
export interface ConditionPart {
  readonly part: 'when' | 'unless';
  /** As it is written. */
  readonly text: string;
  readonly left: number | string | null;
  /** null where it is a list, or not known. */
  readonly right: number | string | null;
  /** `nanos`, `ratio`, `days`, `text` or what is counted. */
  readonly unit: string;
  readonly answer: 'true' | 'false' | 'unknown';
}

/** `when:` or `unless:`, compiled. */
export interface CompiledCondition {
  readonly part: 'when' | 'unless';
  readonly text: string;
  /** Answers, and leaves every comparison's values for `lastParts` and `lastTrouble`. Nothing is allocated. */
  readonly evaluate: (input: ConditionInput) => Answer;
  /** The comparisons of the latest evaluation; every one, whether or not the others had decided already. */
  readonly lastParts: () => readonly ConditionPart[];
  /** Why the latest answer is unknown. */
  readonly lastTrouble: () => string | undefined;
}
