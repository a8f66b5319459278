import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ENTRY_KIND } from '../../src/domain/ledger/wallet.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { ask, fund } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';
import { verifyAfter } from '../support/verify.ts';

async function walletOf(ledger: TestLedger, account = 'acme') {
  const [found] = await ledger.queries.wallets({ tenant: 'default', account, limit: 1 });
  return { posted: found?.posted, held: found?.held };
}

/** All the books' proofs, and the whole chain computed again from what is stored. */
async function expectSound(ledger: TestLedger): Promise<void> {
  expect((await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok)).toEqual([]);
  expect((await verifyAfter(ledger.pool, [], { ruleset: PLAIN_RULESET })).found).toEqual([]);
}

/** Kinds of the account's entries in order of their numbers, which must be without gaps. */
async function kindsOf(ledger: TestLedger, account: string): Promise<readonly number[]> {
  const { rows } = await ledger.pool.query<{ seq: bigint; kind: number }>(
    'select e.seq, e.kind from entry e join wallet w using (wallet_id) where w.account_id = $1 order by e.seq',
    [account],
  );
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => BigInt(index + 1)));
  return rows.map(({ kind }) => kind);
}

async function countBatches(ledger: TestLedger, kind: string) {
  const { rows } = await ledger.pool.query<{ batches: bigint; commits: bigint }>(
    'select count(*) as batches, count(distinct xmin::text) as commits from batch where kind = $1',
    [kind],
  );
  return rows[0];
}

test('captures asked for at once share commits, and each is a ledger transaction of its own', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 100);
  const ids = Array.from({ length: 40 }, (_, index) => `h${index}`);
  await Promise.all(ids.map((id) => ask(ledger, 'acme', id, { do: 'place', dollars: 2 })));
  const answers = await Promise.all(ids.map((id) => ask(ledger, 'acme', id, { do: 'capture', dollars: 1.5 })));
  expect(answers.every(({ ok }) => ok)).toBe(true);
  // Each answer knows of the captures before it.
  const left = answers.map((answer) => (answer.ok ? Number(answer.hold.available) : 0));
  expect(left).toEqual(ids.map((_, index) => 100 - 80 + (index + 1) * 0.5));
  expect(await walletOf(ledger)).toEqual({ posted: 40n * USD, held: 0n });
  const { batches = 0n, commits = 0n } = (await countBatches(ledger, 'capture')) ?? {};
  expect(batches).toBe(40n);
  expect(commits).toBeLessThan(10n);
  // The lane's own writer was told nothing and needs to reload nothing.
  expect(await ledger.use('acme', [{ id: 'a', dollars: '45' }])).toMatchObject([{ status: 'posted' }]);
  expect(await ledger.use('acme', [{ id: 'b', dollars: '1' }])).toMatchObject([{ code: 'over_limit' }]);
  await expectSound(ledger);
});

test('captures, usage and holds of one lane at the same moment leave no gap and no broken link', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 1_000);
  const work = Array.from({ length: 60 }, async (_, index) => {
    for (let turns = 0; turns < index % 7; turns++) await new Promise((resolve) => setImmediate(resolve));
    if (index % 3 === 0) return ledger.use('acme', [{ id: `e${index}`, dollars: '1' }]);
    const id = `h${index}`;
    await ask(ledger, 'acme', id, { do: 'place', dollars: 2 });
    return ask(ledger, 'acme', id, index % 3 === 1 ? { do: 'capture', dollars: 1 } : { do: 'release' });
  });
  await Promise.all(work);
  expect(await walletOf(ledger)).toEqual({ posted: 960n * USD, held: 0n });
  const kinds = await kindsOf(ledger, 'acme');
  expect(kinds.filter((kind) => kind === ENTRY_KIND.captured)).toHaveLength(20);
  await expectSound(ledger);
});

