import fc from 'fast-check';
import { mean, variance } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { STREAM_DETECTORS } from '../../src/domain/detectors/index.ts';
import type { CompiledStream, StreamEvent } from '../../src/domain/detectors/stream-detector.ts';
import { eventDetails } from '../../src/domain/features/event-details.ts';
import { type AccountStreams, foldStreams, openStreams, saveStreams } from '../../src/domain/features/streams.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';

const START = Date.UTC(2026, 0, 5);

interface Change {
  readonly atMs: number;
  readonly lateMs?: number;
  readonly meter?: string;
  readonly quantity?: number;
  readonly balanceNanos?: number;
  readonly source?: string;
  readonly sequence?: number;
  readonly disposition?: StreamEvent['disposition'];
  readonly properties?: { readonly [name: string]: string };
}

const FACTS = new Set(['topup', 'refund', 'auth', 'plan_change']);

function event(change: Change): StreamEvent {
  const { atMs, lateMs = 0, meter = 'tokens', quantity = 900, source = 'office', sequence, properties = {} } = change;
  return {
    meter,
    isFact: FACTS.has(meter),
    quantity,
    spendNanos: FACTS.has(meter) ? 0 : quantity * 6_000,
    balanceNanos: change.balanceNanos ?? 1e12,
    claimedAtMs: atMs - lateMs,
    ingestedAtMs: atMs,
    disposition: change.disposition ?? 'posted',
    details: eventDetails({
      source,
      sequence,
      properties: { region: 'eu', key: 'k1', feature: 'chat', ...properties },
    }),
  };
}

function compiled(kind: string, params: { readonly [name: string]: unknown } = {}): CompiledStream {
  const detector = STREAM_DETECTORS.find((candidate) => candidate.kind === kind);
  const fail = (_path: unknown, code: string) => expect.unreachable(code);
  const units: { readonly [unit: string]: number } = { s: 1_000, min: MINUTE_MS, h: HOUR_MS, d: DAY_MS };
  const stream = detector?.compile(
    { rarity: 3.5, ...params },
    {
      unit: { kind: 'count', name: 'decade' },
      report: fail,
      warn: fail,
      duration: (_path, text) => Number.parseInt(text, 10) * (units[text.replace(/\d/g, '')] ?? 0),
      percent: () => undefined,
      amount: () => undefined,
    },
  );
  if (stream === undefined) throw new Error(`${kind} did not compile`);
  return stream;
}

function open(stream: CompiledStream, saved?: unknown): AccountStreams {
  return openStreams([{ ruleId: 'rule', stream, rarity: 3.5 }], saved);
}

/** Folds events and answers the highest raw value. */
function fold(streams: AccountStreams, events: readonly StreamEvent[]): number {
  let highest = 0;
  for (const one of events) {
    foldStreams(streams, one);
    highest = Math.max(highest, streams.slots[0]?.peak ?? 0);
  }
  return highest;
}

/** Forty days of half-hourly usage by day, with numbers from its source and seldom a top-up: nothing to find. */
function honest(days = 40): StreamEvent[] {
  const events: StreamEvent[] = [];
  let sequence = 0;
  for (let index = 0; index < days * 48; index++) {
    const atMs = START + index * 30 * MINUTE_MS;
    const hour = Math.floor(index / 2) % 24;
    if (hour < 7) continue;
    sequence++;
    events.push(event({ atMs, lateMs: 2_000 + (index % 7) * 1_000, quantity: 800 + ((index * 37) % 200), sequence }));
    if (index % 700 === 20) {
      events.push(event({ atMs: atMs + 1, meter: 'topup', quantity: 50, properties: { card: 'c1', outcome: 'ok' } }));
    }
  }
  return events;
}

