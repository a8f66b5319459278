import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventKeyOf } from '../../../../src/domain/events/event-key.ts';
import { judgeSet, type SetRow, type SetWallet } from '../../../../src/domain/ledger/judge-set.ts';

function row(id: string, walletId: bigint, amount: bigint): SetRow {
  const account = `a${walletId}`;
  const key = eventKeyOf({ tenant: 't', source: 's', id, occurredAtMs: 0 });
  return { address: { shard: 0, walletId }, tenant: 't', account, key, contentHash: amount * 100n + walletId, amount };
}

function wallet(walletId: bigint, over: Partial<SetWallet> = {}): SetWallet {
  const money = { posted: 0n, held: 0n, overdraftLimit: null, seq: 7n, hasGrants: false, hasThrottle: false };
  return { walletId, tenant: 't', account: `a${walletId}`, status: 'active', statusSequence: 0, ...money, ...over };
}

function judge(rows: readonly SetRow[], wallets: readonly SetWallet[], overdraftDefault = 0n, entriesFromMs = 0) {
  const books = { wallets: new Map(wallets.map((one) => [one.walletId, one])), known: new Map<string, bigint>() };
  return judgeSet(rows, { ...books, overdraftDefault, entriesFromMs });
}

test('a refused row claims nothing: the same row is judged again when it comes again', () => {
  const rows = [row('fee', 1n, -5n), row('credit', 1n, 5n), row('fee', 1n, -5n), row('fee', 1n, -5n)];
  const { statuses } = judge(rows, [wallet(1n)]);
  expect(statuses).toEqual([
    { status: 'refused', reason: 'short' },
    { status: 'posted' },
    { status: 'posted' },
    { status: 'duplicate' },
  ]);
});

test('held money cannot be charged away, and an own limit goes before the default', () => {
  const rows = [row('1', 1n, -5n), row('2', 1n, -1n), row('3', 2n, -9n)];
  const wallets = [wallet(1n, { posted: 10n, held: 5n }), wallet(2n, { overdraftLimit: 8n })];
  expect(judge(rows, wallets, 1_000n).statuses.map(({ status }) => status)).toEqual(['posted', 'posted', 'refused']);
  expect(judge(rows, [wallet(1n, { posted: 10n, held: 5n }), wallet(2n)]).statuses.map(({ status }) => status)).toEqual(
    ['posted', 'refused', 'refused'],
  );
});

test('wallets with grants or a throttle are left to changes of one wallet, credits too', () => {
  const rows = [row('1', 1n, -5n), row('2', 1n, 5n), row('3', 2n, -5n), row('4', 2n, 5n), row('5', 3n, 5n)];
  const wallets = [wallet(1n, { posted: 10n, hasGrants: true }), wallet(2n, { hasThrottle: true }), wallet(3n)];
  expect(judge(rows, wallets).statuses).toEqual([
    { status: 'refused', reason: 'has_grants' },
    { status: 'refused', reason: 'has_grants' },
    { status: 'refused', reason: 'has_throttle' },
    { status: 'refused', reason: 'has_throttle' },
    { status: 'posted' },
  ]);
});

test('a day whose entries are archived takes no more of them', () => {
  const { statuses, postings } = judge([row('1', 1n, 5n)], [wallet(1n)], 0n, 1);
  expect([statuses, postings]).toEqual([[{ status: 'refused', reason: 'too_late' }], []]);
});

test('entries are gapless, add up to the balance, and never leave a wallet below its limit', () => {
  const rows = fc.array(
    fc.record({ id: fc.nat(30), wallet: fc.integer({ min: 1, max: 4 }), amount: fc.integer({ min: -9, max: 9 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(rows, fc.nat(6), (drawn, overdraft) => {
      const moving = drawn.filter(({ amount }) => amount !== 0);
      const items = moving.map(({ id, wallet: walletId, amount }) => row(`${id}`, BigInt(walletId), BigInt(amount)));
      const { statuses, postings } = judge(
        items,
        [wallet(1n), wallet(2n), wallet(3n, { status: 'frozen' })],
        BigInt(overdraft),
      );
      const legs = postings.flatMap(({ entries }) => entries);
      expect(legs.length).toBe(statuses.filter(({ status }) => status === 'posted').length);
      expect(new Set(legs.map(({ key }) => `${key.h0} ${key.h1}`)).size).toBe(legs.length);
      for (const { wallet: head, entries } of postings) {
        expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => 8n + BigInt(index)));
        expect(entries.reduce((sum, { amount }) => sum + amount, 0n)).toBe(head.posted);
        expect(entries.at(-1)?.balanceAfter).toBe(head.posted);
        for (const { amount, balanceAfter } of entries) {
          if (amount < 0n) expect(balanceAfter >= -BigInt(overdraft) && head.status === 'active').toBe(true);
        }
      }
    }),
    { seed: 20_260_308, numRuns: 300 },
  );
});
