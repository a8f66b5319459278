import { expect, test } from 'vitest';
import { createSetStore } from '../../src/adapters/postgres/post-set.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { type SetItem, SetPoster } from '../../src/pipeline/admin/post-set.ts';
import { fund } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, USD } from '../support/ledger.ts';

const { overdraftNanos } = PLAIN_RULESET;

// Found by the ledger simulator: whoever is told that an item does not fit charges it some other way, and twice.
test('an item that was posted is a duplicate, even when it would not fit any more', async () => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  const post = (items: readonly SetItem[]) =>
    sets.post({
      tenant: 'default',
      items,
      currency: 'USD',
      source: 'paid',
      overdraftNanos,
      actor: 'test',
      reason: null,
      nowMs: START_MS,
    });
  const fee = (id: string, account: string) => ({ id, account, amount: -10n * USD, atMs: START_MS });
  for (const account of ['poor', 'frozen']) await fund(ledger, account, 12);
  const fees = [fee('fee 1', 'poor'), fee('fee 2', 'frozen')];
  expect(await post(fees)).toEqual([{ status: 'posted' }, { status: 'posted' }]);

  const wallet = { tenant: 'default', name: 'frozen' };
  await freeze(ledger.admin, {
    wallet,
    hours: 2,
    reason: 'a test',
    key: 'f',
    actor: 'test',
    nowMs: START_MS,
    dryRun: false,
  });
  const [first, second] = fees;
  if (first === undefined || second === undefined) throw new Error('two fees');
  const doubled = { ...second, amount: -11n * USD };
  expect(await post([first, doubled, fee('fee 3', 'poor')])).toEqual([
    { status: 'duplicate' },
    { status: 'refused', reason: 'conflict' },
    { status: 'refused', reason: 'short' },
  ]);
  expect(await post(fees)).toEqual([{ status: 'duplicate' }, { status: 'duplicate' }]);
});
