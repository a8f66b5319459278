import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventKeyOf } from '../../../../src/domain/events/event-key.ts';
import { beginThaw, endFreeze, freezeWallet } from '../../../../src/domain/ledger/freeze-and-thaw.ts';
import { releaseUsage } from '../../../../src/domain/ledger/release-usage.ts';
import { topUpWallet } from '../../../../src/domain/ledger/top-up-wallet.ts';
import { openWallet, type WalletHead } from '../../../../src/domain/ledger/wallet.ts';
import type { WalletChange } from '../../../../src/domain/ledger/wallet-change.ts';
import { NANOS_MAX } from '../../../../src/domain/money/nanos.ts';

function wallet(over: Partial<WalletHead> = {}): WalletHead {
  const identity = { walletId: 7n, tenant: 'default', account: 'acme', currency: 'USD', shard: 3, openedAtMs: 0 };
  return { ...openWallet(identity), ...over };
}

const key = (id: string) => eventKeyOf({ tenant: 'default', source: 'test', id, occurredAtMs: 1_000 });
const quarantined = (...amounts: number[]) =>
  amounts.map((amount, index) => ({ key: key(`q${index}`), contentHash: 0n, amount: BigInt(amount), residue: 0n }));

const at = (overdraftDefault: bigint) => ({ overdraftDefault, nowMs: 0 });

function sumOf({ entries, contra }: WalletChange): bigint {
  return [...entries, ...contra].reduce((sum, { amount }) => sum + amount, 0n);
}

describe('a top-up', () => {
  test.each([
    ['paid', 'cash'],
    ['promotional', 'promotion'],
  ] as const)('of %s money comes from %s and sums to zero', (source, ledgerAccount) => {
    const result = topUpWallet(wallet(), { key: key('t'), amount: 5n, source });
    if (!result.ok) throw new Error(result.reason);
    expect(result.change.contra).toEqual([{ ledgerAccount, amount: -5n }]);
    expect(sumOf(result.change)).toBe(0n);
    expect(result.change.wallet).toMatchObject({ posted: 5n, seq: 1n, statusSequence: 0 });
  });

  test.each([
    ['ends a negative balance', wallet({ posted: -5n }), 'funded', 1],
    ['leaves the balance negative', wallet({ posted: -6n }), undefined, 0],
    ['finds the wallet frozen', wallet({ posted: -5n, status: 'frozen' }), undefined, 0],
  ] as const)('that %s announces what services can rely on', (_name, before, news, statusSequence) => {
    const result = topUpWallet(before, { key: key('t'), amount: 5n, source: 'paid' });
    expect(result).toMatchObject({ ok: true, change: { news, wallet: { statusSequence } } });
  });

  test('beyond what a column holds is refused', () => {
    const result = topUpWallet(wallet({ posted: NANOS_MAX }), { key: key('t'), amount: 1n, source: 'paid' });
    expect(result).toEqual({ ok: false, reason: 'balance_too_large' });
  });

  test('of nothing is a mistake of ours', () => {
    expect(() => topUpWallet(wallet(), { key: key('t'), amount: 0n, source: 'paid' })).toThrow('positive');
  });
});

describe('a freeze', () => {
  const freeze = { key: key('f'), nowMs: 10, untilMs: 20, by: 'chg_1' };

  test('is dated and moves no money', () => {
    const result = freezeWallet(wallet({ posted: 9n }), freeze);
    if (!result.ok) throw new Error(result.reason);
    expect(result.change.wallet).toMatchObject({
      status: 'frozen',
      frozenAtMs: 10,
      frozenUntilMs: 20,
      frozenBy: 'chg_1',
      posted: 9n,
    });
    expect(result.change.entries).toMatchObject([{ amount: 0n, balanceAfter: 9n, seq: 1n }]);
  });

  test('of a frozen wallet keeps the first date and takes the new end', () => {
    const before = wallet({ status: 'frozen', frozenAtMs: 5, frozenUntilMs: 15 });
    expect(freezeWallet(before, freeze)).toMatchObject({
      ok: true,
      change: { wallet: { frozenAtMs: 5, frozenUntilMs: 20 } },
    });
  });

  test('waits for a thaw under way', () => {
    expect(freezeWallet(beginThaw(wallet({ status: 'frozen' })), freeze)).toEqual({ ok: false, reason: 'thawing' });
  });

  test('has no end date while it is being thawed, so no timer can end it', () => {
    expect(beginThaw(wallet({ status: 'frozen', frozenUntilMs: 15 }))).toMatchObject({
      status: 'thawing',
      frozenUntilMs: null,
    });
  });

  test('ends with every trace of it gone', () => {
    const change = endFreeze(wallet({ status: 'thawing', frozenAtMs: 5, frozenBy: 'dec_1' }), { key: key('e') });
    expect(change).toMatchObject({
      news: 'thawed',
      wallet: { status: 'active', frozenAtMs: null, frozenBy: null, statusSequence: 1 },
    });
  });
});

describe('released usage', () => {
  test('stops at the first that does not fit, and nothing overtakes it', () => {
    const before = wallet({ posted: 4n, quarantined: 12n, quarantinedEvents: 4 });
    const { change, posted, amount } = releaseUsage(before, quarantined(3, 2, 6, 1), at(2n));
    expect({ posted, amount }).toEqual({ posted: 2, amount: 5n });
    expect(change?.wallet).toMatchObject({ posted: -1n, quarantined: 7n, quarantinedEvents: 2, seq: 2n });
  });

  test('what is free is posted whatever the balance', () => {
    expect(releaseUsage(wallet({ posted: -50n }), quarantined(0), at(0n)).posted).toBe(1);
  });

  test('what is held is not spent', () => {
    expect(releaseUsage(wallet({ posted: 5n, held: 3n }), quarantined(3), at(0n)).posted).toBe(0);
  });

  test("a wallet's own limit counts before the ruleset's", () => {
    expect(releaseUsage(wallet({ overdraftLimit: 10n }), quarantined(8), at(0n)).posted).toBe(1);
  });

  test('sums to zero, never passes the limit, and numbers its entries without gaps', () => {
    const amounts = fc.array(fc.nat(1_000), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: -500, max: 5_000 }), fc.nat(500), amounts, (posted, limit, charges) => {
        const before = wallet({
          posted: BigInt(posted),
          quarantined: BigInt(charges.reduce((a, b) => a + b, 0)),
          quarantinedEvents: charges.length,
        });
        const { change, posted: count, amount } = releaseUsage(before, quarantined(...charges), at(BigInt(limit)));
        if (change === undefined) return;
        expect(sumOf(change)).toBe(0n);
        expect(change.wallet.posted).toBe(before.posted - amount);
        expect(change.entries.map(({ seq }) => seq)).toEqual(change.entries.map((_, index) => BigInt(index + 1)));
        expect(change.wallet.quarantinedEvents).toBe(charges.length - count);
        if (amount > 0n) expect(change.wallet.posted >= -BigInt(limit)).toBe(true);
      }),
      { seed: 1 },
    );
  });
});
