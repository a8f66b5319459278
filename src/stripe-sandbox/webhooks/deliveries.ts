import type { SeededIds } from '../seeded-ids.ts';
import { signatureHeader } from './sign.ts';

/** One event on its way to one address. */
export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly type: string;
  readonly kind: 'snapshot' | 'thin';
  readonly url: string;
  readonly secret: string;
  /** The body, made anew for each attempt: `pending_webhooks` counts down. */
  readonly payload: () => string;
  attempts: number;
  state: 'waiting' | 'delivered' | 'failed' | 'dropped';
  /** HTTP status of the last answer, or what went wrong. */
  lastAnswer: string | undefined;
  dueAtMs: number;
}

export interface DeliverOptions {
  /** `reversed` and `shuffled` break the order of events, which Stripe does not promise. */
  readonly order?: 'created' | 'reversed' | 'shuffled';
  /** How often each is sent; Stripe promises at least once. */
  readonly copies?: number;
  /** Only events of these types. */
  readonly types?: readonly string[];
  /** Send all copies of all events at the same time. */
  readonly together?: boolean;
}

/** Waits between attempts; after the last one an event counts as failed and is found by `events.list` only. */
const RETRY_MS = [1_000, 5_000, 30_000, 120_000, 600_000];
const TIMEOUT_MS = 10_000;

/** Sends events to webhook endpoints, by itself or when told to. */
export class Deliveries {
  /** `auto` sends at once and tries again; `manual` waits for `deliver`. */
  mode: 'auto' | 'manual';
  readonly all: Delivery[] = [];
  readonly #now: () => number;
  readonly #signedAt: () => number;
  readonly #ids: SeededIds;
  readonly #onDelivered: (delivery: Delivery) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;
  /** Keeps automatic deliveries to one address in order. */
  readonly #tails = new Map<string, Promise<void>>();

  constructor(options: {
    readonly mode: 'auto' | 'manual';
    readonly now: () => number;
    /** The clock that signatures carry: the receiver's, who refuses old ones. */
    readonly signedAt: () => number;
    readonly ids: SeededIds;
    readonly onDelivered: (delivery: Delivery) => void;
  }) {
    this.mode = options.mode;
    this.#now = options.now;
    this.#signedAt = options.signedAt;
    this.#ids = options.ids;
    this.#onDelivered = options.onDelivered;
  }

  add(parts: Pick<Delivery, 'eventId' | 'type' | 'kind' | 'url' | 'secret' | 'payload'>): void {
    const delivery: Delivery = {
      ...parts,
      id: this.#ids.next('whd', 12),
      attempts: 0,
      state: 'waiting',
      lastAnswer: undefined,
      dueAtMs: this.#now(),
    };
    this.all.push(delivery);
    if (this.mode === 'auto') this.#queue(delivery);
  }

  waiting(): readonly Delivery[] {
    return this.all.filter(({ state }) => state === 'waiting');
  }

  /** Events that some endpoint has not acknowledged. */
  unacknowledged(): ReadonlySet<string> {
    return new Set(this.all.filter(({ state }) => state !== 'delivered').map(({ eventId }) => eventId));
  }

  /** Sends what waits, once each unless told otherwise; returns what was sent. */
  async deliver(options: DeliverOptions = {}): Promise<readonly Delivery[]> {
    const chosen = this.waiting().filter(({ type }) => options.types === undefined || options.types.includes(type));
    const ordered = this.#ordered(chosen, options.order ?? 'created');
    const sends = Array.from({ length: options.copies ?? 1 }, () => ordered).flat();
    if (options.together === true) await Promise.all(sends.map((delivery) => this.#send(delivery)));
    else for (const delivery of sends) await this.#send(delivery);
    return chosen;
  }

  /** Sends an event again to everybody it went to, whatever became of it. */
  async resend(eventId: string): Promise<readonly Delivery[]> {
    const again = this.all.filter((delivery) => delivery.eventId === eventId);
    for (const delivery of again) await this.#send(delivery);
    return again;
  }

  /** Loses what waits, as an outage longer than all retries does. Only `events.list` finds it again. */
  drop(types?: readonly string[]): readonly Delivery[] {
    const lost = this.waiting().filter(({ type }) => types === undefined || types.includes(type));
    for (const delivery of lost) delivery.state = 'dropped';
    return lost;
  }

  /** Resolves when no automatic delivery is under way. */
  async settled(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #queue(delivery: Delivery): void {
    const before = this.#tails.get(delivery.url) ?? Promise.resolve();
    const tail = before
      .then(() => this.#attempt(delivery))
      .finally(() => {
        if (this.#tails.get(delivery.url) === tail) this.#tails.delete(delivery.url);
      });
    this.#tails.set(delivery.url, tail);
  }

  async #attempt(delivery: Delivery): Promise<void> {
    if (this.#closed || delivery.state !== 'waiting') return;
    await this.#send(delivery);
    if (delivery.state !== 'waiting' || this.#closed) return;
    const waitMs = RETRY_MS[delivery.attempts - 1];
    if (waitMs === undefined) {
      delivery.state = 'failed';
      return;
    }
    delivery.dueAtMs = this.#now() + waitMs;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#queue(delivery);
    }, waitMs);
    timer.unref();
    this.#timers.add(timer);
  }

  async #send(delivery: Delivery): Promise<void> {
    const payload = delivery.payload();
    delivery.attempts += 1;
    try {
      const response = await fetch(delivery.url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': signatureHeader(payload, delivery.secret, Math.floor(this.#signedAt() / 1_000)),
        },
        body: payload,
      });
      await response.arrayBuffer();
      delivery.lastAnswer = String(response.status);
      if (!response.ok) return;
    } catch (error) {
      delivery.lastAnswer = error instanceof Error ? error.message : String(error);
      return;
    }
    if (delivery.state === 'delivered') return;
    delivery.state = 'delivered';
    this.#onDelivered(delivery);
  }

  #ordered(deliveries: readonly Delivery[], order: 'created' | 'reversed' | 'shuffled'): readonly Delivery[] {
    if (order === 'created') return deliveries;
    if (order === 'reversed') return deliveries.toReversed();
    const shuffled = [...deliveries];
    for (let at = shuffled.length - 1; at > 0; at -= 1) {
      const other = this.#ids.below(at + 1);
      const [here, there] = [shuffled[at], shuffled[other]];
      if (here === undefined || there === undefined) continue;
      shuffled[at] = there;
      shuffled[other] = here;
    }
    return shuffled;
  }
}
