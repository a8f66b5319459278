import { describe, expect, test } from 'vitest';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { codeOf, credit, expectProven, grantsLeft, limit, move, spending, sweep, walletOf } from '../support/credit.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const HOUR_MS = 3_600_000;
const END_MS = START_MS + HOUR_MS;

async function balance(ledger: TestLedger, account = 'acme'): Promise<bigint> {
  return (await walletOf(ledger, account)).posted;
}

async function breakage(ledger: TestLedger): Promise<readonly bigint[]> {
  const { rows } = await ledger.pool.query<{ amount: bigint }>(
    `select amount from batch_contra where ledger_account = 'breakage' order by lane, batch_no`,
  );
  return rows.map(({ amount }) => amount);
}

describe('grants', () => {
  test('are burnt by usage in burn order, across batches, a new writer and a top-up in between', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 10);
    await credit(ledger, 'acme', 4, { priority: 60 });
    await credit(ledger, 'acme', 3, { source: 'promotional' });
    await credit(ledger, 'acme', 2, { priority: 20, expiresAtMs: END_MS });
    // Ending soon, gift, base, last.
    expect(await grantsLeft(ledger, 'acme')).toEqual([2, 3, 4]);
    await ledger.use('acme', spending('a', [1, 2]));
    expect(await grantsLeft(ledger, 'acme')).toEqual([2, 4]);
    await ledger.takeOver();
    await ledger.use('acme', spending('b', [1]));
    await credit(ledger, 'acme', 1, { priority: 0 });
    await ledger.use('acme', spending('c', [1, 1]));
    expect(await grantsLeft(ledger, 'acme')).toEqual([4]);
    await ledger.use('acme', spending('d', [9, 2]));
    expect(await grantsLeft(ledger, 'acme')).toEqual([3]);
    await ledger.use('acme', spending('e', [5]));
    expect(await grantsLeft(ledger, 'acme')).toEqual([]);
    expect(await balance(ledger)).toBe(-2n * USD);
    await expectProven(ledger);
    // A debt is paid before a grant has anything left.
    await credit(ledger, 'acme', 5, { source: 'promotional' });
    expect(await grantsLeft(ledger, 'acme')).toEqual([3]);
    await expectProven(ledger);
  });

  test('end in the lane, before the usage that comes then, and the sweeper finds nothing', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 10);
    await credit(ledger, 'acme', 5, { source: 'promotional', expiresAtMs: END_MS });
    await ledger.use('acme', spending('a', [2], END_MS - 1));
    expect(await grantsLeft(ledger, 'acme')).toEqual([3]);
    await ledger.use('acme', spending('b', [1], END_MS));
    expect(await balance(ledger)).toBe(9n * USD);
    expect(await breakage(ledger)).toEqual([3n * USD]);
    expect(await sweep(ledger, END_MS + 1)).toBe(0);
    await expectProven(ledger);
  });

  test('end once, whether sweepers, lanes or changes by people come at the same moment', async () => {
    const ledger = await openTestLedger();
    const accounts = ['a', 'b', 'c', 'd'];
    for (const account of accounts) {
      await credit(ledger, account, 10);
      await credit(ledger, account, 5, { source: 'promotional', expiresAtMs: END_MS });
      await ledger.use(account, spending(`${account}0`, [1]));
    }
    await Promise.all(
      accounts.flatMap((account) => [
        sweep(ledger, END_MS),
        ledger.use(account, spending(`${account}1`, [1], END_MS)),
        sweep(ledger, END_MS),
        credit(ledger, account, 1, { nowMs: END_MS }),
      ]),
    );
    for (const account of accounts) expect([account, await balance(ledger, account)]).toEqual([account, 10n * USD]);
    const { rows } = await ledger.pool.query(`select amount from entry where kind = 10`);
    expect(rows).toEqual(accounts.map(() => ({ amount: -4n * USD })));
    expect((await breakage(ledger)).reduce((sum, amount) => sum + amount, 0n)).toBe(16n * USD);
    // The lanes go on from what the sweeper left.
    for (const account of accounts) await ledger.use(account, spending(`${account}2`, [1], END_MS));
    expect(await sweep(ledger, END_MS + HOUR_MS)).toBe(0);
    await expectProven(ledger);
  });

  test('whose time is over cannot be given, nor twice under one key, nor with other terms', async () => {
    const ledger = await openTestLedger();
    expect(await codeOf(credit(ledger, 'acme', 5, { expiresAtMs: START_MS }))).toBe('GRANT_EXPIRED');
    const terms = { key: 'gift', source: 'promotional' as const, expiresAtMs: END_MS };
    await credit(ledger, 'acme', 5, terms);
    expect(await credit(ledger, 'acme', 5, terms)).toMatchObject({ isRepeated: true });
    expect(await codeOf(credit(ledger, 'acme', 5, { ...terms, expiresAtMs: END_MS + 1 }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await grantsLeft(ledger, 'acme')).toEqual([5]);
    await expectProven(ledger);
  });

  test('pay for usage that is released, and frozen wallets lose theirs on the date', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 5, { source: 'promotional', expiresAtMs: END_MS });
    const wallet = { tenant: 'default', name: 'acme' };
    const person = { actor: 'test', reason: 'a test', nowMs: START_MS, dryRun: false };
    await freeze(ledger.admin, { ...person, key: 'f', wallet, hours: 3 });
    await ledger.use('acme', spending('a', [2]));
    const { overdraftNanos } = PLAIN_RULESET;
    const asked = { ...person, key: 't', wallet, usage: 'post' as const, overdraftNanos };
    expect(await thaw(ledger.admin, { ...asked, dryRun: true })).toMatchObject({ balance: 3n * USD });
    await sweep(ledger, END_MS);
    expect(await thaw(ledger.admin, { ...asked, nowMs: END_MS })).toMatchObject({ balance: -2n * USD });
    await expectProven(ledger);
  });
});

