import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  captureHold,
  captureMaxOf,
  expireHold,
  extendHold,
  HOLD_AFTER_FREEZE_MS,
  HOLD_SECONDS_MAX,
  type Hold,
  placeHold,
  releaseHold,
  reservedBy,
} from '../../../../src/domain/ledger/hold.ts';
import { openWallet, type WalletHead } from '../../../../src/domain/ledger/wallet.ts';

const terms = { nowMs: 1_000, overdraftDefault: 5n };

function wallet(over: Partial<WalletHead> = {}): WalletHead {
  const identity = { walletId: 7n, tenant: 'default', account: 'acme', currency: 'USD', shard: 3, openedAtMs: 0 };
  return { ...openWallet(identity), posted: 100n, ...over };
}

const asked = { holdId: 'h1', amount: 10n, captureMax: 12n, seconds: 60, actor: 'test' };

function open(over: Partial<Hold> = {}): Hold {
  const placed = placeHold(wallet(), asked, terms);
  if (!placed.ok) throw new Error(placed.reason);
  return { ...placed.hold, ...over };
}

const held = (over: Partial<WalletHead> = {}) => wallet({ held: 10n, ...over });

describe('placing', () => {
  test('reserves the amount for its seconds', () => {
    expect(open()).toMatchObject({ state: 'open', amount: 10n, captured: 0n, placedAtMs: 1_000, expiresAtMs: 61_000 });
    expect(reservedBy(open())).toBe(10n);
  });

  test.each([
    ['exactly what is left', { posted: 5n }, true],
    ['one nano more', { posted: 4n }, false],
    ['what other holds leave', { posted: 30n, held: 25n }, true],
    ['what other holds take', { posted: 30n, held: 26n }, false],
    ['the wallet’s own limit', { posted: 0n, overdraftLimit: 10n }, true],
    ['beyond its own limit', { posted: 9n, overdraftLimit: 0n }, false],
  ])('of %s is judged with the overdraft limit', (_name, over, ok) => {
    const result = placeHold(wallet(over), asked, terms);
    expect(result.ok ? 'ok' : result.reason).toBe(ok ? 'ok' : 'insufficient_funds');
  });

  test.each(['frozen', 'thawing'] as const)('on a %s wallet is refused', (status) => {
    expect(placeHold(wallet({ status }), asked, terms)).toEqual({ ok: false, reason: 'wallet_not_active' });
  });

  test('of nothing, or with an unbounded capture, is a mistake of ours', () => {
    expect(() => placeHold(wallet(), { ...asked, amount: 0n }, terms)).toThrow('positive');
    expect(() => placeHold(wallet(), { ...asked, captureMax: 21n }, terms)).toThrow('bounded');
    expect(captureMaxOf(10n)).toBe(11n);
  });
});

describe('extending', () => {
  test('never goes beyond the longest hold', () => {
    const result = extendHold(
      held(),
      open(),
      { amount: undefined, seconds: HOLD_SECONDS_MAX },
      { ...terms, nowMs: 9_000 },
    );
    expect(result).toMatchObject({ ok: true, hold: { expiresAtMs: 1_000 + HOLD_SECONDS_MAX * 1_000, amount: 10n } });
  });

  test('reserves only the difference', () => {
    const extend = (amount: bigint) => extendHold(held(), open(), { amount, seconds: undefined }, terms);
    expect(extend(105n)).toMatchObject({ ok: true, hold: { amount: 105n, captureMax: 107n } });
    expect(extend(106n)).toEqual({ ok: false, reason: 'insufficient_funds' });
    expect(extend(9n)).toEqual({ ok: false, reason: 'smaller_than_before' });
  });
});

