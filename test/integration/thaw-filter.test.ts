import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { type ThawRequest, thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { balanceOf, codeOf, creditDollars, expectProven, openReasons, requestOf } from '../support/corrections.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';
import { verifyAfter } from '../support/verify.ts';

const { overdraftNanos } = PLAIN_RULESET;
const WALLET = { tenant: 'default', name: 'acme' };
const total = (events: number, dollars = events) => ({ events, amount: BigInt(dollars) * USD });

/** Twelve dollars in a frozen wallet: three events of a stolen key's gateway, four of the customer's own. */
async function frozenByTheft(balance = 12): Promise<TestLedger> {
  const ledger = await openTestLedger();
  await creditDollars(ledger, 'acme', balance);
  await freeze(ledger.admin, { ...requestOf(), wallet: WALLET, hours: 2 });
  await ledger.use('acme', [
    { id: 'own-1' },
    { id: 'theft-1', source: 'gw-1', dollars: '10' },
    { id: 'own-2', atMs: START_MS - 3_600_000 },
    { id: 'theft-2', source: 'gw-1', dollars: '20' },
    { id: 'own-3' },
    { id: 'theft-3', source: 'gw-1', dollars: '30' },
    { id: 'own-4' },
  ]);
  return ledger;
}

function thawing(usage: ThawRequest['usage'], only: ThawRequest['only'], over: Parameters<typeof requestOf>[0] = {}) {
  return { ...requestOf(over), wallet: WALLET, usage, overdraftNanos, ...(only === undefined ? {} : { only }) };
}

async function expectSound(ledger: TestLedger): Promise<void> {
  await expectProven(ledger);
  const { found } = await verifyAfter(ledger.pool, [], { ruleset: PLAIN_RULESET });
  expect(found).toEqual([]);
}

async function statuses(ledger: TestLedger): Promise<Readonly<Record<string, string>>> {
  const { rows } = await ledger.pool.query<{ event_id: string; now: string }>(
    `select event_id, case status when 'open' then reason else status end as now from quarantine order by event_id`,
  );
  return Object.fromEntries(rows.map(({ event_id, now }) => [event_id, now]));
}

test('what the filter fits is voided, the rest is posted, and a dry run says both first', async () => {
  const ledger = await frozenByTheft();
  const asked = thawing('void', { filter: { source: 'gw-1' }, rest: 'post' });
  const dry = await thaw(ledger.admin, { ...asked, dryRun: true });
  expect(await openReasons(ledger)).toEqual(['frozen 7']);
  const result = await thaw(ledger.admin, asked);
  expect(result).toEqual(dry);
  expect(result).toMatchObject({ status: 'active', voided: total(3, 60), posted: total(4), kept: total(0) });
  expect(await balanceOf(ledger, 'acme')).toBe(8n * USD);
  expect(await thaw(ledger.admin, asked)).toEqual({ ...result, isRepeated: true });
  await expectSound(ledger);
});

test('what the filter fits is posted, and the rest waits until somebody says more', async () => {
  const ledger = await frozenByTheft();
  const only = { filter: { source: 'api', fromMs: START_MS }, rest: 'keep' } as const;
  expect(await thaw(ledger.admin, thawing('post', only))).toMatchObject({
    posted: total(3),
    voided: total(0),
    kept: total(4, 61),
  });
  // A top-up pays for usage over the limit, never for what a person left in quarantine.
  await creditDollars(ledger, 'acme', 100);
  expect(await openReasons(ledger)).toEqual(['frozen 4']);
  expect(await balanceOf(ledger, 'acme')).toBe(109n * USD);
  const rest = { filter: { source: 'gw-1' }, rest: 'keep' } as const;
  expect(await thaw(ledger.admin, thawing('void', rest))).toMatchObject({ voided: total(3, 60), kept: total(1) });
  await expectSound(ledger);
});

test('posted usage that does not fit the balance waits for credit; usage left aside does not', async () => {
  const ledger = await frozenByTheft(1);
  const asked = thawing('post', { filter: { source: 'gw-1' }, rest: 'keep' });
  const dry = await thaw(ledger.admin, { ...asked, dryRun: true });
  expect(await thaw(ledger.admin, asked)).toEqual(dry);
  expect(dry).toMatchObject({ posted: total(0), overLimit: total(3, 60), kept: total(4) });
  const credit = { tenant: 'default', account: 'acme', currency: 'USD', source: 'paid' as const, overdraftNanos };
  expect(await topUp(ledger.admin, { ...requestOf(), ...credit, amount: 100n * USD })).toMatchObject({
    released: total(3, 60),
    balance: 41n * USD,
  });
  expect(await statuses(ledger)).toMatchObject({ 'own-1': 'frozen', 'own-4': 'frozen', 'theft-1': 'posted' });
  await expectSound(ledger);
});

test('a filter that fits nothing charges nothing and thaws', async () => {
  const ledger = await frozenByTheft();
  const asked = thawing('post', { filter: { meter: 'gpu', toMs: START_MS }, rest: 'keep' });
  expect(await thaw(ledger.admin, asked)).toMatchObject({ status: 'active', posted: total(0), kept: total(7, 64) });
  await expectSound(ledger);
});

test('a crash between rounds: only the same request goes on, and it answers for all of them', async () => {
  const ledger = await openTestLedger();
  await creditDollars(ledger, 'acme', 10_000);
  await freeze(ledger.admin, { ...requestOf(), wallet: WALLET, hours: 2 });
  const usage = Array.from({ length: 5_002 }, (_, index) => ({ id: `u${index}` }));
  await ledger.use('acme', [...usage, { id: 'theft', source: 'gw-1', dollars: '9' }, { id: 'other', source: 'gw-2' }]);
  let rounds = 0;
  const crashing = {
    ...ledger.admin,
    transact: ((scope, work) => {
      if (++rounds === 2) return Promise.reject(new Error('crash'));
      return ledger.admin.transact(scope, work);
    }) satisfies TestLedger['admin']['transact'],
  };
  const asked = thawing('post', { filter: { source: 'api' }, rest: 'void' }, { key: 'mine' });
  await expect(thaw(crashing, asked)).rejects.toThrow('crash');
  expect(await statuses(ledger)).toMatchObject({ theft: 'void', other: 'void', u0: 'posted', u5001: 'frozen' });
  // What waits was promised to be posted.
  for (const other of [
    thawing('void', { filter: { source: 'api' }, rest: 'post' }),
    thawing('post', { filter: { source: 'api' }, rest: 'void' }),
    thawing('post', { filter: { source: 'gw-1' }, rest: 'keep' }),
    thawing('keep', { filter: { source: 'gw-1' }, rest: 'void' }),
  ]) {
    expect(await codeOf(thaw(ledger.admin, other))).toBe('WALLET_STATE');
  }
  expect(await thaw(ledger.admin, asked)).toMatchObject({
    status: 'active',
    posted: total(5_002),
    voided: total(2, 10),
    kept: total(0),
  });
  await expectSound(ledger);
});

test('the command previews both parts, and refuses what would surprise', async () => {
  const ledger = await frozenByTheft();
  const config = () => parseConfig({ DATABASE_URL: ledger.connectionString });
  const cli = (...args: readonly string[]) =>
    runCli(['wallet', 'thaw', 'acme', ...args], {
      config,
      newKey: () => 'k1',
      readRules: () =>
        Promise.resolve({ directory: 'rules', result: { ok: true, ruleset: PLAIN_RULESET, warnings: [] } }),
      openBooks: () => openBooks(config(), () => undefined),
    });
  const dry = await cli('--usage', 'post', '--source', 'api', '--from', '2026-03-02T09:00:00Z', '--dry-run');
  expect(dry.stdout).toContain('Would post 3 events worth $3.00.');
  expect(dry.stdout).toContain('4 events worth $61.00 would stay in quarantine.');
  for (const args of [
    ['--rest', 'void'],
    ['--source', 'api'],
    ['--usage', 'post', '--source', 'api', '--rest', 'post'],
    ['--usage', 'post', '--from', 'yesterday'],
  ]) {
    expect(await cli(...args), args.join(' ')).toMatchObject({ exitCode: 2, stdout: '' });
  }
  expect(await statuses(ledger)).toMatchObject({ 'own-1': 'frozen' });
  const done = await cli('--usage', 'void', '--source', 'gw-1', '--rest', 'post', '--json');
  expect(done.json()).toMatchObject({
    usage: 'void',
    rest: 'post',
    filter: { meter: null, source: 'gw-1', from: null, to: null },
    voided: { events: 3, amount: '60' },
    posted: { events: 4, amount: '4' },
  });
  await expectSound(ledger);
});
