import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventKeyOf } from '../../src/domain/events/event-key.ts';
import { adjustWallet } from '../../src/domain/ledger/adjust-wallet.ts';
import { dueBreakage, takeBreakage } from '../../src/domain/ledger/expire-grants.ts';
import { burnGrants, compareGrants, type Grant, grantedCredit } from '../../src/domain/ledger/grant.ts';
import { releaseUsage } from '../../src/domain/ledger/release-usage.ts';
import { topUpWallet } from '../../src/domain/ledger/top-up-wallet.ts';
import { openWallet, type WalletHead } from '../../src/domain/ledger/wallet.ts';

const key = (id: string) => eventKeyOf({ tenant: 'default', source: 's', id, occurredAtMs: 1 });
const opened = openWallet({ walletId: 1n, tenant: 'default', account: 'a', currency: 'USD', shard: 1, openedAtMs: 0 });

const grant = fc.record({
  priority: fc.nat(100),
  expiresAtMs: fc.option(fc.nat(100), { nil: null }),
  createdAtMs: fc.nat(20),
  remaining: fc.bigInt({ min: 1n, max: 50n }),
});

/** The rule as a person would write it: unit by unit, from the pool that comes first. */
function burnSlowly(grants: readonly Grant[], base: bigint, amount: bigint) {
  const baseGrant = { grantId: '', priority: 50, expiresAtMs: null, createdAtMs: -1 };
  const pools = [...grants.map((one) => ({ ...one })), { ...baseGrant, source: 'paid' as const, remaining: base }];
  const pool = pools.at(-1);
  for (let unit = 0n; unit < amount; unit++) {
    const next = pools.filter(({ remaining }) => remaining > 0n).sort(compareGrants)[0] ?? pool;
    if (next !== undefined) next.remaining -= 1n;
  }
  return new Map(pools.map(({ grantId, remaining }) => [grantId, remaining]));
}

describe('credit', () => {
  it('is spent by priority, then expiry, then age, base credit in its place', () => {
    fc.assert(
      fc.property(
        fc.array(grant, { maxLength: 6 }),
        fc.bigInt({ min: 0n, max: 60n }),
        fc.bigInt({ min: 0n, max: 200n }),
        (drawn, base, amount) => {
          const grants = drawn
            .map((one, index) => ({ ...one, source: 'paid' as const, grantId: `g${index}` }))
            .sort(compareGrants);
          const slow = burnSlowly(grants, base, amount);
          const fast = burnGrants(grants, base, amount);
          for (const { grantId } of grants) {
            const left = fast.grants.find((one) => one.grantId === grantId)?.remaining ?? 0n;
            expect([grantId, left]).toEqual([grantId, slow.get(grantId)]);
          }
          const burnt = fast.burns.reduce((sum, { amount: taken }) => sum + taken, 0n);
          expect(base - (amount - burnt)).toBe(slow.get(''));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  const amount = fc.bigInt({ min: 1n, max: 40n });
  const step = fc.oneof(
    fc.record({ do: fc.constant('topup' as const), amount }),
    fc.record({ do: fc.constant('grant' as const), amount, priority: fc.nat(100), lasts: fc.option(fc.nat(10)) }),
    fc.record({ do: fc.constant('usage' as const), amount }),
    fc.record({ do: fc.constantFrom('refund' as const, 'dispute' as const, 'reinstate' as const), amount }),
    fc.record({ do: fc.constant('correct' as const), amount: fc.bigInt({ min: -40n, max: 40n }) }),
    fc.record({ do: fc.constant('time' as const), amount }),
    fc.record({ do: fc.constant('hold' as const), amount: fc.bigInt({ min: 0n, max: 30n }) }),
  );

  it('in grants is never more than the balance, and a debt never stands beside it, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let wallet: WalletHead = { ...opened, overdraftLimit: 20n };
        let nowMs = 0;
        let breakage = 0n;
        for (const [index, drawn] of steps.entries()) {
          const id = `k${index}`;
          const before = wallet.posted;
          let change: { wallet: WalletHead; contra: readonly { amount: bigint }[] } | undefined;
          if (drawn.do === 'time') nowMs += Number(drawn.amount);
          else if (drawn.do === 'hold') wallet = { ...wallet, held: wallet.posted > drawn.amount ? drawn.amount : 0n };
          else if (drawn.do === 'topup')
            change = okChange(topUpWallet(wallet, { key: key(id), amount: drawn.amount, source: 'paid' }));
          else if (drawn.do === 'grant') {
            const expiresAtMs = drawn.lasts === null ? null : nowMs + drawn.lasts + 1;
            const terms = { grantId: id, priority: drawn.priority, expiresAtMs, createdAtMs: nowMs };
            const credit = { key: key(id), amount: drawn.amount, source: 'promotional' as const, terms };
            change = okChange(topUpWallet(wallet, credit));
          } else if (drawn.do === 'usage') {
            const usage = [{ key: key(id), contentHash: 0n, amount: drawn.amount, residue: 0n }];
            change = releaseUsage(wallet, usage, { overdraftDefault: 0n, nowMs }).change;
          } else if (drawn.amount !== 0n)
            change = okChange(adjustWallet(wallet, { kind: drawn.do, key: key(id), amount: drawn.amount }));
          if (change !== undefined) {
            wallet = change.wallet;
            expect(change.contra.reduce((sum, leg) => sum + leg.amount, wallet.posted - before)).toBe(0n);
          }
          wallet = { ...wallet };
          for (const due of dueBreakage(wallet, nowMs)) {
            takeBreakage(wallet, due);
            wallet.posted -= due.amount;
            breakage += due.amount;
          }
          const granted = grantedCredit(wallet.grants);
          expect(granted === 0n || wallet.posted >= granted).toBe(true);
          for (const { remaining, expiresAtMs } of wallet.grants) {
            expect(remaining > 0n).toBe(true);
            // Only what a hold counts on outlives its date.
            if (expiresAtMs !== null && expiresAtMs <= nowMs) expect(wallet.held >= remaining).toBe(true);
          }
        }
        seen.breakage += breakage;
      }),
      { numRuns: 2_000 },
    );
    expect(seen.breakage).toBeGreaterThan(0n);
  });
});

const seen = { breakage: 0n };

function okChange<C>(result: { readonly ok: true; readonly change: C } | { readonly ok: false }): C | undefined {
  return result.ok ? result.change : undefined;
}
