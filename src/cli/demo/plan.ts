import type { JsonValue } from '../../domain/events/usage-event.ts';

/** A usage event as a metering gateway sends it. Deliberately loose: the demo also sends events to be refused. */
export interface WireUsageEvent {
  readonly id: string;
  readonly source: string;
  readonly account?: string;
  readonly meter: string;
  readonly quantity: string | number;
  readonly occurredAt: string;
  readonly sequence?: number;
  readonly properties?: { readonly [key: string]: JsonValue };
}

/** One event and when it reaches us. */
export interface Arrival {
  readonly arrivedAtMs: number;
  readonly event: WireUsageEvent;
}

/** Kinds of abuse the demo injects. */
export type AttackFamily = 'leaked_key' | 'slow_drain' | 'tampered_meter';

/** What was injected where, so that a story or a test can compare it with what was found. */
export interface DemoAttack {
  readonly account: string;
  readonly family: AttackFamily;
  readonly startMs: number;
  readonly endMs: number;
  /** The key that carries the stolen usage; a tampered meter has none of its own. */
  readonly key?: string;
}

/** Honest behaviour that resembles an attack and must not be treated as one. */
export type LookAlikeKind = 'onboarding_ramp' | 'product_launch' | 'month_end_batch' | 'key_rotation' | 'offline_sync';

/** An honest account that does something unusual. */
export interface DemoLookAlike {
  readonly account: string;
  readonly kind: LookAlikeKind;
  readonly startMs: number;
  readonly endMs: number;
}

/** How many of each to inject; the families of `demoTraffic` when absent. */
export interface DemoScript {
  readonly leakedKeys: number;
  readonly slowDrains: number;
  readonly tamperedMeters: number;
  readonly lookAlikes: boolean;
  /** Retries, late arrivals, malformed events, unknown meters and an account nobody topped up. */
  readonly noise: boolean;
}

/** What to generate. */
export interface DemoOptions {
  readonly seed: number;
  readonly accounts: number;
  readonly days: number;
  /** Events wanted in all; the result is within a few per cent. */
  readonly eventsTarget: number;
  /** First millisecond, a UTC midnight: the real traces start at night. */
  readonly startMs: number;
  readonly script?: DemoScript;
  /** Only these clients of the profile play; all of them when absent. */
  readonly clients?: readonly string[];
  /** Caps how unevenly gateways report; a small value is a gateway on a timer. */
  readonly cvMax?: number;
}

/** Traffic ready to be replayed. `events` may be called again and gives the same events. */
export interface DemoPlan {
  readonly accounts: readonly { readonly account: string; readonly openingTopUpNanos: bigint }[];
  readonly attacks: readonly DemoAttack[];
  readonly lookAlikes: readonly DemoLookAlike[];
  /** In order of arrival. */
  readonly events: () => Iterable<Arrival>;
}
