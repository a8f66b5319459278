import type { DeclineClass } from './decline.ts';
import type { TopUpKind, TopUpStatus } from './top-up-status.ts';

/** One top-up from its beginning to its end. Amounts are nano-units of `currency`. */
export interface TopUp {
  readonly topupId: string;
  readonly tenant: string;
  readonly account: string;
  readonly walletId: bigint;
  readonly currency: string;
  readonly kind: TopUpKind;
  /** What was asked for. */
  readonly amountNanos: bigint;
  readonly status: TopUpStatus;
  readonly attempt: number;
  readonly customer: string | null;
  readonly paymentMethod: string | null;
  readonly paymentIntent: string | null;
  readonly checkoutSession: string | null;
  /** Where the customer pays or confirms. */
  readonly url: string | null;
  readonly urlExpiresAtMs: number | null;
  /** Begun while the customer was before Radar: captured only after a look. */
  readonly isFlagged: boolean;
  readonly reviewId: string | null;
  /** By the rule that reads what we tell Radar. */
  readonly isReviewedByRule: boolean;
  readonly captureBeforeMs: number | null;
  readonly declineCode: string | null;
  readonly declineClass: DeclineClass | null;
  readonly note: string | null;
  readonly creditedNanos: bigint;
  readonly refundedNanos: bigint;
  readonly disputedNanos: bigint;
  readonly nextTryAtMs: number | null;
  readonly tries: number;
  readonly requestKey: string;
  readonly requestHash: string;
  readonly actor: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What may change after a top-up began. */
export type TopUpPatch = Partial<
  Omit<
    TopUp,
    | 'topupId'
    | 'tenant'
    | 'account'
    | 'walletId'
    | 'currency'
    | 'kind'
    | 'amountNanos'
    | 'requestKey'
    | 'requestHash'
    | 'actor'
    | 'createdAtMs'
    | 'updatedAtMs'
  >
>;
