import { expect, test } from 'vitest';
import { addressOf } from '../../src/domain/ids.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { TEST_LANES } from '../support/admin-database.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, USD } from '../support/ledger.ts';

const laneOf = (account: string) => addressOf('default', account, 'USD').shard % TEST_LANES;
const other = Array.from({ length: 50 }, (_, index) => `other-${index}`).find(
  (name) => laneOf(name) !== laneOf('acme'),
);
const common = { actor: 'test', reason: 'test', nowMs: START_MS, dryRun: false };
const { overdraftNanos } = PLAIN_RULESET;

// Found by the simulator (seed 1039): no index spans entries and quarantine, so a lane posts what another one has only
// quarantined. The taken key then failed every thaw and every top-up of the first wallet.
test('usage that another lane posted under another account does not stop the thaw or a top-up of its wallet', async () => {
  const ledger = await openTestLedger();
  const credit = {
    ...common,
    tenant: 'default',
    account: 'acme',
    currency: 'USD',
    source: 'paid',
    overdraftNanos,
  } as const;
  await topUp(ledger.admin, { ...credit, key: 'open', amount: USD });
  await ledger.use(other ?? '', [{ id: 'claims-the-lane' }]);
  await freeze(ledger.admin, { ...common, key: 'freeze', wallet: { tenant: 'default', name: 'acme' }, hours: 1 });
  await ledger.use('acme', [{ id: 'twice' }, { id: 'mine' }]);
  expect(await ledger.use(other ?? '', [{ id: 'twice' }])).toMatchObject([{ status: 'posted' }]);

  const wallet = { tenant: 'default', name: 'acme' };
  const thawed = await thaw(ledger.admin, { ...common, key: 'thaw', wallet, usage: 'post', overdraftNanos });
  expect(thawed).toMatchObject({ status: 'active', posted: { events: 1, amount: USD } });
  await topUp(ledger.admin, { ...credit, key: 'more', amount: USD });

  const { rows } = await ledger.pool.query('select event_id, reason, status from quarantine order by event_id');
  expect(rows).toEqual([
    { event_id: 'mine', reason: 'frozen', status: 'posted' },
    { event_id: 'twice', reason: 'frozen', status: 'duplicate' },
  ]);
  expect((await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok)).toEqual([]);
});
