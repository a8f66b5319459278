import type { ReviewView } from '../review/review-store.ts';
import type { DecisionEvidence } from './decision-evidence.ts';
import type { AlertStatus } from './queries.ts';

/** Which decision is to be explained. */
export type ExplainedWhich =
  | { readonly by: 'alert' | 'decision'; readonly id: string }
  /** The newest about an account; with `rule`, in which this rule fired. */
  | { readonly by: 'account'; readonly account: string; readonly rule?: string };

/** A decision as it was stored, with the alert it raised. */
export interface ExplainedDecision {
  readonly decisionId: string;
  readonly tenant: string;
  readonly account: string;
  readonly walletId: bigint;
  readonly currency: string;
  readonly outcome: string;
  readonly score: number;
  readonly rulesetHash: string;
  readonly decidedAtMs: number;
  readonly evidence: DecisionEvidence;
  /** What a language model said of its alert; null when nobody asked one. */
  readonly review: ReviewView | null;
  /** Null when it raised none: what fires is in shadow, has been told before, or the wallet was stopped already. */
  readonly alert: { readonly alertId: string; readonly title: string; readonly status: AlertStatus } | null;
}