describe('residue', () => {
  test('of thousands of fractional charges is carried through batches, new writers and quarantine', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 1);
    const tokens = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => ({ id: `${prefix}${index}`, meter: 'tokens', dollars: '1' }));
    for (const prefix of ['a', 'b', 'c']) {
      await ledger.use('acme', tokens(prefix, 333));
      await ledger.takeOver();
    }
    // 999 × 0.3 = 299.7, of which 300 is paid.
    expect(await balance(ledger)).toBe(USD - 300n);
    await expectProven(ledger);
    const wallet = { tenant: 'default', name: 'acme' };
    const person = { actor: 'test', reason: 'a test', nowMs: START_MS, dryRun: false };
    await freeze(ledger.admin, { ...person, key: 'f', wallet, hours: 3 });
    await ledger.use('acme', tokens('q', 1_001));
    const { overdraftNanos } = PLAIN_RULESET;
    await thaw(ledger.admin, { ...person, key: 't', wallet, usage: 'post', overdraftNanos });
    expect(await balance(ledger)).toBe(USD - 600n);
    await ledger.use('acme', tokens('d', 1));
    await expectProven(ledger);
    expect((await walletOf(ledger, 'acme')).residue).toBe(300_000_000_000_000_000n);
  });

  test('is not claimed to be wrong when the stored events of a batch are gone', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [{ id: 'a', meter: 'tokens', dollars: '1' }]);
    await ledger.use('acme', [{ id: 'b', meter: 'tokens', dollars: '2' }]);
    await ledger.pool.query('delete from batch_facts where batch_no = (select min(batch_no) from batch_facts)');
    const proofs = await ledger.queries.proofs(PLAIN_RULESET);
    expect(proofs.find(({ name }) => name === 'what rounding leaves is carried')).toMatchObject({ ok: true });
  });
});

