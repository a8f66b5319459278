import { createArrivals } from './arrivals.ts';
import { buildCast } from './cast.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { createMinHeap } from './min-heap.ts';
import { sendOddEvents } from './odd-events.ts';
import type { Arrival, DemoOptions, DemoPlan, DemoScript } from './plan.ts';
import { createRandom } from './random.ts';
import { type DemoAccount, writeStory } from './story.ts';
import type { UsageProfile } from './usage-profile.ts';
import { advance, expectedEvents, type FlushCursor, openCursor, type UsageStream } from './usage-stream.ts';

/** What the demo shows when nothing else is asked for. */
export const DEFAULT_SCRIPT: DemoScript = {
  leakedKeys: 3,
  slowDrains: 2,
  tamperedMeters: 2,
  lookAlikes: true,
  noise: true,
};

/** The demo as shipped. The trace is quieter on its days 5 and 6, 12 and 13: it starts on a Tuesday. */
export const DEMO_DEFAULTS = {
  seed: 1,
  accounts: 318,
  days: 14,
  eventsTarget: 400_000,
  startMs: Date.UTC(2026, 2, 3),
} as const satisfies DemoOptions;

/** Streams of random numbers; accounts take the odd numbers from 1 (see cast.ts). */
const STORY = 0;
const ODD_EVENTS = 2;
const GATEWAYS = 1_000_000;
const CURSORS = 2_000_000;

/** A gateway gathers a few requests at least; one event per request is not what metering services send. */
const REQUESTS_PER_FLUSH_MIN = 3;
/** Even a client that was there for two hours shows up in the demo. */
const FLUSHES_MIN = 8;

/**
 * The demo's traffic: real clients' volumes, burstiness and token sizes, played by seeded accounts, with abuse among
 * them. Pure: the same profile and options give the same plan and the same events.
 */
export function demoTraffic(profile: UsageProfile, options: DemoOptions): DemoPlan {
  const script = options.script ?? DEFAULT_SCRIPT;
  const strangers = script.noise ? 1 : 0;
  const cast = buildCast(profile, options, options.accounts + strangers);
  const story = writeStory({ cast, strangers, script, options, random: createRandom(options.seed, STORY) });
  const accounts = fitToTarget(story.accounts, options.eventsTarget);
  return {
    accounts: accounts.flatMap(({ account, openingTopUpNanos }) =>
      openingTopUpNanos === undefined ? [] : [{ account, openingTopUpNanos }],
    ),
    attacks: story.attacks,
    lookAlikes: story.lookAlikes,
    events: () => replay(accounts, options, script.noise),
  };
}

/** Makes every flush larger or smaller by one factor until the expected number of events is the one wanted. */
function fitToTarget(accounts: readonly DemoAccount[], eventsTarget: number): readonly DemoAccount[] {
  const streams = accounts.flatMap((account) => account.streams);
  let factor = 1;
  for (let round = 0; round < 12; round += 1) {
    const expected = streams.reduce((sum, stream) => sum + expectedEvents(resized(stream, factor)), 0);
    factor *= expected / eventsTarget;
  }
  return accounts.map((account) => ({
    ...account,
    streams: account.streams.map((stream) => resized(stream, factor)),
  }));
}

function resized(stream: UsageStream, factor: number): UsageStream {
  const requests = stream.hourlyRequests.reduce((sum, volume) => sum + volume, 0);
  const wanted = Math.max(stream.requestsPerFlush * factor, REQUESTS_PER_FLUSH_MIN);
  return { ...stream, requestsPerFlush: Math.max(1, Math.min(wanted, requests / FLUSHES_MIN)) };
}

interface Flushes {
  readonly cursor: FlushCursor;
  readonly gateway: Gateway;
}

function* replay(accounts: readonly DemoAccount[], options: DemoOptions, noise: boolean): Iterable<Arrival> {
  const arrivals = createArrivals();
  if (noise) {
    const names = accounts.map(({ account }) => account);
    sendOddEvents({ accounts: names, options, random: createRandom(options.seed, ODD_EVENTS), arrivals });
  }
  const flushes = createMinHeap<Flushes>((a, b) => a.cursor.nextMs < b.cursor.nextMs);
  accounts.forEach((account, index) => {
    const random = createRandom(options.seed, GATEWAYS + index);
    const gateway = openGateway({ account, random, arrivals, noise });
    account.streams.forEach((stream, place) => {
      flushes.push({ cursor: openCursor(stream, createRandom(options.seed, CURSORS + 4 * index + place)), gateway });
    });
  });

  for (let next = flushes.first(); next !== undefined; next = flushes.first()) {
    const { cursor, gateway } = next;
    // Whatever is sent from here on arrives later, so everything up to the next flush may be handed out now.
    for (let due = arrivals.takeUntil(cursor.nextMs); due !== undefined; due = arrivals.takeUntil(cursor.nextMs)) {
      yield due;
    }
    // The first flush is at the end of time: every stream has ended and nothing is under way.
    if (cursor.nextMs === Number.POSITIVE_INFINITY) return;
    gateway.report(cursor);
    advance(cursor);
    flushes.settleFirst();
  }
}