/** What each kind is there for, after an honest month. */
function attack(kind: string, fromMs: number): StreamEvent[] {
  const repeat = (count: number, stepMs: number, change: (index: number) => Partial<Change>) =>
    Array.from({ length: count }, (_, index) => event({ atMs: fromMs + index * stepMs, ...change(index) }));
  switch (kind) {
    case 'duplicate':
      return repeat(3, HOUR_MS, () => ({ lateMs: 5 * HOUR_MS, disposition: 'duplicate' }));
    case 'backdated':
      return repeat(6, HOUR_MS, () => ({ lateMs: 2 * DAY_MS }));
    case 'clock_skew':
      return repeat(4, HOUR_MS, () => ({ lateMs: -HOUR_MS }));
    case 'ratio':
      return repeat(300, 30 * MINUTE_MS, () => ({ quantity: 300 }));
    case 'sequence_gap':
      return repeat(60, 30 * MINUTE_MS, (index) => ({ sequence: 5_000 + index * 2 }));
    case 'distinct':
      return repeat(5, HOUR_MS, (index) => ({
        meter: 'topup',
        quantity: 5,
        properties: { card: `stolen ${index}`, outcome: 'declined' },
      }));
    case 'reversal':
      return repeat(6, 12 * HOUR_MS, (index) => ({ meter: index % 2 === 0 ? 'topup' : 'refund', quantity: 100 }));
    case 'off_hours': {
      const nights: StreamEvent[] = [];
      for (let night = 0; night < 5; night++) {
        const dawn = Math.ceil(fromMs / DAY_MS) * DAY_MS + night * DAY_MS + HOUR_MS;
        for (let index = 0; index < 24; index++) nights.push(event({ atMs: dawn + index * 12 * MINUTE_MS }));
      }
      return nights;
    }
    case 'novelty':
      return repeat(150, 10 * MINUTE_MS, () => ({ source: 'elsewhere' }));
    case 'silence':
      return repeat(200, HOUR_MS, () => ({ source: 'other' }));
    case 'cusum':
      return repeat(900, 5 * MINUTE_MS, () => ({}));
    case 'forecast':
      return repeat(900, 5 * MINUTE_MS, () => ({ quantity: 20_000 }));
    case 'drain':
      return repeat(200, 2 * MINUTE_MS, (index) => ({ quantity: 9_000, balanceNanos: 9e9 - index * 45e6 }));
    default:
      throw new Error(`no attack for ${kind}`);
  }
}

const PARAMS: { readonly [kind: string]: { readonly [name: string]: unknown } } = {
  distinct: { of: 'card', on: 'topup' },
  novelty: { of: 'source' },
};

const KINDS = STREAM_DETECTORS.map(({ kind }) => kind);

describe.each(KINDS)('%s', (kind) => {
  const stream = () => compiled(kind, PARAMS[kind]);
  const quietPeak = 2;

  it('stays quiet about an honest month and sees what it is there for', () => {
    const streams = open(stream());
    const before = fold(streams, honest());
    const after = fold(streams, attack(kind, START + 40 * DAY_MS));
    expect(before).toBeLessThan(quietPeak);
    expect(after).toBeGreaterThan(Math.max(quietPeak, before + 1));
  });

  it('says nothing before it can know', () => {
    const streams = open(stream());
    const [slot] = streams.slots;
    expect(slot?.run.missing(streams.profile) === undefined ? kind : 'inconclusive').toBe('inconclusive');
    expect(fold(streams, honest(1).slice(0, 10))).toBe(0);
  });

  it('gives the same state for the same events, saved and loaded anywhere', () => {
    const events = [...honest(12), ...attack(kind, START + 12 * DAY_MS), ...honest(2).map(later(20))];
    const whole = open(stream());
    fold(whole, events);
    let halves = open(stream());
    for (const [index, one] of events.entries()) {
      if (index % 97 === 0) halves = open(stream(), JSON.parse(JSON.stringify(saveStreams(halves))));
      foldStreams(halves, one);
    }
    expect(JSON.stringify(saveStreams(halves))).toBe(JSON.stringify(saveStreams(whole)));
  });

  it('keeps bounded state whatever is thrown at it', () => {
    const streams = open(stream());
    fold(streams, honest(10));
    const small = JSON.stringify(saveStreams(streams)).length;
    for (let index = 0; index < 5_000; index++) {
      const atMs = START + 10 * DAY_MS + index * MINUTE_MS;
      const label = `made up ${index}`;
      const properties = { region: label, key: label, feature: label, card: label, device: label, outcome: 'declined' };
      const meter = ['topup', 'refund', 'auth', `meter ${index}`][index % 4] ?? '';
      foldStreams(streams, event({ atMs, meter, source: label, sequence: (index * 7919) % 9_973, properties }));
      foldStreams(streams, event({ atMs, source: 'office', sequence: 10_000 + index * 2, lateMs: index * 1_000 }));
    }
    expect(JSON.stringify(saveStreams(streams)).length).toBeLessThan(small + 4_000);
  });

  it('forgets an incident instead of alerting while it decays', () => {
    const streams = open(stream());
    fold(streams, honest());
    const fraud = attack(kind, START + 40 * DAY_MS);
    fold(streams, fraud);
    const endMs = fraud.at(-1)?.ingestedAtMs ?? 0;
    let risen = 0;
    for (const one of honest(30).map(later((endMs - START) / DAY_MS + 17))) {
      foldStreams(streams, one);
      const [slot] = streams.slots;
      if (slot?.rose === true) risen = Math.max(risen, slot.peak);
    }
    expect(risen).toBeLessThan(quietPeak);
  });
});

