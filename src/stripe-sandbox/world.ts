import type Stripe from 'stripe';
import type { CardBehaviour } from './resources/test-cards.ts';
import { SeededIds } from './seeded-ids.ts';
import type { StripeFault } from './stripe-fault.ts';
import { Table } from './table.ts';

/** The version whose shapes the sandbox speaks: the one the installed SDK is pinned to. */
export const API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;

export interface SandboxSettings {
  /** Same seed, same requests: same ids. */
  readonly seed: number;
  /** Epoch milliseconds; the sandbox has no clock of its own. */
  readonly now: () => number;
  readonly radar: RadarSettings;
  readonly fees: FeeSettings;
  /** How long a meter event waits before it is validated and counted. */
  readonly meterDelayMs: number;
}

/** What stands in the fake Dashboard under Radar > Rules. */
export interface RadarSettings {
  /** `none`: a plan without lists and custom rules; value lists answer 403. */
  readonly plan: 'teams' | 'none';
  /** Reviews payments of customers on this list; the rule `Review if :customer: in @alias`. */
  readonly reviewList: string | undefined;
  /** Blocks payments of customers on this list. */
  readonly blockList: string | undefined;
  /** The rule `Review if ::customer:usage_risk:: = 'review'`. */
  readonly reviewCustomerMetadata: boolean;
  /** The rule `Review if ::usage_risk:: = 'review'` on the PaymentIntent. */
  readonly reviewPaymentMetadata: boolean;
}

export interface FeeSettings {
  /** Parts per ten thousand of a charge. */
  readonly chargeBasisPoints: number;
  /** Minor units for each charge. */
  readonly chargeFixed: number;
  /** Minor units for each dispute. */
  readonly disputeFixed: number;
  /** Seconds until the money of a charge is available. */
  readonly availableAfterSeconds: number;
}

/** Receives what happens, in order. */
export type EventSink = (event: Stripe.Event) => void;

/** Everything the sandbox knows. Handlers change it synchronously. */
export class World {
  readonly settings: SandboxSettings;
  readonly ids: SeededIds;
  radar: RadarSettings;
  readonly customers = new Table<Stripe.Customer>('customer');
  readonly deletedCustomers = new Map<string, Stripe.DeletedCustomer>();
  readonly paymentMethods = new Table<Stripe.PaymentMethod>('PaymentMethod');
  /** What the card behind a payment method does, by payment method id. */
  readonly cards = new Map<string, CardBehaviour>();
  /** Cards that were authenticated once for off-session use. */
  readonly setUpCards = new Set<string>();
  readonly paymentIntents = new Table<Stripe.PaymentIntent>('payment_intent');
  /** Payments that are authorised and not captured; they expire. */
  readonly authorised = new Set<string>();
  readonly setupIntents = new Table<Stripe.SetupIntent>('setupintent');
  readonly charges = new Table<Stripe.Charge>('charge');
  readonly refunds = new Table<Stripe.Refund>('refund');
  readonly disputes = new Table<Stripe.Dispute>('dispute');
  readonly warnings = new Table<Stripe.Radar.EarlyFraudWarning>('issuer fraud record');
  readonly reviews = new Table<Stripe.Review>('review');
  readonly valueLists = new Table<Stripe.Radar.ValueList>('value list');
  readonly valueListItems = new Table<Stripe.Radar.ValueListItem>('value list item');
  readonly balanceTransactions = new Table<Stripe.BalanceTransaction>('balance transaction');
  readonly sessions = new Table<Stripe.Checkout.Session>('checkout.session');
  readonly lineItems = new Map<string, Stripe.LineItem[]>();
  readonly events = new Table<Stripe.Event>('event');
  readonly endpoints = new Table<Stripe.WebhookEndpoint>('webhook endpoint');
  readonly endpointSecrets = new Map<string, string>();
  readonly sinks: EventSink[] = [];
  /** The request being carried out; events name it. */
  request: Stripe.Event.Request | null = null;
  #latestSecond = 0;

  constructor(settings: SandboxSettings) {
    this.settings = settings;
    this.radar = settings.radar;
    this.ids = new SeededIds(settings.seed);
  }

  /** Unix seconds of now. Never goes back, so that lists stay ordered by creation. */
  now(): number {
    this.#latestSecond = Math.max(this.#latestSecond, Math.floor(this.settings.now() / 1_000));
    return this.#latestSecond;
  }

  /** Records an event with the object as it stands now, and hands it to the webhook endpoints. */
  emit(type: string, object: object, previous?: Record<string, unknown>): void {
    const event = {
      id: this.ids.next('evt'),
      object: 'event',
      api_version: API_VERSION,
      created: this.now(),
      data: {
        object: structuredClone(object),
        ...(previous === undefined ? {} : { previous_attributes: structuredClone(previous) }),
      },
      livemode: false,
      pending_webhooks: 0,
      request: this.request,
      type,
    } satisfies Omit<Stripe.EventBase, 'type'> & { type: string };
    // The SDK's union of 300 event types cannot be built from a type that is only known at run time.
    const stored = this.events.add(event as Stripe.Event);
    for (const sink of this.sinks) sink(stored);
  }
}

/** A result that must be remembered although it is an error: a decline, which changed the PaymentIntent. */
export interface Declined {
  readonly fault: StripeFault;
}

/** The id of what Stripe calls an expandable field. */
export function idOf(field: string | { readonly id: string } | null | undefined): string | undefined {
  return typeof field === 'string' ? field : field?.id;
}