describe('money that moves without usage', () => {
  test('a refund is at most the paid credit that is left', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 10);
    await credit(ledger, 'acme', 5, { source: 'promotional' });
    await ledger.use('acme', spending('a', [7]));
    expect(await codeOf(move(ledger, 'refund', 'acme', 9))).toBe('REFUND_TOO_LARGE');
    await ledger.pool.query(
      `insert into hold (tenant_id, hold_id, wallet_id, shard, amount, capture_max, placed_at, expires_at, actor)
       select tenant_id, 'held', wallet_id, shard, 3000000000, 3000000000, now(), now() + interval '1 hour', 'test'
       from wallet where account_id = 'acme'`,
    );
    expect(await codeOf(move(ledger, 'refund', 'acme', 6))).toBe('REFUND_TOO_LARGE');
    expect(await move(ledger, 'refund', 'acme', 5, { key: 'r' })).toMatchObject({ balance: 3n * USD });
    expect(await move(ledger, 'refund', 'acme', 5, { key: 'r' })).toMatchObject({
      isRepeated: true,
      balance: 3n * USD,
    });
    expect(await codeOf(move(ledger, 'refund', 'acme', 1, { key: 'r' }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await codeOf(move(ledger, 'refund', 'nobody', 1))).toBe('WALLET_NOT_FOUND');
    await ledger.pool.query('delete from hold');
    await credit(ledger, 'gift', 5, { source: 'promotional' });
    expect(await codeOf(move(ledger, 'refund', 'gift', 1))).toBe('REFUND_TOO_LARGE');
    await expectProven(ledger);
  });

  test('a dispute takes what the bank took, out of base, then grants, then below the limit', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 10);
    await credit(ledger, 'acme', 5, { source: 'promotional' });
    expect(await move(ledger, 'dispute', 'acme', 8)).toMatchObject({ balance: 7n * USD });
    expect(await grantsLeft(ledger, 'acme')).toEqual([5]);
    expect(await move(ledger, 'dispute', 'acme', 3)).toMatchObject({ balance: 4n * USD });
    expect(await grantsLeft(ledger, 'acme')).toEqual([4]);
    expect(await move(ledger, 'dispute', 'acme', 20)).toMatchObject({ balance: -16n * USD });
    expect(await ledger.use('acme', spending('a', [1]))).toMatchObject([{ code: 'over_limit' }]);
    expect(await move(ledger, 'reinstate', 'acme', 20)).toMatchObject({ balance: 3n * USD, released: { events: 1 } });
    await expectProven(ledger);
  });

  test('a correction goes either way, with its own contra, and a dry run of one changes nothing', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 2);
    expect(await move(ledger, 'correct', 'acme', -3, { dryRun: true })).toMatchObject({ balance: -1n * USD });
    expect(await balance(ledger)).toBe(2n * USD);
    await move(ledger, 'correct', 'acme', -3);
    expect(await move(ledger, 'correct', 'acme', 4)).toMatchObject({ balanceBefore: -1n * USD, balance: 3n * USD });
    const { rows } = await ledger.pool.query(
      `select amount from batch_contra where ledger_account = 'correction' order by batch_no`,
    );
    expect(rows).toEqual([{ amount: 3n * USD }, { amount: -4n * USD }]);
    await expectProven(ledger);
  });

  test('two currencies of one account are never mixed', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 50, { currency: 'EUR' });
    await credit(ledger, 'acme', 9, { currency: 'EUR', source: 'promotional', expiresAtMs: END_MS });
    expect(await ledger.use('acme', spending('a', [5, 5]))).toMatchObject([
      { status: 'posted' },
      { code: 'over_limit' },
    ]);
    await credit(ledger, 'acme', 1, { currency: 'EUR' });
    expect(await codeOf(move(ledger, 'refund', 'acme', 1))).toBe('CLI_USAGE');
    const wallet = { tenant: 'default', name: 'acme', currency: 'EUR' };
    await move(ledger, 'refund', 'acme', 1, { wallet });
    await limit(ledger, 'acme', { wallet, overdraftLimit: 0n });
    await sweep(ledger, END_MS);
    expect((await walletOf(ledger, 'acme', 'EUR')).posted).toBe(50n * USD);
    expect((await walletOf(ledger, 'acme', 'USD')).posted).toBe(-5n * USD);
    const { rows } = await ledger.pool.query(
      `select currency, sum(amount)::bigint as sum from (
         select w.currency, e.amount from entry e join wallet w using (wallet_id)
         union all select currency, amount from batch_contra) leg group by currency order by currency`,
    );
    expect(rows).toEqual([
      { currency: 'EUR', sum: 0n },
      { currency: 'USD', sum: 0n },
    ]);
    await expectProven(ledger);
  });
});

describe('a proof fails when somebody changes by hand', () => {
  const GRANTS = 'grants are what was given less what was spent';
  test.each([
    ['what is left of a grant', `update credit_grant set remaining = remaining - 1 where remaining > 0`, GRANTS],
    ['what was given', `update credit_grant set amount = amount + 1`, GRANTS],
    ['a burn', `update grant_burn set amount = amount - 1`, GRANTS],
    [
      'a burn and what is left together',
      `with b as (update grant_burn set amount = amount - 1 where amount > 1 returning grant_id)
       update credit_grant set remaining = remaining + 1 where grant_id in (select grant_id from b)`,
      GRANTS,
    ],
    ['whose grant it is', `update credit_grant set priority = 90 where priority = 20`, GRANTS],
    ['a residue', `update wallet set residue = residue + 1`, 'what rounding leaves is carried'],
    [
      'a residue of released usage',
      `update quarantine set residue = residue + 1 where status = 'posted'`,
      'what rounding leaves is carried',
    ],
  ])('%s', async (_what, sql, name) => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 10);
    await credit(ledger, 'acme', 5, { source: 'promotional' });
    await credit(ledger, 'acme', 5, { priority: 10 });
    await ledger.use('acme', [...spending('a', [6]), { id: 't', meter: 'tokens', dollars: '1' }]);
    await limit(ledger, 'acme', { throttle: { limit: 0n, periodMs: HOUR_MS } });
    await ledger.use('acme', [{ id: 'q', meter: 'tokens', dollars: '4' }]);
    await limit(ledger, 'acme', { throttle: null });
    await expectProven(ledger);
    await ledger.pool.query('alter table grant_burn disable trigger user');
    await ledger.pool.query(sql);
    const failed = (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok);
    expect(failed.map((proof) => proof.name)).toContain(name);
  });
});
