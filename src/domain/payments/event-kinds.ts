/** What an event of Stripe is about, and so what is fetched again when it arrives. */
export type EventSubject =
  /** A PaymentIntent, or something of one: a charge, refund, dispute, early fraud warning or review. */
  | 'payment'
  | 'checkout'
  | 'card'
  | 'customer'
  /** Ours to know, somebody else's to act on. */
  | 'none';

/** Every snapshot event that is subscribed to; the webhook endpoint and the backfill ask for exactly these. */
export const EVENT_SUBJECTS = {
  'checkout.session.completed': 'checkout',
  'checkout.session.async_payment_succeeded': 'checkout',
  'checkout.session.async_payment_failed': 'checkout',
  'checkout.session.expired': 'checkout',
  'payment_intent.succeeded': 'payment',
  'payment_intent.payment_failed': 'payment',
  'payment_intent.requires_action': 'payment',
  'payment_intent.processing': 'payment',
  'payment_intent.canceled': 'payment',
  'payment_intent.amount_capturable_updated': 'payment',
  'charge.refunded': 'payment',
  'refund.created': 'payment',
  'refund.updated': 'payment',
  'refund.failed': 'payment',
  'charge.dispute.created': 'payment',
  'charge.dispute.updated': 'payment',
  'charge.dispute.closed': 'payment',
  'charge.dispute.funds_withdrawn': 'payment',
  'charge.dispute.funds_reinstated': 'payment',
  'radar.early_fraud_warning.created': 'payment',
  'radar.early_fraud_warning.updated': 'payment',
  'review.opened': 'payment',
  'review.closed': 'payment',
  'payment_method.detached': 'card',
  'customer.deleted': 'customer',
} as const satisfies Record<string, EventSubject>;

export type SubscribedEvent = keyof typeof EVENT_SUBJECTS;

/** The types that are asked for. */
export const SUBSCRIBED_EVENTS = Object.keys(EVENT_SUBJECTS) as readonly SubscribedEvent[];

/** What an event is about; `none` for types nobody asked for. */
export function eventSubject(type: string): EventSubject {
  return Object.hasOwn(EVENT_SUBJECTS, type) ? EVENT_SUBJECTS[type as SubscribedEvent] : 'none';
}