describe('capturing', () => {
  test.each([1n, 10n, 12n])('%s posts one balanced debit and frees the rest', (amount) => {
    const result = captureHold(held(), open(), amount, terms);
    if (!result.ok) throw new Error(result.reason);
    expect(result.hold).toMatchObject({ state: 'captured', captured: amount, closedAtMs: 1_000 });
    const { wallet: after, entries, contra } = result.change;
    expect([after.posted, after.held, after.seq]).toEqual([100n - amount, 0n, 1n]);
    expect([...entries, ...contra].reduce((sum, leg) => sum + leg.amount, 0n)).toBe(0n);
  });

  test.each([
    ['more than allowed', held(), open(), 13n, 'capture_too_large'],
    ['more than was held, without the money for it', held({ posted: 5n }), open(), 11n, 'insufficient_funds'],
    ['on a frozen wallet', held({ status: 'frozen' }), open(), 1n, 'wallet_not_active'],
    ['twice', held(), open({ state: 'captured' }), 1n, 'captured'],
    ['after its release', held(), open({ state: 'released' }), 1n, 'released'],
    ['after its expiry', held(), open({ state: 'expired' }), 1n, 'expired'],
    ['at its very end, unswept', held(), open({ expiresAtMs: 1_000 }), 1n, 'expired'],
  ] as const)('%s is refused', (_name, head, hold, amount, reason) => {
    expect(captureHold(head, hold, amount, terms)).toEqual({ ok: false, reason });
  });

  test('what was held can be captured even when the balance has sunk below the limit since', () => {
    expect(captureHold(held({ posted: -50n }), open(), 10n, terms)).toMatchObject({ ok: true });
  });

  test('of two holds gives two keys, of one hold always the same', () => {
    const keyOf = (hold: Hold) => {
      const result = captureHold(held(), hold, 1n, { ...terms, nowMs: 5_000 });
      return result.ok ? result.change.entries[0]?.key : undefined;
    };
    expect(keyOf(open())).toEqual(keyOf(open()));
    expect(keyOf(open({ holdId: 'h2' }))).not.toEqual(keyOf(open()));
  });
});

describe('ending', () => {
  test('a hold is released once, whatever its wallet’s status', () => {
    expect(releaseHold(open(), 2_000)).toMatchObject({ ok: true, hold: { state: 'released', closedAtMs: 2_000 } });
    expect(releaseHold(open({ state: 'released' }), 2_000)).toEqual({ ok: false, reason: 'released' });
  });

  test('a hold ends on its date, not before, and not while a freeze keeps it from being captured', () => {
    expect(expireHold(held(), open(), 60_999)).toBeUndefined();
    expect(expireHold(held(), open(), 61_000)).toMatchObject({ state: 'expired', closedAtMs: 61_000 });
    expect(expireHold(held({ status: 'frozen' }), open(), 61_000)).toMatchObject({
      state: 'open',
      expiresAtMs: 61_000 + HOLD_AFTER_FREEZE_MS,
    });
    expect(expireHold(held(), open({ state: 'captured' }), 61_000)).toBeUndefined();
  });
});

test('no sequence of holds takes available money below the limit, or reserves other than its open holds', () => {
  const step = fc.record({
    do: fc.constantFrom('place', 'extend', 'capture', 'release', 'expire', 'debit'),
    pick: fc.nat(5),
    amount: fc.bigInt(1n, 60n),
    nowMs: fc.nat(100_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let head = wallet({ posted: 60n });
      const holds: Hold[] = [];
      for (const { do: what, pick, amount, nowMs } of steps) {
        const at = { ...terms, nowMs };
        const index = holds.length === 0 ? -1 : pick % holds.length;
        const hold = holds[index];
        if (what === 'debit' && head.posted - head.held - amount >= -5n)
          head = { ...head, posted: head.posted - amount };
        if (what === 'place') {
          const placed = placeHold(head, { ...asked, amount, captureMax: captureMaxOf(amount) }, at);
          if (placed.ok) holds.push(placed.hold);
          if (placed.ok) head = { ...head, held: head.held + amount };
        } else if (hold !== undefined && what === 'capture') {
          const captured = captureHold(head, hold, amount, at);
          if (captured.ok) holds[index] = captured.hold;
          if (captured.ok) head = captured.change.wallet;
        } else if (hold !== undefined && what !== 'debit') {
          const extended = () => extendHold(head, hold, { amount, seconds: 10 }, at);
          const result = what === 'extend' ? extended() : what === 'release' ? releaseHold(hold, nowMs) : undefined;
          const after = result === undefined ? expireHold(head, hold, nowMs) : result.ok ? result.hold : undefined;
          if (after !== undefined) holds[index] = after;
          if (after !== undefined) head = { ...head, held: head.held + reservedBy(after) - reservedBy(hold) };
        }
        expect(head.posted - head.held).toBeGreaterThanOrEqual(-5n);
        expect(head.held).toBe(holds.reduce((sum, one) => sum + reservedBy(one), 0n));
      }
    }),
    { seed: 3, numRuns: 500 },
  );
});