function later(days: number): (one: StreamEvent) => StreamEvent {
  const shiftMs = Math.ceil(days) * DAY_MS;
  return (one) => ({
    ...one,
    claimedAtMs: one.claimedAtMs + shiftMs,
    ingestedAtMs: one.ingestedAtMs + shiftMs,
    details: { ...one.details, sequence: -1 },
  });
}

describe('learning', () => {
  it('keeps the mean and variance of batches that an offline pass finds', () => {
    const quantities = fc.array(fc.double({ min: 200, max: 400, noNaN: true }), { minLength: 48, maxLength: 160 });
    fc.assert(
      fc.property(quantities, (values) => {
        const streams = open(compiled('ratio', { batch: 8, at_least: '1min', drift: 3 }));
        const batches: number[] = [];
        for (const [index, quantity] of values.entries()) {
          foldStreams(streams, event({ atMs: START + index * MINUTE_MS, quantity }));
          if (index % 8 === 7) batches.push(mean(values.slice(index - 7, index + 1).map((value) => Math.log(value))));
        }
        const saved = JSON.stringify(streams.slots[0]?.run.save());
        const learned = (name: string) => Number(new RegExp(`"${name}":(-?[\\d.e-]+)`).exec(saved)?.[1]);
        // A drift of three spreads leaves nothing flagged, so every batch is learned with equal weight.
        expect(learned('batches')).toBe(batches.length);
        expect(learned('mean')).toBeCloseTo(mean(batches), 9);
        expect(learned('variance')).toBeCloseTo(variance(batches), 9);
      }),
      { numRuns: 40 },
    );
  });

  it('does not take a flagged fall for normal: the quantity of before still counts', () => {
    const streams = open(compiled('ratio'));
    fold(streams, honest());
    fold(streams, attack('ratio', START + 40 * DAY_MS));
    const saved = JSON.stringify(streams.slots[0]?.run.save());
    const mean = Number(/"mean":(-?[\d.]+)/.exec(saved)?.[1]);
    // ln 900 is 6.8, ln 300 is 5.7.
    expect(mean).toBeGreaterThan(6.5);
  });

  it('learns a declared plan anew', () => {
    const streams = open(compiled('ratio'));
    fold(streams, honest());
    foldStreams(streams, event({ atMs: START + 40 * DAY_MS, meter: 'plan_change' }));
    expect(fold(streams, attack('ratio', START + 40 * DAY_MS + 1))).toBe(0);
  });

  it('takes a new key as the reason for a new source', () => {
    const streams = open(compiled('novelty', { of: 'source' }));
    fold(streams, honest());
    const rotated = attack('novelty', START + 40 * DAY_MS).map((one) => ({
      ...one,
      details: { ...one.details, key: 77 },
    }));
    expect(fold(streams, rotated)).toBe(0);
  });

  it('does not take a new key for a rotation when the keys before go on as ever', () => {
    const streams = open(compiled('novelty', { of: 'source' }));
    fold(streams, honest());
    const days = (count: number, change: Partial<Change>) =>
      Array.from({ length: count * 24 }, (_, index) =>
        event({ atMs: START + 40 * DAY_MS + index * HOUR_MS, ...change }),
      );
    const own = days(6, {}).flatMap((one) => [one, { ...one, ingestedAtMs: one.ingestedAtMs + 1 }]);
    const stranger = days(6, { source: 'elsewhere', properties: { key: 'k2' } });
    const beside = [...own, ...stranger].sort((one, other) => one.ingestedAtMs - other.ingestedAtMs);
    expect(fold(streams, beside)).toBeGreaterThan(1.5);
  });

  it('takes a backlog for late delivery when its source was silent', () => {
    const streams = open(compiled('backdated'));
    fold(streams, honest(20));
    const resumeMs = START + 21 * DAY_MS;
    const backlog = Array.from({ length: 30 }, (_, index) =>
      event({ atMs: resumeMs + index * 1_000, lateMs: 10 * HOUR_MS - index * 15 * MINUTE_MS }),
    );
    expect(fold(streams, backlog)).toBeLessThan(1.5);
  });

  it('ends a gap when the number comes late', () => {
    const streams = open(compiled('sequence_gap'));
    const numbered = (sequence: number, atMs: number) => event({ atMs, sequence });
    for (let index = 1; index <= 200; index++) {
      foldStreams(streams, numbered(index % 20 === 0 ? index - 1 : index, START + index * MINUTE_MS));
      if (index % 20 === 3 && index > 20) foldStreams(streams, numbered(index - 3, START + index * MINUTE_MS));
    }
    expect(streams.slots[0]?.peak).toBe(0);
  });
});
