import { expect, test } from 'vitest';
import { HOUR_MS } from '../../src/domain/time.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { setLimits } from '../../src/pipeline/admin/set-limits.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, USD } from '../support/ledger.ts';
import { verifyAfter } from '../support/verify.ts';

// Found by the simulator (seed 14 on PostgreSQL): a row of quarantine was placed by its event's place in the batch as it
// came, and the stored facts leave out what was refused. Every row behind such an event looked as if it had been moved.
test('usage in quarantine behind an event that was refused is no finding', async () => {
  const ledger = await openTestLedger();
  const statuses = await ledger.use('acme', [
    { id: 'huge', dollars: '999999999999999999' },
    { id: 'unpriced', meter: 'no_such_meter' },
    { id: 'dear', dollars: '6' },
  ]);
  expect(statuses.map(({ status }) => status)).toEqual(['rejected', 'quarantined', 'quarantined']);

  const { found, summary } = await verifyAfter(ledger.pool, [], { ruleset: PLAIN_RULESET });
  expect(found).toEqual([]);
  expect(summary.quarantined).toBe(2);
});

// Found by the simulator (seed 1 on PostgreSQL): verify knew one way only in which usage may wait for something else.
test('usage that waits for something else than at first is no finding', async () => {
  const ledger = await openTestLedger();
  const { overdraftNanos } = PLAIN_RULESET;
  const common = { actor: 'test', reason: 'test', nowMs: START_MS, dryRun: false };
  const wallet = { tenant: 'default', name: 'acme' };
  const throttle = { limit: USD, periodMs: HOUR_MS };
  await ledger.use('acme', [{ id: 'dear', dollars: '6' }]);
  await setLimits(ledger.admin, { ...common, key: 'limit', wallet, throttle, overdraftNanos });
  const credit = { tenant: 'default', account: 'acme', currency: 'USD', source: 'paid', overdraftNanos } as const;
  await topUp(ledger.admin, { ...common, ...credit, key: 'credit', amount: 10n * USD });
  await freeze(ledger.admin, { ...common, key: 'freeze', wallet, hours: 1 });
  await ledger.use('acme', [{ id: 'frozen', dollars: '2' }]);
  await thaw(ledger.admin, { ...common, key: 'thaw', wallet, usage: 'post', overdraftNanos });
  const reasons = () => ledger.pool.query('select event_id, reason from quarantine order by event_id');
  expect((await reasons()).rows).toEqual([
    { event_id: 'dear', reason: 'throttled' },
    { event_id: 'frozen', reason: 'throttled' },
  ]);
  expect((await verifyAfter(ledger.pool, [], { ruleset: PLAIN_RULESET })).found).toEqual([]);

  // A move that nothing in the ledger makes is one.
  const changes = [`update quarantine set reason = 'frozen' where event_id = 'dear'`];
  const { found } = await verifyAfter(ledger.pool, changes, { ruleset: PLAIN_RULESET });
  expect(found).toMatchObject([{ table: 'quarantine', column: 'reason', stored: 'frozen', eventId: 'dear' }]);
});
