/** Cash that the ledger says came in or left by Stripe: one ledger transaction. */
export interface LedgerMovement {
  /** The Stripe object that moved the money: `pi_…`, `re_…`, or `txn_…` of a dispute. */
  readonly reference: string;
  /** Idempotency key of the ledger transaction. */
  readonly key: string;
  /** ISO 4217, capitals. */
  readonly currency: string;
  /** Nano-units; positive when the wallet gained. */
  readonly amountNanos: bigint;
  readonly atMs: number;
}

/** One balance transaction of Stripe's that is about a payment. */
export interface StripeMovement {
  readonly reference: string;
  /** The balance transaction's own id. */
  readonly id: string;
  /** What the customer was charged in. */
  readonly currency: string;
  /** Smallest units of `currency`; positive when money came in. */
  readonly amountMinor: bigint;
  readonly atMs: number;
  /** In `balanceCurrency`, as are the fee and what is left after it. */
  readonly balanceAmountMinor: bigint;
  readonly feeMinor: bigint;
  readonly netMinor: bigint;
  readonly balanceCurrency: string;
  readonly paymentIntent: string | null;
  /** The top-up that the payment's metadata names. */
  readonly topupId: string | null;
}

/** Everything both sides say of one Stripe object. One of the lists may be empty, never both. */
export interface Pair {
  readonly reference: string;
  readonly ledger: readonly LedgerMovement[];
  readonly stripe: readonly StripeMovement[];
}

/** The top-up or request that a pair belongs to in our books. */
export interface Owner {
  readonly tenant: string;
  readonly account: string;
  /** Charged, and the credit waits until Radar's review is over. */
  readonly isInReview: boolean;
}