test('a group of captures that fails to commit, or whose commit is not heard of, charges each hold once', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 100);
  const ids = ['h1', 'h2', 'h3'];
  for (const id of ids) await ask(ledger, 'acme', id, { do: 'place', dollars: 10 });
  await ledger.pool.query(`
    create sequence failures;
    create function fail_twice() returns trigger language plpgsql as $$
    begin
      if nextval('failures') <= 2 then raise exception 'the disk is full' using errcode = 'disk_full'; end if;
      return null;
    end $$;
    create constraint trigger fail_twice after update on hold deferrable initially deferred
      for each row execute function fail_twice()`);
  const [usage, ...answers] = await Promise.all([
    ledger.use('acme', [{ id: 'a', dollars: '1' }]),
    ...ids.map((id) => ask(ledger, 'acme', id, { do: 'capture', dollars: 9 })),
  ]);
  expect([usage, answers]).toMatchObject([[{ status: 'posted' }], ids.map(() => ({ ok: true }))]);
  expect(await walletOf(ledger)).toEqual({ posted: 72n * USD, held: 0n });
  // The connection dies at the commit, before its news: whatever became of it, asking again finds the truth.
  await ask(ledger, 'acme', 'h4', { do: 'place', dollars: 10 });
  await ledger.pool.query(`
    create function die() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.3); return null; end $$;
    create constraint trigger die after update on hold deferrable initially deferred for each row execute function die()`);
  const captured = ask(ledger, 'acme', 'h4', { do: 'capture', dollars: 10 });
  await sleep(150);
  const { rows } = await ledger.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'commit' and state = 'active'",
  );
  expect(rows).toHaveLength(1);
  await ledger.pool.query('drop trigger die on hold');
  expect(await captured).toMatchObject({ ok: true, hold: { state: 'captured' } });
  expect(await walletOf(ledger)).toEqual({ posted: 62n * USD, held: 0n });
  await kindsOf(ledger, 'acme');
  await expectSound(ledger);
});

test('once a freeze is in the books, no capture follows', async () => {
  const ledger = await openTestLedger();
  let captured = 0;
  let refused = 0;
  for (let round = 0; round < 6; round++) {
    const account = `acct_${round}`;
    await fund(ledger, account, 100);
    const ids = Array.from({ length: 9 }, (_, index) => `${account}-h${index}`);
    for (const id of ids) await ask(ledger, account, id, { do: 'place', dollars: 1 });
    const captures = ids.map(async (id, index) => {
      for (let turns = 0; turns < index * 4; turns++) await new Promise((resolve) => setImmediate(resolve));
      return ask(ledger, account, id, { do: 'capture', dollars: 1 }, { by: index % 3 === 0 ? 'direct' : 'lane' });
    });
    const wallet = { tenant: 'default', name: account };
    const common = { reason: 'a test', key: `freeze-${round}`, actor: 'test', nowMs: START_MS, dryRun: false };
    const [answers] = await Promise.all([Promise.all(captures), freeze(ledger.admin, { ...common, wallet, hours: 2 })]);
    expect(answers.every((answer) => answer.ok || answer.code === 'WALLET_FROZEN')).toBe(true);
    captured += answers.filter(({ ok }) => ok).length;
    refused += answers.filter(({ ok }) => !ok).length;
    expect((await kindsOf(ledger, account)).at(-1)).toBe(ENTRY_KIND.freeze);
  }
  expect(captured).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
  await expectSound(ledger);
});

test('a hold that is captured and expires at the same moment does one of the two', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 100);
  const end = START_MS + 60_000;
  const ids = Array.from({ length: 12 }, (_, index) => `h${index}`);
  for (const id of ids) await ask(ledger, 'acme', id, { do: 'place', dollars: 1, seconds: 60 });
  const answers = await Promise.all(
    ids.flatMap((id, index) => [
      ask(ledger, 'acme', id, { do: 'capture', dollars: 1 }, { nowMs: end - 1 + (index % 2) }),
      ask(ledger, 'acme', id, { do: 'expire' }, { nowMs: end, by: index % 3 === 0 ? 'direct' : 'lane' }),
    ]),
  );
  const { rows } = await ledger.pool.query<{ state: string }>('select state from hold');
  const captured = rows.filter(({ state }) => state === 'captured').length;
  expect(rows.every(({ state }) => state === 'captured' || state === 'expired')).toBe(true);
  expect(answers.filter((answer, index) => index % 2 === 0 && answer.ok)).toHaveLength(captured);
  expect(await walletOf(ledger)).toEqual({ posted: BigInt(100 - captured) * USD, held: 0n });
  await expectSound(ledger);
});

