import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contentHashOf,
  type EventKey,
  eventKeyOf,
  formatEventKey,
  lowestKeyAt,
  parseEventKey,
} from '../../src/domain/events/event-key.ts';
import { parseUsageEvent } from '../../src/domain/events/parse-event.ts';
import { parseJob } from '../../src/domain/events/parse-job.ts';
import { RecentKeys } from '../../src/domain/events/recent-keys.ts';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import { addressOf, derivedId, formatWalletId, parseWalletId, SHARDS } from '../../src/domain/ids.ts';
import { parseQuantity } from '../../src/domain/money/quantity.ts';

const SETTINGS = { seed: 20_260_301, numRuns: 500 } as const;
const TIME_MS_MAX = 253_402_300_799_999;

const FIELDS = [
  'id',
  'source',
  'account',
  'meter',
  'quantity',
  'occurredAt',
  'sequence',
  'properties',
  'tenant',
  '__proto__',
];
const hostileText = fc.string({ unit: 'binary', maxLength: 300 });
const hostileValue = fc.oneof(fc.jsonValue(), hostileText, fc.double(), fc.constant('__proto__'));
/** An event with some fields that are right and some that are anything, made through JSON as events are. */
const hostileEvent = fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), hostileText), hostileValue).map((fields) => {
  const good = { id: 'e', source: 's', account: 'a', meter: 'm', quantity: '1', occurredAt: 0 };
  const entries = Object.entries({ ...good, ...fields }).map(
    ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`,
  );
  return JSON.parse(`{${entries.join()}}`) as unknown;
});

describe('reading what came in', () => {
  it('never throws, and answers every event with itself or with code, field, value and fix', () => {
    fc.assert(
      fc.property(fc.oneof(hostileEvent, fc.jsonValue(), fc.anything()), fc.boolean(), (raw, trusted) => {
        const parsed = parseUsageEvent(raw, trusted);
        if (parsed.ok) {
          expect(contentHashOf(parsed.event)).toBeTypeOf('bigint');
          expect(`${parsed.event.id}${parsed.event.account}`.isWellFormed()).toBe(true);
          return;
        }
        const { code, field, value, fix } = parsed.rejection;
        for (const text of [code, field, value, fix, parsed.id ?? '']) {
          expect(text.isWellFormed()).toBe(true);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: what is shown must hold none of them.
          expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
          expect(text.length).toBeLessThanOrEqual(256);
        }
      }),
      { ...SETTINGS, numRuns: 3_000 },
    );
  });

  it('answers a job with one result per event, or refuses it as a whole', () => {
    const job = fc.oneof(
      fc.record({ v: fc.constantFrom(1, 2, '1'), events: fc.oneof(fc.array(hostileEvent), fc.jsonValue()) }),
      fc.anything(),
    );
    fc.assert(
      fc.property(job, fc.boolean(), (data, trusted) => {
        const parsed = parseJob(data, { trusted });
        if (parsed.ok) expect(parsed.events.length).toBe(parsed.raws.length);
        else expect(parsed.rejection.field.length).toBeLessThanOrEqual(64);
      }),
      SETTINGS,
    );
  });
});

const name = fc.stringMatching(/^[a-z0-9:_-]{1,12}$/);
const time = fc.oneof(fc.nat(TIME_MS_MAX), fc.constantFrom(0, 0xffff_ffff, 0x1_0000_0000, TIME_MS_MAX));
const identity = fc.record({ tenant: name, source: name, id: name, occurredAtMs: time });

describe('an event key', () => {
  it('survives its uuid text', () => {
    fc.assert(
      fc.property(identity, fc.option(fc.bigInt(), { nil: undefined }), (event, variant) => {
        const key = eventKeyOf(event, variant);
        const uuid = formatEventKey(key);
        expect(uuid).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        expect(parseEventKey(uuid)).toEqual(key);
      }),
      SETTINGS,
    );
  });

  it('sorts by time as text, so that a day is one range of keys', () => {
    fc.assert(
      fc.property(identity, identity, (left, right) => {
        const [a, b] = [formatEventKey(eventKeyOf(left)), formatEventKey(eventKeyOf(right))];
        if (left.occurredAtMs !== right.occurredAtMs) expect(a < b).toBe(left.occurredAtMs < right.occurredAtMs);
        expect(a >= lowestKeyAt(left.occurredAtMs)).toBe(true);
        expect(a < lowestKeyAt(left.occurredAtMs + 1)).toBe(true);
      }),
      SETTINGS,
    );
  });

  it('differs in tenant, source, id and variant, wherever the text between them is cut', () => {
    const hashOf = (tenant: string, source: string, id: string, variant?: bigint) =>
      formatEventKey(eventKeyOf({ tenant, source, id, occurredAtMs: 0 }, variant));
    const keys = [
      hashOf('a', 'bc', 'd'),
      hashOf('ab', 'c', 'd'),
      hashOf('a', 'b', 'cd'),
      hashOf('a', 'bc', 'd', 0n),
      hashOf('a', 'bc', 'd', 1n),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

function eventOf(fields: Partial<UsageEvent> & { readonly amount?: string }): UsageEvent {
  const { amount = '1', ...rest } = fields;
  const quantity = parseQuantity(amount);
  if (typeof quantity === 'string') throw new Error(quantity);
  return { tenant: 't', id: 'i', source: 's', account: 'a', meter: 'm', occurredAtMs: 1, quantity, ...rest };
}

const properties = fc.dictionary(fc.string({ unit: 'binary', maxLength: 8 }), fc.jsonValue(), { maxKeys: 5 });

/** The same value with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

describe('a content hash', () => {
  it('does not depend on the order of properties, nor on when the event arrived', () => {
    fc.assert(
      fc.property(properties, fc.string(), (drawn, arrival) => {
        const sent = JSON.parse(JSON.stringify(drawn)) as NonNullable<UsageEvent['properties']>;
        const again = { ...(reversed(sent) as NonNullable<UsageEvent['properties']>), received_at: arrival };
        expect(contentHashOf(eventOf({ properties: again }))).toBe(
          contentHashOf(eventOf({ properties: { ...sent, received_at: 'x' } })),
        );
      }),
      SETTINGS,
    );
  });

  it('changes with every field that says what was used, and with nothing else', () => {
    const changed: readonly UsageEvent[] = [
      eventOf({ account: 'b' }),
      eventOf({ meter: 'n' }),
      eventOf({ amount: '2' }),
      eventOf({ occurredAtMs: 2 }),
      eventOf({ sequence: 0 }),
      eventOf({ sequence: 1 }),
      eventOf({ properties: { a: 1 } }),
      eventOf({ properties: { a: '1' } }),
      eventOf({ properties: { a: null } }),
      eventOf({ properties: { a: [1, 2] } }),
      eventOf({ properties: { a: [[1], 2] } }),
      eventOf({ properties: { a: { received_at: 1 } } }),
      eventOf({ properties: JSON.parse('{"__proto__":{"a":1}}') }),
      eventOf({ properties: { a: '\ud800' } }),
      eventOf({ properties: { a: '\ufffd' } }),
      eventOf({ account: 'am', meter: '' }),
    ];
    const hashes = [eventOf({}), ...changed].map(contentHashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(contentHashOf(eventOf({ amount: '1.0' }))).toBe(contentHashOf(eventOf({})));
  });

  it('tells any two different properties apart', () => {
    fc.assert(
      fc.property(properties, properties, (left, right) => {
        const [a, b] = [left, right].map((drawn) => JSON.stringify(reversed(reversed(drawn))));
        const sortedEqual =
          contentHashOf(eventOf({ properties: JSON.parse(a ?? '') })) ===
          contentHashOf(eventOf({ properties: JSON.parse(b ?? '') }));
        const isEmpty = a === '{}' || b === '{}';
        if (!isEmpty) expect(sortedEqual).toBe(canonical(left) === canonical(right));
      }),
      SETTINGS,
    );
  });
});

/** Another canonical form: JSON with sorted keys, by sorting entries on the way through JSON.stringify. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function keyOf(number: number, timeMs: number): EventKey {
  // Few different slots on purpose, so that probing is exercised.
  return { timeMs, h0: number, h1: number % 7, h2: number % 3 };
}

describe('recent keys', () => {
  it('find every key at or after the time they are complete from, and nothing that was not added', () => {
    const added = fc.array(fc.record({ number: fc.nat(2_000), timeMs: fc.nat(10_000) }), { maxLength: 400 });
    fc.assert(
      fc.property(added, fc.integer({ min: 1, max: 60 }), fc.nat(5_000), (drawn, generationMax, completeFromMs) => {
        const keys = new RecentKeys(completeFromMs, generationMax);
        const model = new Map<number, number[]>();
        for (const { number, timeMs } of drawn) {
          keys.add(keyOf(number, timeMs));
          model.set(number, [...(model.get(number) ?? []), timeMs]);
        }
        expect(keys.completeFromMs).toBeGreaterThanOrEqual(completeFromMs);
        for (let number = 0; number <= 2_000; number += 1) {
          const times = model.get(number) ?? [];
          const found = keys.find(keyOf(number, 0));
          if (found !== undefined) expect(times).toContain(found.timeMs);
          if (times.some((timeMs) => timeMs >= keys.completeFromMs)) expect(found).toBeDefined();
        }
      }),
      { ...SETTINGS, numRuns: 100 },
    );
  });

  it('stay complete until something was dropped, and keep the newest two generations', () => {
    const keys = new RecentKeys(0, 100);
    for (let number = 0; number < 200; number++) keys.add(keyOf(number, number));
    expect(keys.completeFromMs).toBe(0);
    keys.add(keyOf(200, 200));
    expect(keys.completeFromMs).toBe(100);
    expect(keys.find(keyOf(99, 0))).toBeUndefined();
    expect(keys.find(keyOf(100, 0))?.timeMs).toBe(100);
  });
});

describe('ids', () => {
  it('of wallets survive their public form', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (walletId) => {
        expect(parseWalletId(formatWalletId(walletId))).toBe(walletId);
      }),
      SETTINGS,
    );
    for (const text of [
      '',
      'wal_',
      'wal_7zzzzzzzzzzzzz',
      'wal_zzzzzzzzzzzzz',
      'wal_000000000000i',
      'WAL_0000000000000',
      'dec_0000000000000',
    ])
      expect([text, parseWalletId(text)]).toEqual([text, undefined]);
  });

  it('of accounts spread over all shards and fit a bigint column', () => {
    const shards = new Set<number>();
    for (let number = 0; number < 20_000; number++) {
      const { shard, walletId } = addressOf('default', `acct_${number}`, 'USD');
      shards.add(shard);
      expect(walletId >= 0n && walletId < 2n ** 63n).toBe(true);
    }
    expect(shards.size).toBe(SHARDS);
    expect(addressOf('a', 'b', 'USD')).not.toEqual(addressOf('a', 'b', 'EUR'));
    expect(addressOf('a', 'b', 'USD').shard).toBe(addressOf('a', 'b', 'EUR').shard);
  });

  it('that are derived are stable and carry their prefix', () => {
    expect(derivedId('dec', ['a', 'b'])).toMatch(/^dec_[0-9a-hjkmnp-tv-z]{16}$/);
    expect(derivedId('dec', ['a', 'b'])).toBe(derivedId('dec', ['a', 'b']));
    expect(derivedId('dec', ['ab'])).not.toBe(derivedId('dec', ['a', 'b']));
  });
});
