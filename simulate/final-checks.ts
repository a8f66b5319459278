import { formatEventKey } from '../src/domain/events/event-key.ts';
import type { Books } from './engine.ts';
import { shownAmount } from './model/change.ts';
import { holdText } from './model/hold.ts';
import type { World } from './world.ts';

/** The stored books against the model: every key with its one fate, and every wallet. */
export function compareWithModel({ model, checks }: World, books: Books): void {
  const wallets = [...model.wallets.values()];
  const usage = wallets.flatMap((wallet) =>
    wallet.usage.map((row) =>
      [formatEventKey(row.key), wallet.walletId, row.reason, row.status, shownAmount(row.exact) ?? '-'].join(' '),
    ),
  );
  const stored = books.quarantine.map((line) => line.split(' ').slice(0, 5).join(' '));
  const heads = wallets.map((wallet) =>
    [wallet.account, wallet.status, wallet.statusSequence, wallet.posted, wallet.residue, wallet.seq].join(' '),
  );
  const storedHeads = books.wallets.map((line) => {
    const [, account, status, sequence, , , , posted, residue, , , , , , , , seq] = line.split(' ');
    return [account, status, sequence, posted, residue, seq].join(' ');
  });
  const grants = wallets.flatMap(({ grants: open }) => open.map(({ grantId, remaining }) => `${grantId} ${remaining}`));
  const storedGrants = books.grants.flatMap((line) => {
    const [id, , , , , remaining] = line.split(' ');
    return remaining === '0' ? [] : [`${id} ${remaining}`];
  });
  const holds = wallets.flatMap((wallet) => [...wallet.holds.values()].map(holdText));
  const storedHolds = books.holds.map((line) => {
    const [id, , ...rest] = line.split(' ').slice(0, 8);
    return [id, ...rest].join(' ');
  });
  for (const [what, expected, actual] of [
    ['holds', holds, storedHolds],
    ['quarantine', usage, stored],
    ['wallets', heads, storedHeads],
    ['grants', grants, storedGrants],
  ] as const) {
    const wrong = firstDifference([...expected].sort(), [...actual].sort());
    checks.expect('the stored books are the model', wrong === undefined, () => `${what}: ${wrong}`);
  }
  // Entries were compared as they were committed; here only that none was added or lost since.
  const entries = wallets.reduce((sum, { seq }) => sum + seq, 0n);
  checks.expect('the stored books are the model', BigInt(books.entries.length) === entries, () => {
    return `${books.entries.length} entries are stored, the model has ${entries}`;
  });
}

/** Where two sorted lists part; undefined when they do not. */
export function firstDifference(expected: readonly string[], actual: readonly string[]): string | undefined {
  for (let index = 0; index < Math.max(expected.length, actual.length); index++) {
    if (expected[index] !== actual[index]) return `${expected[index]} against ${actual[index]}`;
  }
  return undefined;
}
