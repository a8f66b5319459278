import type { Decline } from '../topups/decline.ts';

/**
 * A payment as Stripe has it now, fetched whole: the PaymentIntent with its charge, refunds, disputes, review and early
 * fraud warnings. Amounts are Stripe's smallest units of `currency`.
 */
export interface Payment {
  /** The PaymentIntent's id. */
  readonly id: string;
  readonly status: PaymentStatus;
  /** ISO 4217, capitals. */
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly receivedMinor: bigint;
  readonly customer: string | null;
  readonly paymentMethod: string | null;
  /** The card may be charged again without the customer. */
  readonly savesCard: boolean;
  /** Money is authorised first and captured by a second call. */
  readonly isManual: boolean;
  /** `wallet_topup_id` of the metadata that we set. */
  readonly topupId: string | null;
  readonly createdAtMs: number;
  readonly decline: Decline | null;
  /** When the authorisation ends, if Stripe says. */
  readonly captureBeforeMs: number | null;
  readonly review: PaymentReview | null;
  readonly refunds: readonly PaymentRefund[];
  readonly disputes: readonly PaymentDispute[];
  readonly warnings: readonly FraudWarning[];
}

export const PAYMENT_STATUSES = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'processing',
  'requires_capture',
  'canceled',
  'succeeded',
] as const;

/** Stripe's statuses; one that a later API adds is `other` and moves nothing. */
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number] | 'other';

export interface PaymentReview {
  readonly id: string;
  readonly isOpen: boolean;
  /** `rule`, `manual`, or what Stripe adds. */
  readonly openedReason: string;
  readonly closedReason: string | null;
  /** The condition of the Radar rule that matched the payment, if one did. */
  readonly rule: string | null;
}

export interface PaymentRefund {
  readonly id: string;
  readonly amountMinor: bigint;
  /** `pending`, `requires_action`, `succeeded`, `failed`, `canceled`. */
  readonly status: string;
}

export interface PaymentDispute {
  readonly id: string;
  readonly amountMinor: bigint;
  /** `won`, `lost`, `needs_response`, `warning_…`, and others. */
  readonly status: string;
  readonly reason: string;
  readonly createdAtMs: number;
  /** Zero to several: funds taken (negative) and given back (positive), without Stripe's fee. */
  readonly transactions: readonly DisputeTransaction[];
}

export interface DisputeTransaction {
  readonly id: string;
  readonly amountMinor: bigint;
}

export interface FraudWarning {
  readonly id: string;
  readonly fraudType: string;
  readonly isActionable: boolean;
  readonly createdAtMs: number;
}
