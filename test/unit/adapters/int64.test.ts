import { expect, test } from 'vitest';
import { int8Array } from '../../../src/adapters/postgres/binary-array.ts';
import { encodeEntries } from '../../../src/adapters/postgres/copy-entries.ts';
import { ENTRY_KIND } from '../../../src/domain/ledger/wallet.ts';

const TOO_LARGE = 2n ** 63n;

test.each([TOO_LARGE, -TOO_LARGE - 1n])('an amount of %s is refused, never wrapped around', (balanceAfter) => {
  const key = { timeMs: 0, h0: 1, h1: 2, h2: 3 };
  const rest = { seq: 1n, amount: 1n, contentHash: 0n, kind: ENTRY_KIND.usage };
  expect(() => encodeEntries([{ key, wallet: { walletId: 1n }, balanceAfter, ...rest }], 1, 0)).toThrow(RangeError);
  expect(() => int8Array([balanceAfter], (value) => value)).toThrow(RangeError);
});
