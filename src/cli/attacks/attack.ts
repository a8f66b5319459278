import type { HistoryEvent } from '../../pipeline/backtest/history-event.ts';
import type { Random } from '../demo/random.ts';
import type { AccountProfile, HistoryProfile } from './profile.ts';

/** What an attack is made with. */
export interface AttackContext {
  readonly random: Random;
  readonly history: HistoryProfile;
  /** The account it hits; its own events are there to copy. */
  readonly victim: AccountProfile;
  /** Others it may spread over. */
  readonly others: readonly AccountProfile[];
  /** 0 is plain to see, 1 hides among honest usage. */
  readonly difficulty: number;
  /** Attacks start no earlier and end no later than this. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Nano-units an event costs. */
  readonly priceOf: (event: HistoryEvent) => number;
  /** A name nobody has had: `key_3f9a…`. */
  readonly name: (prefix: string) => string;
}

/** An event as an attack leaves it, with what it stole. */
export interface Forged {
  readonly event: HistoryEvent;
  readonly lossNanos: number;
}

/** An attack, or honest usage that looks like one. */
export interface Scheme {
  readonly accounts: readonly string[];
  readonly sources: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
  /** Events that would not have come. */
  readonly injected: readonly Forged[];
  /**
   * What becomes of an event of the history while it lasts: itself changed, with what that steals; `drop` when it never
   * arrives; undefined when it is left alone.
   */
  readonly rewrite?: (event: HistoryEvent) => Forged | { readonly drop: true; readonly lossNanos: number } | undefined;
}

/** A kind of scheme. */
export interface Family {
  readonly name: string;
  /** What the attack is, in a sentence. */
  readonly about: string;
  readonly build: (context: AttackContext) => Scheme | undefined;
}

/** A value between what is plain (difficulty 0) and what hides (1). */
export function harder(difficulty: number, plain: number, hidden: number): number {
  return plain + (hidden - plain) * difficulty;
}

/** A stretch of so many hours inside what is allowed. */
export function stretch({ random, fromMs, toMs }: AttackContext, lengthMs: number): { startMs: number; endMs: number } {
  const room = Math.max(0, toMs - fromMs - lengthMs);
  const startMs = Math.floor(fromMs + random.next() * room);
  return { startMs, endMs: Math.min(toMs, Math.floor(startMs + lengthMs)) };
}

/** Times of `count` events, evenly likely over a stretch, ascending. */
export function timesIn(random: Random, count: number, startMs: number, endMs: number): number[] {
  const times = Array.from({ length: count }, () => Math.floor(random.between(startMs, endMs)));
  return times.sort((a, b) => a - b);
}

/** How long honest events take to arrive: seconds. */
const DELIVERY_MS = 12_000;

/** A copy of what an account sends, at another time, with other properties where given. */
export function copyOf(
  context: Pick<AttackContext, 'random' | 'name'>,
  template: HistoryEvent,
  at: { readonly occurredAtMs: number; readonly source?: string; readonly properties?: HistoryEvent['properties'] },
): HistoryEvent {
  const { occurredAtMs } = at;
  const source = at.source ?? template.source;
  return {
    ...template,
    id: context.name('use'),
    source,
    occurredAtMs,
    arrivedAtMs: occurredAtMs + Math.floor(context.random.next() * DELIVERY_MS),
    // A source of its own has no numbers to continue, and numbers of a copied one would be out of order.
    sequence: undefined,
    properties: { ...template.properties, ...at.properties },
  };
}

/** One of the account's own events to copy. */
export function templateOf({ random, victim }: AttackContext): HistoryEvent {
  return random.pick(victim.sample);
}
