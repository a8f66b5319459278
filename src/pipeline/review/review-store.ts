import type { TokenUsage } from '../../domain/review/budget.ts';
import type { ReviewSubject } from '../../domain/review/evidence.ts';
import type { ReviewResult } from '../../domain/review/settle.ts';
import type { Claim, ModelVerdict } from '../../domain/review/verdict.ts';

/** What is stored of a review when it is over. */
export interface FinishedReview {
  readonly alertId: string;
  readonly tenant: string;
  readonly result: ReviewResult;
  readonly scoreBefore: number;
  readonly model: string | null;
  readonly promptHash: string | null;
  readonly inputHash: string | null;
  readonly isCached: boolean;
  readonly usage: TokenUsage | null;
  /** Nano-units; null when the server did not say what it used. */
  readonly costNanos: bigint | null;
  readonly latencyMs: number;
  readonly atMs: number;
}

/** A review as it is shown. */
export interface ReviewView {
  readonly alertId: string;
  readonly status: 'running' | 'reviewed' | 'deterministic';
  readonly cause: string | null;
  readonly verdict: ModelVerdict['verdict'] | null;
  readonly confidence: number | null;
  readonly claims: readonly Claim[];
  readonly claimsDropped: number;
  readonly nextStep: ModelVerdict['next_step'] | null;
  readonly proposesClosing: boolean;
  readonly scoreBefore: number;
  readonly scoreAfter: number;
  readonly model: string | null;
  readonly promptHash: string | null;
  readonly isCached: boolean;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costNanos: bigint | null;
  readonly latencyMs: number | null;
  readonly atMs: number;
}

/** Reviews since a time, by what became of them. */
export interface ReviewTotals {
  readonly reviewed: number;
  readonly running: number;
  readonly causes: Readonly<Record<string, number>>;
  /** Known costs, and the reserves of those whose cost is not known. */
  readonly countedNanos: bigint;
  readonly waiting: number;
}

/** Where reviews are kept. */
export interface ReviewStore {
  /** The alert with all that is known of it; undefined when it is gone. */
  readonly subject: (tenant: string, alertId: string) => Promise<ReviewSubject | undefined>;
  /** Whether an alert's review is over. */
  readonly isDone: (alertId: string) => Promise<boolean>;
  /** The result of an earlier review with equal input. */
  readonly sameInput: (tenant: string, inputHash: string) => Promise<ReviewView | undefined>;
  /** Sets money aside for a review; false when that is more than is left of the day. */
  readonly reserve: (request: {
    readonly tenant: string;
    readonly alertId: string;
    readonly score: number;
    readonly reserveNanos: bigint;
    readonly budgetNanos: bigint;
    readonly dayStartMs: number;
    readonly atMs: number;
  }) => Promise<boolean>;
  readonly finish: (review: FinishedReview) => Promise<void>;
  readonly totals: (tenant: string, sinceMs: number) => Promise<ReviewTotals>;
  /** Closed alerts in the band that have no review, or all closed alerts; the newest first. */
  readonly closedCases: (tenant: string, limit: number) => Promise<readonly ReviewSubject[]>;
}

/** What a server answered, or why it did not. */
export type ModelAnswer =
  | { readonly status: 'answered'; readonly value: unknown; readonly usage: TokenUsage | null }
  | {
      readonly status: 'failed';
      readonly cause:
        | 'unreachable'
        | 'timeout'
        | 'refused_by_server'
        | 'refusal'
        | 'truncated'
        | 'filtered'
        | 'not_json'
        | 'wrong_shape';
      readonly usage: TokenUsage | null;
    };

/** A language model. Never throws for what a server does. */
export interface ReviewModel {
  readonly ask: (request: {
    readonly model: string;
    readonly system: string;
    readonly user: string;
    readonly timeoutMs: number;
    readonly outputTokensMax: number;
  }) => Promise<ModelAnswer>;
}
