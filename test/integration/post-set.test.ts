import { expect, test } from 'vitest';
import { seededRandom } from '../../bench/bench-events.ts';
import { createArchiveFiles } from '../../src/adapters/archive-files.ts';
import { createSetStore } from '../../src/adapters/postgres/post-set.ts';
import { verifyLedger } from '../../src/adapters/postgres/verify/verify-ledger.ts';
import type { SetStatus } from '../../src/domain/ledger/judge-set.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { type SetItem, SetPoster, type SetRequest } from '../../src/pipeline/admin/post-set.ts';
import { credit, limit } from '../support/credit.ts';
import { ask } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

function item(id: string, account: string, dollars: number): SetItem {
  return { id, account, amount: BigInt(dollars) * USD, atMs: START_MS };
}

function request(items: readonly SetItem[], over: Partial<SetRequest> = {}): SetRequest {
  return {
    tenant: 'default',
    items,
    currency: 'USD',
    source: 'paid',
    overdraftNanos: PLAIN_RULESET.overdraftNanos,
    actor: 'test',
    reason: 'monthly fees',
    nowMs: START_MS,
    ...over,
  };
}

function words(statuses: readonly SetStatus[]): readonly string[] {
  return statuses.map((status) => (status.status === 'refused' ? status.reason : status.status));
}

async function balances(ledger: TestLedger): Promise<Readonly<Record<string, number>>> {
  const { rows } = await ledger.pool.query<{ account_id: string; posted: bigint }>(
    'select account_id, posted from wallet order by account_id',
  );
  return Object.fromEntries(rows.map(({ account_id: account, posted }) => [account, Number(posted) / Number(USD)]));
}

/** Every proof of the books holds, and their verification has no finding. */
async function expectProven(ledger: TestLedger): Promise<void> {
  expect(await findings(ledger)).toEqual([]);
  expect((await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok)).toEqual([]);
}

async function findings(ledger: TestLedger): Promise<readonly string[]> {
  const found: string[] = [];
  await verifyLedger(ledger.pool, PLAIN_RULESET, createArchiveFiles([]), {
    tenant: 'default',
    onFinding: ({ table, column, stored, expected }) => found.push(`${table}.${column} ${stored} not ${expected}`),
    onProgress: () => undefined,
  });
  return found;
}

/** Opens accounts with one dollar of usage each: every balance is −1 afterwards. */
async function openAccounts(ledger: TestLedger, accounts: readonly string[]): Promise<void> {
  for (const account of accounts) await ledger.use(account, [{ id: `open ${account}` }]);
}

test('charges and credits of many wallets are posted in order, and lane writers see them before their next batch', async () => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  const accounts = ['ann', 'ben', 'cleo', 'dan', 'eve'];
  await openAccounts(ledger, accounts);

  const credits = accounts.map((account) => item(`credit ${account}`, account, 20));
  expect(words(await sets.post(request(credits)))).toEqual(accounts.map(() => 'posted'));
  await sets.post(request([item('fee 1', 'ann', -3), item('fee 2', 'ben', -4), item('fee 3', 'ann', -5)]));
  for (const account of accounts) await ledger.use(account, [{ id: `after ${account}`, dollars: '2' }]);

  expect(await balances(ledger)).toEqual({ ann: 9, ben: 13, cleo: 17, dan: 17, eve: 17 });
  await expectProven(ledger);
});

test('a set sent again changes nothing, and an id with another amount or account is a conflict', async () => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  await openAccounts(ledger, ['ann', 'ben']);
  const items = [item('a', 'ann', 5), item('b', 'ben', -1), item('a', 'ann', 5), item('b', 'ben', -2)];
  expect(words(await sets.post(request(items)))).toEqual(['posted', 'posted', 'duplicate', 'conflict']);

  const again = [...items.slice(0, 2), item('c', 'ann', -1), item('a', 'ann', 6), item('b', 'ann', -1)];
  expect(words(await sets.post(request(again)))).toEqual([
    'duplicate',
    'duplicate',
    'posted',
    'conflict',
    // In another lane the index finds it, in the same one the look-up does.
    'conflict',
  ]);
  expect(await balances(ledger)).toEqual({ ann: 3, ben: -2 });
  await expectProven(ledger);
});

test('what is frozen, short or unknown is left out and named; the rest is posted', async () => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  await openAccounts(ledger, ['ann', 'ben', 'cleo']);
  const admin = { key: 'f', actor: 'test', reason: 'a test', nowMs: START_MS, dryRun: false };
  await freeze(ledger.admin, { ...admin, wallet: { tenant: 'default', name: 'ben' }, hours: 2 });

  const items = [
    item('1', 'ann', -4),
    item('2', 'ann', -1), // the overdraft ends at −5
    item('3', 'ben', -1),
    item('4', 'ben', 7), // credit reaches a frozen wallet
    item('5', 'nobody', 1),
    item('6', 'cleo', 9_000_000_000),
    item('7', 'cleo', 9_000_000_000),
    item('8', 'ann', 2),
    item('9', 'ann', -1), // and now it fits
  ];
  expect(words(await sets.post(request(items)))).toEqual([
    'posted',
    'short',
    'frozen',
    'posted',
    'unknown_wallet',
    'posted',
    'balance_too_large',
    'posted',
    'posted',
  ]);
  expect(await balances(ledger)).toEqual({ ann: -4, ben: 6, cleo: 8_999_999_999 });
  await expectProven(ledger);
});

