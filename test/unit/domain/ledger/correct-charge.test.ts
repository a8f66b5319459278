import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { correctionKeys } from '../../../../src/domain/events/correction-key.ts';
import { eventKeyOf, formatEventKey } from '../../../../src/domain/events/event-key.ts';
import { correctCharge } from '../../../../src/domain/ledger/correct-charge.ts';
import { releaseUsage } from '../../../../src/domain/ledger/release-usage.ts';
import { openWallet, type WalletHead } from '../../../../src/domain/ledger/wallet.ts';
import { NANOS_MAX } from '../../../../src/domain/money/nanos.ts';

function wallet(over: Partial<WalletHead> = {}): WalletHead {
  const identity = { walletId: 7n, tenant: 'default', account: 'acme', currency: 'USD', shard: 3, openedAtMs: 0 };
  return { ...openWallet(identity), ...over };
}

const event = eventKeyOf({ tenant: 'default', source: 'api', id: 'e', occurredAtMs: 1_000 });
const { reversal: reversalKey, amended } = correctionKeys('default', event, 1);
const amendTo = (charge: bigint) => ({ key: amended, charge });

describe('the keys of a correction', () => {
  test('follow from the event and the number, lie at its time, and are all different', () => {
    const keys = [1, 2, 3].flatMap((number) => Object.values(correctionKeys('default', event, number)));
    expect(new Set(keys.map(formatEventKey)).size).toBe(6);
    expect(keys.map(({ timeMs }) => timeMs)).toEqual(Array.from({ length: 6 }, () => 1_000));
    expect(correctionKeys('default', event, 2)).toEqual(correctionKeys('default', event, 2));
    expect(correctionKeys('other', event, 2)).not.toEqual(correctionKeys('default', event, 2));
  });

  test('cannot be the key of an event that somebody sends', () => {
    // No source that the event parser lets through holds a control character.
    const id = `${formatEventKey(event)}\u0000001\u0000reversal`;
    for (const source of ['tollkeeper', 'tollkeeper correction']) {
      const sent = eventKeyOf({ tenant: 'default', source, id, occurredAtMs: 1_000 });
      expect(formatEventKey(sent)).not.toBe(formatEventKey(reversalKey));
    }
  });
});

describe('a correction', () => {
  test('sums to zero, leaves exactly the new charge, and numbers its entries without gaps', () => {
    const amount = fc.bigInt({ min: 0n, max: 1_000n });
    fc.assert(
      fc.property(amount, fc.option(amount), fc.bigInt({ min: -50n, max: 2_000n }), (charged, charge, posted) => {
        const to = charge === null ? undefined : amendTo(charge);
        const result = correctCharge(wallet({ posted, seq: 4n }), { charged, reversalKey, amended: to }, 100n);
        const debit = (charge ?? 0n) - charged;
        if (!result.ok) {
          expect(result.reason).toBe('over_limit');
          expect(debit > 0n && posted - debit < -100n).toBe(true);
          return;
        }
        const { entries, contra, wallet: after } = result.change;
        expect([...entries, ...contra].reduce((sum, leg) => sum + leg.amount, 0n)).toBe(0n);
        expect(after.posted).toBe(posted - debit);
        expect(entries.map(({ seq }) => seq)).toEqual(charge === null ? [5n] : [5n, 6n]);
        expect(entries.at(-1)?.balanceAfter).toBe(after.posted);
        if (debit > 0n) expect(after.posted).toBeGreaterThanOrEqual(-100n);
      }),
    );
  });

  test.each([
    ['raises the charge of a frozen wallet', { status: 'frozen' }, 6n, 'refuses_debits'],
    ['raises the charge of a wallet under thaw', { status: 'thawing' }, 6n, 'refuses_debits'],
    ['passes the limit', {}, 106n, 'over_limit'],
    ['passes the wallet’s own limit', { overdraftLimit: 0n }, 6n, 'over_limit'],
    ['counts held money', { held: 100n }, 6n, 'over_limit'],
  ] as const)('that %s is refused', (_name, over, charge, reason) => {
    const result = correctCharge(wallet(over), { charged: 5n, reversalKey, amended: amendTo(charge) }, 100n);
    expect(result).toEqual({ ok: false, reason });
  });

  test('that would not fit the column is refused', () => {
    const result = correctCharge(wallet({ posted: NANOS_MAX }), { charged: 1n, reversalKey, amended: undefined }, 0n);
    expect(result).toEqual({ ok: false, reason: 'balance_too_large' });
  });

  test('that lowers the charge is possible beyond the limit and on a frozen wallet', () => {
    const before = wallet({ posted: -500n, status: 'frozen' });
    expect(correctCharge(before, { charged: 5n, reversalKey, amended: amendTo(4n) }, 100n)).toMatchObject({
      ok: true,
      change: { kind: 'amend', wallet: { posted: -499n, status: 'frozen' }, news: undefined },
    });
  });

  test('of a negative charge is a mistake of ours', () => {
    expect(() => correctCharge(wallet(), { charged: -1n, reversalKey, amended: undefined }, 0n)).toThrow('negative');
  });
});

describe('releasing usage whose key was posted elsewhere', () => {
  test('takes it out of quarantine without an entry, and charges the rest', () => {
    const usage = [
      { key: reversalKey, contentHash: 0n, amount: 4n, residue: 0n, isPosted: true },
      { key: amended, contentHash: 0n, amount: 3n, residue: 0n, counted: 0n, isPosted: false },
    ];
    const before = wallet({ posted: 3n, quarantined: 9n, quarantinedEvents: 3 });
    const released = releaseUsage(before, usage, { overdraftDefault: 0n, nowMs: 0 });
    expect(released).toMatchObject({ posted: 1, taken: 2, amount: 3n, duplicates: [usage[0]], charged: [usage[1]] });
    expect(released.change).toMatchObject({
      wallet: { posted: 0n, quarantined: 5n, quarantinedEvents: 1 },
      entries: [{ key: amended, amount: -3n }],
      contra: [{ ledgerAccount: 'revenue', amount: 3n }],
    });
  });
});
