import { DAY_MS } from '../src/domain/time.ts';
import type { History, HistoryBlock, HistoryEvent } from '../src/pipeline/backtest/history-event.ts';

const BLOCK_EVENTS = 4_096;
const START_MS = Date.UTC(2026, 0, 5);
const FEATURES = ['chat', 'search', 'embed', 'agent'];
const REGIONS = ['us-east', 'eu-central', 'sa-east'];

/** What to make up. */
export interface MadeUp {
  readonly accounts: number;
  readonly days: number;
  readonly eventsPerAccountDay: number;
}

/** A made-up history, and the time it took to make it up: that is not the backtest's. */
export interface MadeUpHistory extends History {
  readonly eventsExpected: number;
  /** CPU-bound and synchronous, so a stopwatch is right. */
  readonly spentMs: () => number;
}

/**
 * Usage of many accounts in arrival order, drawn from a fixed seed and never all in memory: daily shapes, amounts that swing by
 * factors of ten, a few sources and keys an account, and now and then a drained key.
 */
export function madeUpHistory({ accounts, days, eventsPerAccountDay }: MadeUp): MadeUpHistory {
  const eventsExpected = accounts * days * eventsPerAccountDay;
  let spentMs = 0;
  return {
    name: 'made up',
    eventsExpected,
    spentMs: () => spentMs,
    async *blocks(): AsyncGenerator<HistoryBlock> {
      const draw = createDraw(7);
      const stepMs = (days * DAY_MS) / eventsExpected;
      for (let from = 0; from < eventsExpected; from += BLOCK_EVENTS) {
        const startedMs = performance.now();
        const events: HistoryEvent[] = [];
        const to = Math.min(from + BLOCK_EVENTS, eventsExpected);
        for (let index = from; index < to; index++) {
          events.push(eventAt(index, Math.floor(START_MS + index * stepMs), accounts, draw));
        }
        spentMs += performance.now() - startedMs;
        yield { events, unreadable: [] };
      }
    },
  };
}

/** The same events as lines of a file. */
export function madeUpLine(event: HistoryEvent): string {
  const { id, account, meter, quantity, source, sequence, occurredAtMs, arrivedAtMs, properties } = event;
  return JSON.stringify({
    id,
    account,
    meter,
    quantity,
    timestamp: new Date(occurredAtMs).toISOString(),
    source,
    seq: sequence,
    properties: { received_at: new Date(arrivedAtMs).toISOString(), ...properties },
  });
}

function eventAt(index: number, arrivedAtMs: number, accounts: number, draw: () => number): HistoryEvent {
  const number = Math.floor(draw() * accounts);
  const account = `acct_${number.toString(36).padStart(5, '0')}`;
  // About one account in two hundred is drained for some hours on one of its days.
  const day = Math.floor((arrivedAtMs - START_MS) / DAY_MS);
  const isDrained = number % 211 === day * 7 && (arrivedAtMs / 3_600_000) % 24 < 6;
  const swing = draw();
  const tokens = Math.floor(200 + 4_000 * swing * swing * swing) * (isDrained ? 400 : 1);
  const [place, lateness] = [number % 3, draw()];
  return {
    id: `${account}-${index.toString(36)}`,
    source: `10.${number % 200}.${place}.${index % 3}`,
    account,
    meter: draw() < 0.7 ? 'llm.tokens' : 'api.calls',
    quantity: tokens,
    occurredAtMs: arrivedAtMs - Math.floor(lateness * 8_000),
    arrivedAtMs,
    sequence: undefined,
    properties: {
      region: REGIONS[place] ?? '',
      key: `key_${number}_${index % 2}`,
      feature: FEATURES[Math.floor(draw() * 4)] ?? '',
    },
    index,
    known: undefined,
    knownNanos: undefined,
  };
}

/** Mulberry32: small, fast, and the same on every machine. */
function createDraw(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
