import type { Payment } from '../../domain/payments/payment.ts';
import type { Decline } from '../../domain/topups/decline.ts';

/** A page of Stripe's on which a customer pays. */
export interface CheckoutPage {
  readonly sessionId: string;
  /** `open`, `complete`, `expired`. */
  readonly status: string;
  readonly url: string | null;
  readonly expiresAtMs: number;
  readonly paymentIntent: string | null;
  /** `wallet_topup_id` of its metadata. */
  readonly topupId: string | null;
}

export interface CheckoutRequest {
  readonly topupId: string;
  readonly customer: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  /** Authorise only, and tell Radar. */
  readonly isFlagged: boolean;
  readonly successUrl: string;
  readonly cancelUrl: string;
  /** The same for every try of one business attempt. */
  readonly key: string;
}

export interface CardCharge {
  readonly topupId: string;
  readonly attempt: number;
  readonly customer: string;
  readonly paymentMethod: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly isFlagged: boolean;
  readonly key: string;
}

export type ChargeAnswer =
  | { readonly is: 'taken'; readonly paymentIntent: string }
  | { readonly is: 'declined'; readonly paymentIntent: string | null; readonly decline: Decline };

/** What is kept of an event: enough to fetch what it is about. */
export interface EventNotice {
  readonly eventId: string;
  readonly type: string;
  readonly shape: 'snapshot' | 'thin';
  readonly apiVersion: string | null;
  readonly isLive: boolean;
  readonly createdAtMs: number;
  readonly objectId: string | null;
  readonly objectType: string | null;
  readonly paymentIntent: string | null;
  readonly chargeId: string | null;
  readonly customer: string | null;
}

/**
 * Stripe, as far as money in needs it. Every method throws an `AppError` with a code `STRIPE_…`; `failures.ts` says which of
 * them pass.
 */
export interface StripePort {
  readonly isLive: boolean;
  readonly apiVersion: string;
  readonly createCustomer: (request: {
    readonly tenant: string;
    readonly account: string;
    readonly key: string;
  }) => Promise<string>;
  readonly createCheckout: (request: CheckoutRequest) => Promise<CheckoutPage>;
  readonly checkout: (sessionId: string) => Promise<CheckoutPage>;
  readonly chargeCard: (request: CardCharge) => Promise<ChargeAnswer>;
  /** The payment with everything that belongs to it. */
  readonly payment: (paymentIntent: string) => Promise<Payment>;
  /** The PaymentIntent of a charge; null for a charge without one. */
  readonly paymentOfCharge: (chargeId: string) => Promise<string | null>;
  /** PaymentIntents of a customer made at or after a moment that carry this top-up's id. */
  readonly paymentsOfTopUp: (request: {
    readonly customer: string;
    readonly topupId: string;
    readonly sinceMs: number;
  }) => Promise<readonly string[]>;
  readonly capture: (paymentIntent: string, key: string) => Promise<void>;
  readonly cancel: (paymentIntent: string, key: string) => Promise<void>;
  /** Events of these types created at or after a moment, the newest first. */
  readonly events: (query: {
    readonly types: readonly string[];
    readonly sinceMs: number;
  }) => AsyncIterable<EventNotice>;
  readonly radar: RadarPort;
  readonly webhooks: {
    readonly list: () => Promise<readonly WebhookEndpoint[]>;
    readonly create: (endpoint: { readonly url: string; readonly types: readonly string[] }) => Promise<{
      readonly endpoint: WebhookEndpoint;
      readonly secret: string | null;
    }>;
  };
}

/** An address that Stripe sends snapshot events to. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly apiVersion: string | null;
  readonly isOn: boolean;
  readonly types: readonly string[];
}

/** Value lists and customer metadata. Lists throw `STRIPE_LISTS_UNAVAILABLE` where the plan or the key has none. */
export interface RadarPort {
  /** The id of the list with this alias; made when it is missing. */
  readonly ensureList: (list: { readonly alias: string; readonly name: string }) => Promise<{
    readonly id: string;
    readonly isNew: boolean;
  }>;
  /** Adds a customer; one that is on the list already is found. Returns the item's id. */
  readonly addToList: (listId: string, customer: string, key: string) => Promise<string>;
  /** Removes an item; one that is gone is fine. */
  readonly removeFromList: (itemId: string) => Promise<void>;
  /** Sets the metadata that rules may read, or clears it. */
  readonly markCustomer: (customer: string, risk: { readonly decisionId: string | null } | null) => Promise<void>;
}
