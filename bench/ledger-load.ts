import type { UsageEvent } from '../src/domain/events/usage-event.ts';
import { wholeQuantity } from '../src/domain/money/quantity.ts';
import { OUTCOMES } from '../src/domain/rules/band.ts';
import { placeRules } from '../src/domain/rules/place-rules.ts';
import type { PriceBook } from '../src/domain/rules/price-book.ts';
import type { Ruleset } from '../src/domain/rules/ruleset.ts';
import { type LaneEvent, LaneEventFactory } from '../src/pipeline/lane/lane-event.ts';
import { seededRandom } from './bench-events.ts';

/** Events a batch of a lane, and rows a transaction of the COPY beside it. A service takes up to twice as many. */
export const LANE_BATCH_EVENTS = 5_000;

/** Rows a transaction of peers, and items of a set that one lane takes at a time. */
export const BATCH_EVENTS = 5_000;

const pricing: PriceBook = {
  currency: 'USD',
  // 37.5 nano-units a token, so that every charge is multiplied and rounded like a real one.
  meters: new Map([
    [
      'input_tokens',
      { name: 'input_tokens', unit: 'token', kind: 'usage', prices: [{ fromMs: 0, coefficient: 375n, decimals: 1 }] },
    ],
  ]),
  overrides: new Map(),
};

/** The ledger alone: prices, and neither rules nor features. Wallets may go far below zero. */
export const LEDGER_RULESET: Ruleset = {
  hash: 'bench',
  rules: [],
  judgedRules: [],
  bands: [{ from: 0, to: 100, outcome: OUTCOMES[0], actions: [] }],
  features: placeRules([], pricing).features,
  pricing,
  overdraftNanos: 10n ** 18n,
  freeze: { hours: 24, perDayMax: 10 },
  budgets: { alertsPerDay: 40 },
};

/** What to post: how many events over how many accounts, and how. */
export interface LoadShape {
  readonly events: number;
  readonly accounts: number;
  /** Share of events that are sent a second time, a few thousand events later. */
  readonly retries: number;
  /** How accounts are chosen; Zipf with exponent 1. */
  readonly spread: 'uniform' | 'zipf';
  readonly seed: number;
  /** Event time of the first event; later ones follow at a hundred a millisecond, up to two seconds out of order. */
  readonly startMs: number;
}

const EVENTS_PER_MS = 100;
const DISORDER_MS = 2_000;
const RETRY_DISTANCE = 7_000;

/** One event of each account, which opens all of them. */
export function openingEvents(accounts: number, startMs: number): LaneEvent[] {
  const factory = new LaneEventFactory('USD');
  return Array.from({ length: accounts }, (_, account) =>
    factory.prepare(usage(`open-${account}`, account, 1, startMs), startMs),
  );
}

/** The events in arrival order, prepared as the router hands them to lanes. */
export function ledgerEvents(shape: LoadShape): LaneEvent[] {
  const random = seededRandom(shape.seed);
  const pick = shape.spread === 'zipf' ? zipf(shape.accounts, random) : () => Math.floor(random() * shape.accounts);
  const factory = new LaneEventFactory('USD');
  const items: LaneEvent[] = [];
  for (let index = 0; items.length < shape.events; index++) {
    const atMs = shape.startMs + Math.floor(index / EVENTS_PER_MS);
    const event = usage(
      `${shape.seed}-${index}`,
      pick(),
      1 + Math.floor(random() * 4_000),
      atMs - Math.floor(random() * DISORDER_MS),
    );
    items.push(factory.prepare(event, atMs));
    const again = random() < shape.retries ? items[items.length - RETRY_DISTANCE] : undefined;
    if (again !== undefined && items.length < shape.events) items.push({ ...again, ingestedAtMs: atMs });
  }
  return items;
}

/** The events without their repetitions, which is what is stored. */
export function withoutRetries(items: readonly LaneEvent[]): LaneEvent[] {
  const seen = new Set<string>();
  return items.filter(({ event }) => !seen.has(event.id) && seen.add(event.id));
}

/** Cuts a list into pieces of a batch. */
export function inBatches<T>(items: readonly T[], size = BATCH_EVENTS): T[][] {
  const batches: T[][] = [];
  for (let from = 0; from < items.length; from += size) batches.push(items.slice(from, from + size));
  return batches;
}

function usage(id: string, account: number, tokens: number, occurredAtMs: number): UsageEvent {
  return {
    tenant: 'default',
    id,
    source: 'gateway-1',
    account: `acct_${account}`,
    meter: 'input_tokens',
    quantity: wholeQuantity(tokens),
    occurredAtMs,
    properties: { key: `key_${account % 50}`, region: 'us-east' },
  };
}

/** Ranks by the inverse of Zipf's cumulative distribution with exponent 1, approximated by logarithms. */
function zipf(accounts: number, random: () => number): () => number {
  return () => Math.min(accounts - 1, Math.floor((accounts + 1) ** random()) - 1);
}
