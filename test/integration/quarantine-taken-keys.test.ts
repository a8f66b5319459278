import { expect, test } from 'vitest';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { accountElsewhere, expectProven } from '../support/corrections.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, USD } from '../support/ledger.ts';

const { overdraftNanos } = PLAIN_RULESET;
const HERE = 'here';

const common = (key: string) => ({ key, actor: 'test', reason: 'a test', nowMs: START_MS, dryRun: false });
const wallet = { tenant: 'default', name: HERE };

function credit(account: string, key: string, dollars: bigint) {
  const amount = dollars * USD;
  return {
    ...common(key),
    tenant: 'default',
    account,
    currency: 'USD',
    amount,
    source: 'paid' as const,
    overdraftNanos,
  };
}

test('usage whose key another lane posted meanwhile is closed as a duplicate by a thaw, and the rest is posted', async () => {
  const ledger = await openTestLedger();
  const elsewhere = await accountElsewhere(ledger, HERE);
  await topUp(ledger.admin, credit(HERE, 'c1', 100n));
  await freeze(ledger.admin, { ...common('f1'), wallet, hours: 2, reason: 'a test' });
  await ledger.use(HERE, [{ id: 'a' }, { id: 'taken', dollars: '2' }, { id: 'b' }]);
  expect(await ledger.use(elsewhere, [{ id: 'taken', dollars: '2' }])).toMatchObject([{ status: 'posted' }]);

  const result = await thaw(ledger.admin, { ...common('t1'), wallet, usage: 'post', overdraftNanos });
  expect(result).toMatchObject({
    status: 'active',
    posted: { events: 2, amount: 2n * USD },
    kept: { events: 0, amount: 0n },
    balance: 98n * USD,
  });
  const { rows } = await ledger.pool.query(`select event_id, status, closed_reason from quarantine order by position`);
  expect(rows).toEqual([
    { event_id: 'a', status: 'posted', closed_reason: null },
    { event_id: 'taken', status: 'duplicate', closed_reason: expect.stringContaining('posted elsewhere') },
    { event_id: 'b', status: 'posted', closed_reason: null },
  ]);
  await expectProven(ledger);
});

test('a top-up passes over usage whose key another lane posted meanwhile', async () => {
  const ledger = await openTestLedger();
  const elsewhere = await accountElsewhere(ledger, HERE);
  await ledger.use(HERE, [
    { id: 'taken', dollars: '6' },
    { id: 'next', dollars: '6' },
  ]);
  expect(await ledger.use(elsewhere, [{ id: 'taken', dollars: '1' }])).toMatchObject([{ status: 'posted' }]);
  expect(await topUp(ledger.admin, credit(HERE, 'c1', 10n))).toMatchObject({
    balance: 4n * USD,
    released: { events: 1, amount: 6n * USD },
    waiting: { events: 0 },
  });
  await expectProven(ledger);
});
