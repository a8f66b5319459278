import type { JsonValue } from '../events/usage-event.ts';

/**
 * What detectors look at beside meter, quantity and time. Texts that customers choose are kept as 32-bit hashes: state
 * stays small whatever their length, and nothing a customer wrote can reach an alert through a detector.
 */
export interface EventDetails {
  readonly source: number;
  /** −1 when the source does not number its events. */
  readonly sequence: number;
  /** 0 stands for "not given", here and below. */
  readonly region: number;
  readonly key: number;
  readonly feature: number;
  readonly device: number;
  readonly card: number;
  readonly emailDomain: number;
  /** The fact says that it did not succeed: a failed sign-in, a declined card. */
  readonly failed: boolean;
  /** A refund that the card's owner forced. */
  readonly chargeback: boolean;
  /** A sign-up that pays nothing. */
  readonly free: boolean;
  /** The producer says this is no production traffic (property `env`), such as a load test. */
  readonly declaredTest: boolean;
}

/** The parts of an event that details are made from. */
export interface DetailedEvent {
  readonly source: string;
  readonly sequence?: number | null | undefined;
  readonly properties?: { readonly [key: string]: JsonValue } | null | undefined;
}

const FAILED = new Set(['fail', 'failed', 'failure', 'declined', 'denied', 'error']);
const PRODUCTION = new Set(['prod', 'production', 'live']);

/** Reads source, sequence and the properties that detectors know; everything else of an event is not looked at. */
export function eventDetails({ source, sequence, properties }: DetailedEvent): EventDetails {
  const {
    region,
    key,
    feature,
    device,
    card,
    email_domain: domain,
    outcome,
    reason,
    tier,
    env,
  } = properties ?? NOTHING;
  return {
    source: hashText(source),
    sequence: sequence ?? -1,
    region: hashOf(region),
    key: hashOf(key),
    feature: hashOf(feature),
    device: hashOf(device),
    card: hashOf(card),
    emailDomain: hashOf(domain),
    failed: typeof outcome === 'string' && FAILED.has(outcome),
    chargeback: reason === 'chargeback',
    free: tier === 'free',
    declaredTest: typeof env === 'string' && env !== '' && !PRODUCTION.has(env),
  };
}

const NOTHING: { readonly [key: string]: JsonValue } = {};

function hashOf(value: JsonValue | undefined): number {
  return typeof value === 'string' && value !== '' ? hashText(value) : 0;
}

/** FNV-1a (Fowler, Noll, Vo), 32 bits, never 0: equal texts give equal numbers on every machine. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0 || 1;
}
