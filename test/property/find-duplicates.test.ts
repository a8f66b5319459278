import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEventKey } from '../../src/domain/events/event-key.ts';
import { RecentKeys } from '../../src/domain/events/recent-keys.ts';
import type { EventStatus } from '../../src/domain/events/usage-event.ts';
import type { FactRow } from '../../src/pipeline/lane/batch-record.ts';
import { decodeFacts, encodeFacts, encodeIdFilter, mayHoldId } from '../../src/pipeline/lane/facts-codec.ts';
import { findDuplicates, forgetRefused, type StoredKey } from '../../src/pipeline/lane/find-duplicates.ts';
import type { LaneEvent } from '../../src/pipeline/lane/lane-event.ts';
import { laneEventOf } from '../support/oracle.ts';

const SETTINGS = { seed: 20_260_304, numRuns: 300 } as const;
const START_MS = Date.UTC(2026, 2, 1);

function laneEvent(fields: { readonly id: number; readonly content: number; readonly atMs: number }): LaneEvent {
  return laneEventOf(
    {
      id: `evt-${fields.id}`,
      source: 'gateway',
      tenant: 'default',
      account: 'acct',
      meter: 'api.calls',
      quantity: String(fields.content),
      occurredAtMs: START_MS + fields.atMs,
      ingestedAtMs: START_MS,
      status: 'posted',
      amount: null,
      sequence: null,
      properties: null,
    },
    'USD',
  );
}

/** Few ids and contents, so that most events repeat something; the time of an id is its own. */
const drawn = fc
  .record({ id: fc.nat(30), content: fc.nat(2), isRefused: fc.boolean() })
  .map(({ id, content, isRefused }) => ({
    item: laneEvent({ id, content, atMs: id * 10 }),
    // Whether an event is refused follows from its content alone, as with a charge that no wallet can hold.
    isRefused: isRefused && content === 2,
  }));

/** Identity by plain maps: the first content of an id is new, the same again a duplicate, another one altered, once. */
class NaiveIdentity {
  readonly #contents = new Map<string, bigint>();
  readonly #altered = new Set<string>();

  identify({
    item,
    isRefused,
  }: {
    readonly item: LaneEvent;
    readonly isRefused: boolean;
  }): EventStatus['status'] | 'altered' {
    const { id } = item.event;
    const known = this.#contents.get(id);
    const variant = `${id} ${item.contentHash}`;
    if (known === item.contentHash || this.#altered.has(variant)) return 'duplicate';
    if (isRefused) return 'rejected';
    if (known === undefined) {
      this.#contents.set(id, item.contentHash);
      return 'posted';
    }
    this.#altered.add(variant);
    return 'altered';
  }
}

describe('identity', () => {
  it('is what a plain map says, whatever the batches, the keys in memory and the keys looked up', async () => {
    const batches = fc.array(fc.tuple(fc.array(drawn, { minLength: 1, maxLength: 40 }), fc.boolean()), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 20 }), async (sequence, generationMax) => {
        const naive = new NaiveIdentity();
        const recent = new RecentKeys(0, generationMax);
        const stored = new Map<string, StoredKey>();
        for (const [batch, lookUpAll] of sequence) {
          const events = batch.map(({ item }) => item);
          const find = async (keys: readonly string[]) =>
            new Map(keys.flatMap((key) => stored.get(key) ?? []).map((found) => [found.key, found]));
          const identities = await findDuplicates(events, recent, find, lookUpAll);
          for (const [index, step] of batch.entries()) {
            const identity = identities[index];
            const isRefused = step.isRefused && identity?.kind !== 'duplicate';
            if (isRefused) forgetRefused(events, identities, index);
            const said = isRefused ? 'rejected' : identity?.kind === 'new' ? 'posted' : identity?.kind;
            expect([index, said]).toEqual([index, naive.identify(step)]);
            if (isRefused || identity === undefined || identity.kind === 'duplicate') continue;
            const key = identity.kind === 'altered' ? identity.key : step.item.key;
            recent.add(key);
            const uuid = formatEventKey(key);
            expect(stored.has(uuid)).toBe(false);
            stored.set(uuid, { key: uuid, contentHash: step.item.contentHash });
          }
        }
      }),
      SETTINGS,
    );
  });

  it('of an id under another time is known as long as the lane remembers it', async () => {
    const recent = new RecentKeys(0);
    const first = laneEvent({ id: 1, content: 1, atMs: 0 });
    recent.add(first.key);
    const stored = new Map([
      [formatEventKey(first.key), { key: formatEventKey(first.key), contentHash: first.contentHash }],
    ]);
    const moved = laneEvent({ id: 1, content: 1, atMs: 5 });
    const [identity] = await findDuplicates([moved], recent, async () => stored, false);
    expect(identity).toMatchObject({ kind: 'altered', key: { timeMs: START_MS + 5 } });
  });
});

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((drawnText) => drawnText.toWellFormed());
const fact = fc.record({
  id: text,
  source: text,
  account: text,
  quantity: fc.constantFrom('0', '1', '999999999999999999.999999999999999999'),
  amount: fc.option(fc.bigInt({ min: 0n, max: 2n ** 61n }), { nil: null }),
  sequence: fc.option(fc.nat(), { nil: undefined }),
  properties: fc.option(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 3 }), {
    nil: undefined,
  }),
  status: fc.constantFrom<FactRow['status']>('posted', 'duplicate', 'altered', 'frozen', 'too_late'),
});

