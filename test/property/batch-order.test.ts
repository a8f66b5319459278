import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchTree, placedTree, walletOrder } from '../../src/adapters/postgres/batch-root.ts';
import { encodeEntries } from '../../src/adapters/postgres/copy-entries.ts';

/** Wallet ids of which many begin alike, as those of digests hardly ever do. */
const walletIds = fc.uniqueArray(
  fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc
      .tuple(fc.constantFrom(0n, -1n, 2n ** 31n - 1n, -(2n ** 31n)), fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }))
      .map(([upper, lower]) => upper * 2n ** 32n + lower),
  ),
  { maxLength: 60 },
);
const byId = (left: bigint, right: bigint) => (left < right ? -1 : 1);

test('wallets stand in the order of their whole ids', () => {
  fc.assert(
    fc.property(walletIds, (ids) => {
      const wallets = ids.map((walletId) => ({ walletId }));
      expect(Array.from(walletOrder(wallets), (place) => ids[place])).toEqual(ids.toSorted(byId));
    }),
    { numRuns: 1_000 },
  );
});

test('a batch that knows its wallets has the tree of one that does not, whatever wallets had no entry', () => {
  fc.assert(
    fc.property(walletIds, fc.array(fc.nat({ max: 59 }), { maxLength: 100 }), (ids, picks) => {
      fc.pre(ids.length > 0);
      const wallets = ids.map((walletId) => ({ walletId }));
      const entries = picks.map((pick, index) => {
        const place = pick % ids.length;
        const key = { timeMs: index, h0: pick, h1: index, h2: 0 };
        const wallet = { walletId: ids[place] ?? 0n };
        return {
          key,
          wallet,
          place,
          seq: BigInt(index),
          amount: -1n,
          balanceAfter: 0n,
          contentHash: 0n,
          kind: 1,
        } as const;
      });
      const bytes = encodeEntries(entries, 1, 0);
      expect(placedTree(entries, wallets, walletOrder(wallets), bytes)).toEqual(batchTree(entries, bytes));
    }),
  );
});