test('requests about one hold are carried out in the order asked, captures among them', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 100);
  const answers = await Promise.all([
    ask(ledger, 'acme', 'h1', { do: 'place', dollars: 2 }),
    ask(ledger, 'acme', 'h1', { do: 'extend', dollars: 4 }),
    ask(ledger, 'acme', 'h1', { do: 'capture', dollars: 4 }),
    ask(ledger, 'acme', 'h1', { do: 'capture', dollars: 4 }),
    ask(ledger, 'acme', 'h1', { do: 'release' }),
  ]);
  expect(answers).toMatchObject([
    { ok: true, hold: { state: 'open', amount: '2' } },
    { ok: true, hold: { state: 'open', amount: '4' } },
    { ok: true, repeated: false, hold: { state: 'captured' } },
    { ok: true, repeated: true, hold: { state: 'captured' } },
    { ok: false, code: 'HOLD_CLOSED' },
  ]);
  expect(await walletOf(ledger)).toEqual({ posted: 96n * USD, held: 0n });
  await expectSound(ledger);
});

test('a capture is dated by its hold: a day without entries is made for it', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 100);
  await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 2, seconds: 7 * 86_400 });
  await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 2, seconds: 7 * 86_400 });
  const entries = async () => {
    const { rows } = await ledger.pool.query('select 1 from entry_20260302 where kind = $1', [ENTRY_KIND.captured]);
    return rows.length;
  };
  // Another process placed it, on a day that this one has never written to.
  await ledger.takeOver();
  await ledger.pool.query('drop table entry_20260302');
  const later = { nowMs: START_MS + 2 * DAY_MS };
  expect(await ask(ledger, 'acme', 'h1', { do: 'capture', dollars: 2 }, later)).toMatchObject({ ok: true });
  expect(await entries()).toBe(1);
  // The same when this process believes that the day is there.
  await ledger.pool.query('drop table entry_20260302');
  expect(await ask(ledger, 'acme', 'h2', { do: 'capture', dollars: 2 }, later)).toMatchObject({ ok: true });
  expect(await entries()).toBe(1);
});

test('one id placed and captured on wallets of many lanes at once is charged to one of them', async () => {
  const ledger = await openTestLedger();
  const accounts = Array.from({ length: 12 }, (_, index) => `acct_${index}`);
  for (const account of accounts) await fund(ledger, account, 10);
  await Promise.all(
    accounts.flatMap((account) => [
      ask(ledger, account, 'same', { do: 'place', dollars: 2 }),
      ask(ledger, account, 'same', { do: 'capture', dollars: 2 }),
    ]),
  );
  const { rows } = await ledger.pool.query<{ state: string }>('select state from hold');
  expect(rows).toEqual([{ state: 'captured' }]);
  const { rows: entries } = await ledger.pool.query('select 1 from entry where kind = $1', [ENTRY_KIND.captured]);
  expect(entries).toHaveLength(1);
  await expectSound(ledger);
});

test('credit that has ended is posted as breakage before a capture can spend it', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10);
  const grant = { source: 'promotional', priority: 10, expiresAtMs: START_MS + 60_000 } as const;
  const common = { tenant: 'default', account: 'acme', currency: 'USD', actor: 'test', reason: null, dryRun: false };
  await topUp(ledger.admin, {
    ...common,
    ...grant,
    amount: 5n * USD,
    overdraftNanos: PLAIN_RULESET.overdraftNanos,
    key: 'gift',
    nowMs: START_MS,
  } as Parameters<typeof topUp>[1]);
  await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 3, seconds: 3_600 });
  await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 1, seconds: 3_600 });
  const late = { nowMs: START_MS + 120_000 };
  const answers = await Promise.all(
    ['h1', 'h2'].map((id, index) => ask(ledger, 'acme', id, { do: 'capture', dollars: index === 0 ? 3 : 1 }, late)),
  );
  expect(answers).toMatchObject([{ ok: true }, { ok: true }]);
  expect(await kindsOf(ledger, 'acme')).toContain(ENTRY_KIND.expired);
  expect((await walletOf(ledger)).posted).toBe(6n * USD);
  await expectSound(ledger);
});
