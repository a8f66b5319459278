import type { Payment } from '../payments/payment.ts';
import { classifyDecline } from './decline.ts';

/**
 * Where a top-up stands.
 *
 * `pending`: written down, Stripe's answer is not known. `awaiting_customer`: a page or a confirmation waits for them.
 * `processing`: the bank is at it. `in_review`: authorised, and somebody looks before it is captured. `paid`: the credit is
 * in the ledger. The others are ends without money.
 */
export const TOPUP_STATUSES = [
  'pending',
  'awaiting_customer',
  'processing',
  'in_review',
  'paid',
  'declined',
  'canceled',
  'expired',
  'failed',
] as const;
export type TopUpStatus = (typeof TOPUP_STATUSES)[number];

export type TopUpKind = 'checkout' | 'auto';

const ENDS: ReadonlySet<TopUpStatus> = new Set(['declined', 'canceled', 'expired', 'failed']);

/** Nothing more is expected. Money may still arrive: a payment that succeeds late makes it `paid`. */
export function isEnded(status: TopUpStatus): boolean {
  return status === 'paid' || ENDS.has(status);
}

/**
 * The status after its payment was fetched. It follows from the payment, not from the event that led to it, and never goes
 * back: money that was received stays received, and an end is only ever replaced by money.
 */
export function statusOfPayment(
  topUp: { readonly status: TopUpStatus; readonly kind: TopUpKind },
  payment: Pick<Payment, 'status' | 'decline'>,
): TopUpStatus {
  if (topUp.status === 'paid' || payment.status === 'succeeded') return 'paid';
  if (ENDS.has(topUp.status)) return topUp.status;
  switch (payment.status) {
    case 'requires_capture':
      return 'in_review';
    case 'processing':
      return 'processing';
    case 'canceled':
      return 'canceled';
    case 'requires_action':
      return 'awaiting_customer';
    case 'requires_payment_method':
      return afterDecline(topUp, payment);
    default:
      return topUp.status;
  }
}

/** The page of a checkout stays open after a card was refused; nobody is at hand when an automatic one is. */
function afterDecline(
  { status, kind }: { readonly status: TopUpStatus; readonly kind: TopUpKind },
  { decline }: Pick<Payment, 'decline'>,
): TopUpStatus {
  if (kind === 'checkout') return 'awaiting_customer';
  if (decline === null) return status;
  return classifyDecline(decline) === 'authenticate' ? 'awaiting_customer' : 'declined';
}
