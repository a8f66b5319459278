import type Stripe from 'stripe';
import {
  type FraudWarning,
  PAYMENT_STATUSES,
  type Payment,
  type PaymentDispute,
  type PaymentRefund,
  type PaymentReview,
} from '../../domain/payments/payment.ts';
import type { CheckoutPage, EventNotice } from '../../pipeline/stripe/stripe-port.ts';

/** Name of the metadata that ties Stripe's objects to a top-up. */
export const TOPUP_METADATA = 'wallet_topup_id';

/** The id of something that Stripe answers as an id or, expanded, as the object. */
export function idOf(value: string | { readonly id: string } | null | undefined): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : value.id;
}

/** A PaymentIntent with what belongs to it, in the words of the domain. */
export function readPayment(
  intent: Stripe.PaymentIntent,
  parts: {
    readonly charge: Stripe.Charge | null;
    readonly review: Stripe.Review | null;
    /** The condition of the rule that matched. */
    readonly rule: string | null;
    readonly refunds: readonly Stripe.Refund[];
    readonly disputes: readonly Stripe.Dispute[];
    readonly warnings: readonly Stripe.Radar.EarlyFraudWarning[];
  },
): Payment {
  const error = intent.last_payment_error;
  const captureBefore = parts.charge?.payment_method_details?.card?.capture_before;
  return {
    id: intent.id,
    status: PAYMENT_STATUSES.find((status) => status === intent.status) ?? 'other',
    currency: intent.currency.toUpperCase(),
    amountMinor: BigInt(intent.amount),
    receivedMinor: BigInt(intent.amount_received),
    customer: idOf(intent.customer),
    paymentMethod: idOf(intent.payment_method),
    savesCard: intent.setup_future_usage === 'off_session',
    isManual: intent.capture_method === 'manual',
    topupId: intent.metadata[TOPUP_METADATA] ?? null,
    createdAtMs: intent.created * 1_000,
    decline:
      error === null
        ? null
        : {
            code: error.code ?? null,
            declineCode: error.decline_code ?? null,
            adviceCode: error.advice_code ?? null,
            networkAdviceCode: error.network_advice_code ?? null,
            networkDeclineCode: error.network_decline_code ?? null,
          },
    captureBeforeMs: captureBefore === undefined ? null : captureBefore * 1_000,
    review: parts.review === null ? null : readReview(parts.review, parts.rule),
    refunds: parts.refunds.map(readRefund),
    disputes: parts.disputes.map(readDispute),
    warnings: parts.warnings.map(readWarning),
  };
}

function readReview(review: Stripe.Review, rule: string | null): PaymentReview {
  return {
    id: review.id,
    isOpen: review.open,
    openedReason: review.opened_reason,
    closedReason: review.closed_reason,
    rule,
  };
}

function readRefund({ id, amount, status }: Stripe.Refund): PaymentRefund {
  return { id, amountMinor: BigInt(amount), status: status ?? 'succeeded' };
}

function readDispute(dispute: Stripe.Dispute): PaymentDispute {
  const { id, amount, currency, status, reason, created } = dispute;
  return {
    id,
    amountMinor: BigInt(amount),
    status,
    reason,
    createdAtMs: created * 1_000,
    transactions: dispute.balance_transactions.map((transaction) => {
      // A balance in another currency than the charge's: then the dispute's own amount is what the customer paid.
      const isSame = transaction.currency === currency;
      const minor = BigInt(isSame ? transaction.amount : amount * Math.sign(transaction.amount));
      return { id: transaction.id, amountMinor: minor };
    }),
  };
}

function readWarning(warning: Stripe.Radar.EarlyFraudWarning): FraudWarning {
  return {
    id: warning.id,
    fraudType: warning.fraud_type,
    isActionable: warning.actionable,
    createdAtMs: warning.created * 1_000,
  };
}

/** A Checkout Session in the words of the pipeline. */
export function readCheckout(session: Stripe.Checkout.Session): CheckoutPage {
  return {
    sessionId: session.id,
    status: session.status ?? 'open',
    url: session.url,
    expiresAtMs: session.expires_at * 1_000,
    paymentIntent: idOf(session.payment_intent),
    topupId: session.metadata?.[TOPUP_METADATA] ?? null,
  };
}

/** What is kept of a snapshot event. Its object is not believed, only asked for its names. */
export function readEvent(event: Stripe.Event): EventNotice {
  const object: Readonly<Record<string, unknown>> = { ...event.data.object };
  const objectId = nameIn(object, 'id');
  const objectType = textIn(object, 'object');
  return {
    eventId: event.id,
    type: event.type,
    shape: 'snapshot',
    apiVersion: event.api_version,
    isLive: event.livemode,
    createdAtMs: event.created * 1_000,
    objectId,
    objectType,
    paymentIntent: objectType === 'payment_intent' ? objectId : nameIn(object, 'payment_intent'),
    chargeId: objectType === 'charge' ? objectId : nameIn(object, 'charge'),
    customer: objectType === 'customer' ? objectId : nameIn(object, 'customer'),
  };
}

function nameIn(object: Readonly<Record<string, unknown>>, field: string): string | null {
  const value = object[field];
  if (typeof value === 'object' && value !== null && 'id' in value)
    return typeof value.id === 'string' ? value.id : null;
  return textIn(object, field);
}

function textIn(object: Readonly<Record<string, unknown>>, field: string): string | null {
  const value = object[field];
  return typeof value === 'string' && value !== '' ? value : null;
}