function factRow(fields: typeof fact extends fc.Arbitrary<infer T> ? T : never): FactRow {
  const item = laneEvent({ id: 1, content: 1, atMs: 0 });
  const { status, amount, quantity, sequence, properties, ...names } = fields;
  const event = {
    ...item.event,
    ...names,
    quantity: { ...item.event.quantity, text: quantity },
    ...(sequence === undefined ? {} : { sequence }),
    ...(properties === undefined ? {} : { properties: JSON.parse(JSON.stringify(properties)) }),
  };
  return { item: { ...item, event }, ingestedAtMs: START_MS + 1, status, amount };
}

describe('the facts of a batch', () => {
  it('come back as they were written, plain or compressed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fact, { maxLength: 30 }), fc.constantFrom(1, 40), async (fields, times) => {
        const rows = new Array(times).fill(fields.map(factRow)).flat() as FactRow[];
        const decoded = decodeFacts(await encodeFacts(rows));
        expect(decoded).toEqual(
          rows.map(({ item: { event }, ingestedAtMs, status, amount }) => ({
            id: event.id,
            source: event.source,
            tenant: event.tenant,
            account: event.account,
            meter: event.meter,
            quantity: event.quantity.text,
            occurredAtMs: event.occurredAtMs,
            ingestedAtMs,
            status,
            amount,
            sequence: event.sequence ?? null,
            properties: event.properties ?? null,
          })),
        );
      }),
      { ...SETTINGS, numRuns: 60 },
    );
  });

  it('are found by their id in every case, and other ids seldom', async () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 60 }), (fields) => {
        const rows = fields.map(factRow);
        const filter = encodeIdFilter(rows);
        for (const { item } of rows) expect(mayHoldId(filter, item.event.id)).toBe(true);
      }),
      { ...SETTINGS, numRuns: 100 },
    );
    const rows = Array.from({ length: 5_000 }, (_, id) => ({
      ...factRow({
        id: `evt-${id}`,
        source: 's',
        account: 'a',
        quantity: '1',
        amount: null,
        sequence: undefined,
        properties: undefined,
        status: 'posted',
      }),
    }));
    const filter = encodeIdFilter(rows);
    let wrong = 0;
    for (let id = 0; id < 20_000; id++) if (mayHoldId(filter, `other-${id}`)) wrong++;
    expect(wrong / 20_000).toBeLessThan(0.01);
    expect(mayHoldId(encodeIdFilter([]), 'evt-1')).toBe(false);
  });
});
