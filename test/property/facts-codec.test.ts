import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventKeyOf } from '../../src/domain/events/event-key.ts';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import { parseQuantity } from '../../src/domain/money/quantity.ts';
import type { FactRow } from '../../src/pipeline/lane/batch-record.ts';
import { decodeFacts, encodeFacts, type StoredFact } from '../../src/pipeline/lane/facts-codec.ts';

const name = fc.oneof(fc.constantFrom('api', 'a', '', '"', '\n'), fc.string({ unit: 'grapheme', maxLength: 8 }));
const time = fc.integer({ min: 0, max: 253_402_300_799_999 });
const stored = fc.record({
  id: name,
  source: name,
  tenant: name,
  account: name,
  meter: name,
  quantity: fc.constantFrom('0', '1.5', '999999999999999999.000000000000000001', '42'),
  occurredAtMs: time,
  ingestedAtMs: time,
  status: fc.constantFrom<StoredFact['status'][]>('posted', 'duplicate', 'altered', 'frozen', 'unknown_meter'),
  amount: fc.option(fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.constantFrom(2n ** 53n, 2n ** 53n - 1n))),
  sequence: fc.option(fc.maxSafeNat()),
  // As they are once they came through JSON, which knows no negative zero.
  properties: fc.option(
    fc
      .dictionary(name, fc.jsonValue({ maxDepth: 2 }))
      .map((value): StoredFact['properties'] => JSON.parse(JSON.stringify(value))),
  ),
});

function rowOf(fact: StoredFact): FactRow {
  const quantity = parseQuantity(fact.quantity);
  if (typeof quantity === 'string') throw new Error(quantity);
  const { id, source, tenant, account, meter, occurredAtMs } = fact;
  const event: UsageEvent = {
    ...{ id, source, tenant, account, meter, quantity, occurredAtMs },
    ...(fact.sequence === null ? {} : { sequence: fact.sequence }),
    ...(fact.properties === null ? {} : { properties: fact.properties }),
  };
  const address = { shard: 0, walletId: 1n };
  const { ingestedAtMs, status, amount } = fact;
  return {
    item: { event, address, key: eventKeyOf(event), contentHash: 0n, ingestedAtMs },
    ingestedAtMs,
    status,
    amount,
  };
}

test('facts read back exactly as they were, few or many', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stored, { maxLength: 60 }), async (facts) => {
      expect(decodeFacts(await encodeFacts(facts.map(rowOf)))).toEqual(facts);
    }),
    { seed: 20_260_306, numRuns: 200 },
  );
});

const KEPT: StoredFact = {
  id: 'e1',
  source: 'api',
  tenant: 'default',
  account: 'acme',
  meter: 'tokens',
  quantity: '1.5',
  occurredAtMs: 1,
  ingestedAtMs: 2,
  status: 'posted',
  amount: 7n,
  sequence: null,
  properties: { key: 'k' },
};
// As a release before columns wrote it.
const ROWS = '[["e1","api","default","acme","tokens","1.5",1,2,"posted","7",null,{"key":"k"}]]';

test.each([
  ['plain', Buffer.concat([Buffer.of(0), Buffer.from(ROWS)])],
  ['deflated', Buffer.concat([Buffer.of(1), deflateRawSync(ROWS)])],
])('facts stored as rows, %s, are still read', (_, bytes) => {
  expect(decodeFacts(bytes)).toEqual([KEPT]);
});

test('columns of unequal length are damage, not fewer facts', async () => {
  const bytes = await encodeFacts([rowOf(KEPT)]);
  const cut = bytes.toString('utf8').replace('"account":["acme"]', '"account":[]');
  expect(() => decodeFacts(Buffer.from(cut, 'utf8'))).toThrow(RangeError);
});
