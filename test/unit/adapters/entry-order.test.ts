import { expect, test } from 'vitest';
import { type ChainEntryRow, inLaneOrder } from '../../../src/adapters/postgres/queries/entry-order.ts';
import { eventKeyOf, formatEventKey } from '../../../src/domain/events/event-key.ts';
import { ENTRY_KIND, type EntryKind } from '../../../src/domain/ledger/wallet.ts';
import type { StoredFact } from '../../../src/pipeline/lane/facts-codec.ts';

const AT_MS = 5_000;

function fact(account: string, id: string, status: StoredFact['status'] = 'posted', ingestedAtMs = AT_MS): StoredFact {
  const base = { id, source: 's', tenant: 'default', account, meter: 'm', quantity: '1', occurredAtMs: 1_000 };
  return { ...base, ingestedAtMs, status, amount: 1n, sequence: null, properties: null };
}

const keyOf = (of: StoredFact) => formatEventKey(eventKeyOf(of));

function entry(account: string, seq: number, kind: EntryKind, key: string): ChainEntryRow {
  const place = { lane: 0, batch_no: 1n, tenant_id: 'default', account_id: account };
  return {
    ...place,
    event_key: key,
    wallet_id: 1n,
    seq: BigInt(seq),
    amount: 0n,
    balance_after: 0n,
    content_hash: 0n,
    kind,
  };
}

const posted = (of: StoredFact, seq: number) => entry(of.account, seq, ENTRY_KIND.usage, keyOf(of));
const state = (account: string, seq: number, kind: EntryKind, atMs = AT_MS) =>
  entry(
    account,
    seq,
    kind,
    formatEventKey(eventKeyOf({ tenant: 'default', source: 'tollkeeper', id: `${account}${seq}`, occurredAtMs: atMs })),
  );

test('entries of several accounts come back in the order of their facts', () => {
  const facts = [fact('a', '1'), fact('b', '2'), fact('a', '3', 'duplicate'), fact('b', '4'), fact('a', '5')];
  const [one, two, , four, five] = facts.map((of, index) => posted(of, index + 1));
  if (one === undefined || two === undefined || four === undefined || five === undefined) throw new Error('five facts');
  expect(inLaneOrder([five, four, two, one], facts, new Set())).toEqual([one, two, four, five]);
});

test('a freeze stands behind the event that caused it, even one that was itself not charged', () => {
  const facts = [
    fact('a', '1'),
    fact('b', '2'),
    fact('a', '3', 'over_limit'),
    fact('b', '4'),
    fact('a', '5', 'frozen'),
  ];
  const [cause] = facts.slice(2);
  if (cause === undefined) throw new Error('five facts');
  const rows = [
    posted(fact('a', '1'), 1),
    state('a', 2, ENTRY_KIND.freeze),
    posted(fact('b', '2'), 1),
    posted(fact('b', '4'), 2),
  ];
  const ordered = inLaneOrder(rows, facts, new Set([keyOf(cause)]));
  expect(ordered.map((row) => [row.account_id, row.kind])).toEqual([
    ['a', ENTRY_KIND.usage],
    ['b', ENTRY_KIND.usage],
    ['a', ENTRY_KIND.freeze],
    ['b', ENTRY_KIND.usage],
  ]);
});

test('a thaw stands before the first event after the freeze', () => {
  const facts = [fact('a', '1', 'frozen', AT_MS - 1), fact('b', '2'), fact('a', '3')];
  const rows = [state('a', 1, ENTRY_KIND.thaw), posted(fact('a', '3'), 2), posted(fact('b', '2'), 1)];
  expect(inLaneOrder(rows, facts, new Set()).map((row) => [row.account_id, row.kind])).toEqual([
    ['b', ENTRY_KIND.usage],
    ['a', ENTRY_KIND.thaw],
    ['a', ENTRY_KIND.usage],
  ]);
});

test('an entry without its event is left out', () => {
  expect(inLaneOrder([posted(fact('a', 'smuggled'), 1)], [fact('a', '1')], new Set())).toEqual([]);
});
