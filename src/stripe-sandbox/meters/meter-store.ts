import type Stripe from 'stripe';
import { Table } from '../table.ts';

/** A meter event as the sandbox keeps it; times are epoch milliseconds of its own clock. */
export interface StoredMeterEvent {
  readonly eventName: string;
  readonly identifier: string;
  readonly payload: Readonly<Record<string, string>>;
  /** When the usage happened. */
  readonly timestampMs: number;
  readonly receivedAtMs: number;
  /** `waiting` until it is validated; `counted` events are in the summaries. */
  state: 'waiting' | 'counted' | 'refused' | 'canceled';
}

/** A session that may stream meter events. */
export interface MeterSession {
  readonly token: string;
  readonly expiresAtMs: number;
}

const DAY_MS = 86_400_000;

/** Meters and what was reported to them. */
export class MeterStore {
  readonly meters = new Table<Stripe.Billing.Meter>('meter');
  readonly events: StoredMeterEvent[] = [];
  readonly sessions = new Map<string, MeterSession>();
  waiting: StoredMeterEvent[] = [];
  readonly #newest = new Map<string, StoredMeterEvent>();

  /** The meter in use for an event name; a name may be taken again once its meter is deactivated. */
  active(eventName: string): Stripe.Billing.Meter | undefined {
    return this.meters.all().find((meter) => meter.event_name === eventName && meter.status === 'active');
  }

  /** The event that claims an identifier: identifiers are unique within 24 hours, and only so long. */
  claimed(identifier: string, nowMs: number): StoredMeterEvent | undefined {
    const event = this.#newest.get(identifier);
    return event === undefined || event.receivedAtMs + DAY_MS <= nowMs ? undefined : event;
  }

  add(event: StoredMeterEvent): void {
    this.events.push(event);
    this.waiting.push(event);
    this.#newest.set(event.identifier, event);
  }

  /** Takes in an event that was stored before. */
  readd(event: StoredMeterEvent): void {
    this.events.push(event);
    if (event.state === 'waiting') this.waiting.push(event);
    if (event.state !== 'refused') this.#newest.set(event.identifier, event);
  }

  /** Forgets what a refused event claimed: it may be corrected and sent again. */
  release(event: StoredMeterEvent): void {
    if (this.#newest.get(event.identifier) === event) this.#newest.delete(event.identifier);
  }
}