test('wallets with open grants or a throttle are left out, and held money is not charged away', async () => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  for (const account of ['ann', 'ben', 'cleo', 'dan']) await credit(ledger, account, 10);
  await credit(ledger, 'ann', 5, { expiresAtMs: START_MS + HOUR_MS });
  await limit(ledger, 'ben', { throttle: { limit: 3n * USD, periodMs: HOUR_MS } });
  expect(await ask(ledger, 'cleo', 'call', { do: 'place', dollars: 8 })).toMatchObject({ ok: true });

  const items = ['ann', 'ann', 'ben', 'ben', 'cleo', 'cleo', 'dan'].map((account, index) =>
    item(`${index}`, account, index === 1 || index === 3 ? 2 : -7),
  );
  expect(words(await sets.post(request(items)))).toEqual([
    'has_grants',
    'has_grants',
    'has_throttle',
    'has_throttle',
    'posted', // 10 and an overdraft of 5, less 8 held
    'short',
    'posted',
  ]);
  expect(await balances(ledger)).toEqual({ ann: 15, ben: 10, cleo: 3, dan: 3 });
  // The lane's memory has the charge: what is left of it is what can be held.
  expect(await ask(ledger, 'dan', 'too much', { do: 'place', dollars: 9 })).toMatchObject({ ok: false });
  expect(await ask(ledger, 'dan', 'enough', { do: 'place', dollars: 8 })).toMatchObject({ ok: true });
  await expectProven(ledger);
});

test.each([
  ['amount = amount + 1', 'entry.amount -3999999999 not -4000000000'],
  ['content_hash = content_hash + 1', 'entry.content_hash'],
  ['kind = 17', 'entry.kind 17 not 16'],
])('an entry of a set with %s is named', async (change, named) => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  await openAccounts(ledger, ['ann', 'ben']);
  await sets.post(request([item('1', 'ann', -4), item('2', 'ben', 3)]));
  await expectProven(ledger);
  const client = await ledger.pool.connect();
  await client.query('set session_replication_role = replica');
  await client.query(`update entry set ${change} where kind = 16`);
  await client.query('reset session_replication_role');
  client.release();
  expect(await findings(ledger)).toContainEqual(expect.stringContaining(named));
  const failed = (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok).map(({ name }) => name);
  expect(failed).toContain('the chain of batches is unbroken');
});

test('metering services hear of a wallet whose negative balance a credit ended, once', async () => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  await openAccounts(ledger, ['ann', 'ben']);
  await sets.post(request([item('1', 'ann', 1), item('2', 'ann', -1), item('3', 'ann', 4), item('4', 'ben', -1)]));
  const { rows } = await ledger.pool.query<{ payload: { account: string; status: string; sequence: number } }>(
    'select payload from outbox',
  );
  expect(rows.map(({ payload: { account, status, sequence } }) => [account, status, sequence])).toEqual([
    ['ann', 'funded', 1],
  ]);
});

test('sets of many clients and usage of the same wallets at the same time lose nothing and post nothing twice', async () => {
  const ledger = await openTestLedger();
  const sets = new SetPoster(createSetStore(ledger.pool));
  const accounts = Array.from({ length: 12 }, (_, index) => `acct_${index}`);
  await openAccounts(ledger, accounts);
  const random = seededRandom(20_260_307);
  const pick = () => accounts[Math.floor(random() * accounts.length)] ?? '';
  const items = Array.from({ length: 400 }, (_, index) => item(`i${index}`, pick(), random() < 0.5 ? 3 : -2));
  const parts = Array.from({ length: 10 }, (_, set) => items.slice(set * 40, set * 40 + 40));

  const statuses = new Map<string, string[]>();
  const sending = [...parts, ...parts].map(async (set) => {
    const told = words(await sets.post(request(set)));
    for (const [index, { id }] of set.entries()) statuses.set(id, [...(statuses.get(id) ?? []), told[index] ?? '']);
  });
  const using = accounts.map(async (account) => {
    for (let index = 0; index < 8; index++) await ledger.use(account, [{ id: `${account} ${index}`, dollars: '0.5' }]);
  });
  await Promise.all([...sending, ...using]);

  for (const [id, told] of statuses) {
    const posted = told.filter((word) => word === 'posted').length;
    expect([id, posted <= 1, told.every((word) => ['posted', 'duplicate', 'short'].includes(word))]).toEqual([
      id,
      true,
      true,
    ]);
  }
  const { rows } = await ledger.pool.query<{ sum: bigint; count: number }>(
    'select sum(amount)::bigint as sum, count(*)::int as count from entry where kind in (16, 17)',
  );
  const posted = items.filter(({ id }) => statuses.get(id)?.includes('posted'));
  const sum = posted.reduce((total, { amount }) => total + amount, 0n);
  expect(rows).toEqual([{ sum, count: posted.length }]);
  await expectProven(ledger);
}, 60_000);
