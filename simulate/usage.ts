import type { Random } from '../src/cli/demo/random.ts';
import type { UsageEvent } from '../src/domain/events/usage-event.ts';
import { parseQuantity } from '../src/domain/money/quantity.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/domain/time.ts';

/** When every simulation begins. */
export const START_MS = Date.UTC(2026, 2, 4, 7);

/** The clock stays within so much of the start, jumps included. */
export const TIME_SPAN_MS = 20 * DAY_MS;

/** How late usage may be; short, so that a simulation of a few days has usage that is too late. */
export const LATE_WINDOW_MS = 3 * DAY_MS;

export const TENANT = 'default';
export const CURRENCY = 'USD';
export const ACCOUNTS = ['acct_0', 'acct_1', 'acct_2', 'acct_3', 'acct_4'] as const;

const HUGE = '9'.repeat(18);
const HUGE_PREFIX = 'huge-';

/** Whether the ledger may refuse this event: its charge is more than a wallet can hold. */
export function isRefusable({ quantity }: UsageEvent): boolean {
  return quantity.text === HUGE;
}

/** At 0.002 a call, half a ten-millionth of one is a nano-unit. */
const EXACT_METER = 'calls';

/** A source whose retries may carry another time. */
export const MOVING_SOURCE = 'mover';

const METERS = ['tokens', 'tokens', 'calls', 'thirds', 'thirds', 'images'] as const;

/** Usage as metering services send it: new events, honest retries, altered copies, odd times, meters without a price. */
export class UsageSource {
  readonly #random: Random;
  readonly #accounts: readonly string[];
  readonly #sent: UsageEvent[] = [];
  /** Ids that were sent under another time or account: two such changes of one id would be ambiguous by design. */
  readonly #bent = new Set<string>();
  #nextId = 0;

  constructor(random: Random, accounts: readonly string[]) {
    this.#random = random;
    this.#accounts = accounts;
  }

  /** The events of one job; of one account when there is a burst on it. */
  job(nowMs: number, burstOn?: string): readonly UsageEvent[] {
    const random = this.#random;
    const count = burstOn === undefined ? 1 + random.below(random.next() < 0.15 ? 14 : 4) : 6 + random.below(8);
    // A burst hits one account, so that rules freeze it now and then.
    const hit = burstOn ?? (random.next() < 0.3 ? random.pick(this.#accounts) : undefined);
    const events: UsageEvent[] = [];
    while (events.length < count) {
      const event = this.#event(nowMs, hit);
      events.push(event);
      // What was refused claims nothing: it may be corrected under its id at once, and the corrected one sent twice.
      if (!isRefusable(event) || this.#random.next() < 0.3) continue;
      const corrected = { ...event, quantity: quantity('1') };
      this.#sent.push(corrected);
      events.push(corrected, this.#random.next() < 0.5 ? corrected : event);
    }
    return events;
  }

  /** How much of a meter an event might have had instead. */
  quantityOf(meter: string): UsageEvent['quantity'] {
    return quantity(this.#quantityOf(meter));
  }

  /** One call that costs exactly so many nano-units, for an account with the usual price. */
  exactly(nowMs: number, account: string, nanos: bigint): readonly UsageEvent[] {
    const digits = (nanos * 5n).toString().padStart(8, '0');
    const text = `${digits.slice(0, -7)}.${digits.slice(-7)}`;
    const event = {
      tenant: TENANT,
      id: `evt-${this.#nextId++}`,
      source: 'gateway',
      account,
      meter: EXACT_METER,
      quantity: quantity(text),
      occurredAtMs: nowMs,
    };
    this.#sent.push(event);
    return [event];
  }

  #event(nowMs: number, hit: string | undefined): UsageEvent {
    const draw = this.#random.next();
    const earlier = this.#sent.length === 0 || draw >= 0.24 ? undefined : this.#earlier();
    const event = earlier === undefined ? this.#fresh(nowMs, hit) : this.#again(earlier, draw);
    this.#sent.push(event);
    if (this.#sent.length > 400) this.#sent.splice(0, 200);
    return event;
  }

  /** Mostly one of the last: what waits in quarantine is worth repeating. */
  #earlier(): UsageEvent {
    return this.#random.pick(this.#random.next() < 0.6 ? this.#sent.slice(-12) : this.#sent);
  }

  #fresh(nowMs: number, hit: string | undefined): UsageEvent {
    const random = this.#random;
    const isHuge = random.next() < 0.02;
    const name = `${isHuge ? HUGE_PREFIX : 'evt-'}${this.#nextId++}`;
    const meter = isHuge ? 'images' : random.next() < 0.04 ? this.#pickOdd() : random.pick(METERS);
    return {
      tenant: TENANT,
      id: name,
      source: !isHuge && random.next() < 0.35 ? MOVING_SOURCE : 'gateway',
      account: hit ?? random.pick(this.#accounts),
      meter,
      quantity: quantity(isHuge ? HUGE : this.#quantityOf(meter)),
      occurredAtMs: nowMs - this.#lateness(),
    };
  }

  #pickOdd(): string {
    return this.#random.pick(['signup', 'no_such_meter']);
  }

  #quantityOf(meter: string): string {
    const random = this.#random;
    if (random.next() < 0.05) return '0';
    if (meter === 'tokens') return `${random.below(100_000)}.${1 + random.below(999)}`;
    if (meter === 'thirds') return String(1 + random.below(500_000));
    if (meter === 'calls') return String(random.below(120));
    return String(1 + random.below(2));
  }

  #lateness(): number {
    const draw = this.#random.next();
    if (draw < 0.75) return this.#random.below(MINUTE_MS);
    if (draw < 0.9) return this.#random.below(6 * HOUR_MS);
    // To the very millisecond, on either side of both bounds.
    if (draw < 0.915) return this.#random.pick([LATE_WINDOW_MS, -5 * MINUTE_MS]) + this.#random.below(2);
    if (draw < 0.94) return LATE_WINDOW_MS - 2 * HOUR_MS + this.#random.below(4 * HOUR_MS);
    if (draw < 0.97) return LATE_WINDOW_MS + this.#random.below(DAY_MS);
    return -this.#random.below(12 * MINUTE_MS);
  }

  #again(earlier: UsageEvent, draw: number): UsageEvent {
    if (draw < 0.13) return earlier;
    if (draw < 0.18 || this.#bent.has(earlier.id)) {
      return { ...earlier, quantity: quantity(this.#quantityOf(earlier.meter)) };
    }
    if (earlier.id.startsWith(HUGE_PREFIX)) return earlier;
    this.#bent.add(earlier.id);
    const account = this.#random.pick(this.#accounts);
    const occurredAtMs = earlier.occurredAtMs + 1 + this.#random.below(HOUR_MS);
    // Only identities without their time tell these from new events.
    if (earlier.source === MOVING_SOURCE && draw < 0.23) return { ...earlier, occurredAtMs, account };
    return draw < 0.2 ? { ...earlier, occurredAtMs } : { ...earlier, account };
  }
}

function quantity(text: string): UsageEvent['quantity'] {
  const parsed = parseQuantity(text);
  if (typeof parsed === 'string') throw new Error(`${text}: ${parsed}`);
  return parsed;
}
