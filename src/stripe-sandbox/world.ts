import type Stripe from 'stripe';
import { MeterStore } from './meters/meter-store.ts';
import type { IntentPlan } from './resources/checkout-sessions.ts';
import { matchesType } from './resources/events.ts';
import type { CardBehaviour } from './resources/test-cards.ts';
import { SeededIds } from './seeded-ids.ts';
import type { StripeFault } from './stripe-fault.ts';
import { Table } from './table.ts';
import type { RelatedObject, ThinEvent } from './webhooks/thin-events.ts';

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
  /** Sessions that nobody has paid yet; they expire. */
  readonly openSessions = new Set<string>();
  readonly intentPlans = new Map<string, IntentPlan>();
  /** The payment that a session's tries share. */
  readonly intentsOfSessions = new Map<string, string>();
  readonly events = new Table<Stripe.Event>('event');
  readonly endpoints = new Table<Stripe.WebhookEndpoint>('webhook endpoint');
  readonly endpointSecrets = new Map<string, string>();
  readonly sinks: EventSink[] = [];
  readonly destinations = new Table<Stripe.V2.Core.EventDestination>('event destination');
  readonly thinEvents: ThinEvent[] = [];
  readonly thinSinks: ((event: ThinEvent) => void)[] = [];
  readonly reportRuns = new Table<Stripe.Reporting.ReportRun>('reporting report run');
  /** Reports not written yet, with the address their file will have. */
  readonly pendingReports = new Map<string, string>();
  readonly files = new Map<string, string>();
  readonly meterStore = new MeterStore();
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
    this.#emitThinCopy(stored);
  }

  /** Records an event of API v2. */
  emitThin(type: string, related: RelatedObject | undefined, data: object | undefined, snapshot?: string): ThinEvent {
    const { request } = this;
    const event: ThinEvent = {
      id: `evt_test_${this.ids.next('', 24).slice(1)}`,
      object: 'v2.core.event',
      created: new Date(this.settings.now()).toISOString(),
      livemode: false,
      type,
      ...(related === undefined ? {} : { related_object: related }),
      ...(request?.id == null
        ? {}
        : { reason: { type: 'request', request: { id: request.id, idempotency_key: request.idempotency_key ?? '' } } }),
      ...(snapshot === undefined ? {} : { snapshot_event: snapshot }),
      ...(data === undefined ? {} : { data }),
    };
    this.thinEvents.push(event);
    for (const sink of this.thinSinks) sink(event);
    return event;
  }

  /** Snapshot events exist as thin ones too; they are made only when somebody listens. */
  #emitThinCopy(event: Stripe.Event): void {
    const type = `v1.${event.type}`;
    const isWanted = this.destinations.all().some((row) => row.enabled_events.some((name) => matchesType(name, type)));
    if (!isWanted) return;
    const { id, object } = event.data.object as { readonly id: string; readonly object: string };
    this.emitThin(type, { id, type: object, url: urlOf(object, id) }, undefined, event.id);
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

/** Where an object is fetched: `charge` becomes `/v1/charges/ch_1`. */
function urlOf(object: string, id: string): string {
  const plural =
    object === 'radar.early_fraud_warning' ? 'radar/early_fraud_warnings' : `${object.replaceAll('.', '/')}s`;
  return `/v1/${plural}/${id}`;
}
