import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { type ThawRequest, thaw } from '../../src/pipeline/admin/thaw.ts';
import { type TopUpRequest, topUp } from '../../src/pipeline/admin/top-up.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const HOUR_MS = 3_600_000;
let keys = 0;

function request(over: { readonly key?: string; readonly dryRun?: boolean; readonly nowMs?: number } = {}) {
  return { key: `k${++keys}`, actor: 'test', reason: null, nowMs: START_MS, dryRun: false, ...over };
}

function credit(account: string, dollars: number, over: Partial<TopUpRequest> = {}): TopUpRequest {
  return {
    ...request(),
    tenant: 'default',
    account,
    currency: 'USD',
    amount: BigInt(dollars) * USD,
    source: 'paid',
    overdraftNanos: PLAIN_RULESET.overdraftNanos,
    ...over,
  };
}

function freezing(account: string, over: { readonly key?: string; readonly dryRun?: boolean } = {}) {
  return { ...request(over), wallet: { tenant: 'default', name: account }, hours: 2, reason: 'a test' };
}

function thawing(account: string, usage: ThawRequest['usage'], over: Parameters<typeof request>[0] = {}): ThawRequest {
  const { overdraftNanos } = PLAIN_RULESET;
  return {
    ...request({ nowMs: START_MS + HOUR_MS, ...over }),
    wallet: { tenant: 'default', name: account },
    usage,
    overdraftNanos,
  };
}

async function expectProven(ledger: TestLedger): Promise<void> {
  const failed = (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok);
  expect(failed).toEqual([]);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}

async function messages(ledger: TestLedger): Promise<readonly unknown[]> {
  const { rows } = await ledger.pool.query('select payload from outbox order by outbox_id');
  return rows.map((row: { payload: unknown }) => row.payload);
}

const usage = (count: number, prefix = 'u') =>
  Array.from({ length: count }, (_, index) => ({ id: `${prefix}${index}` }));

describe('top-up', () => {
  test('opens an unknown account as confirmed and credits it', async () => {
    const ledger = await openTestLedger();
    const result = await topUp(ledger.admin, credit('acme', 20));
    expect(result).toMatchObject({
      isOpened: true,
      balanceBefore: 0n,
      balance: 20n * USD,
      sequence: 1n,
      isRepeated: false,
    });
    const [account] = await ledger.queries.accounts({ tenant: 'default', limit: 10 });
    expect(account).toMatchObject({ account: 'acme', status: 'confirmed', wallets: [{ posted: 20n * USD, seq: 1n }] });
    const { rows } = await ledger.pool.query('select ledger_account, amount from batch_contra');
    expect(rows).toEqual([{ ledger_account: 'cash', amount: -20n * USD }]);
    await expectProven(ledger);
  });

  test('promotional credit is not cash', async () => {
    const ledger = await openTestLedger();
    await topUp(ledger.admin, credit('acme', 5, { source: 'promotional' }));
    const { rows } = await ledger.pool.query('select ledger_account from batch_contra');
    expect(rows).toEqual([{ ledger_account: 'promotion' }]);
  });

  test('the same request twice credits once and gets the same answer', async () => {
    const ledger = await openTestLedger();
    const asked = credit('acme', 20, { key: 'once' });
    const first = await topUp(ledger.admin, asked);
    const second = await topUp(ledger.admin, { ...asked, nowMs: START_MS + HOUR_MS });
    expect(second).toEqual({ ...first, isRepeated: true });
    await expectProven(ledger);
  });

  test.each([
    ['another amount', { amount: 21n * USD }],
    ['another account, whatever its lane', { account: 'other' }],
  ])('the same key with %s is refused', async (_name, over) => {
    const ledger = await openTestLedger();
    const asked = credit('acme', 20, { key: 'once' });
    await topUp(ledger.admin, asked);
    expect(await codeOf(topUp(ledger.admin, { ...asked, ...over }))).toBe('IDEMPOTENCY_CONFLICT');
    await expectProven(ledger);
  });

  test('a dry run says what would happen and changes nothing', async () => {
    const ledger = await openTestLedger();
    expect(await topUp(ledger.admin, credit('acme', 20, { dryRun: true }))).toMatchObject({ balance: 20n * USD });
    expect(await ledger.queries.wallets({ tenant: 'default', limit: 10 })).toEqual([]);
    const { rows } = await ledger.pool.query(
      'select (select count(*) from batch) + (select count(*) from lane_change) as n',
    );
    expect(rows).toEqual([{ n: 0n }]);
  });

  test('a closed account takes no credit', async () => {
    const ledger = await openTestLedger();
    await topUp(ledger.admin, credit('acme', 20));
    await ledger.pool.query(`update account set status = 'closed'`);
    expect(await codeOf(topUp(ledger.admin, credit('acme', 20)))).toBe('WALLET_STATE');
  });

  test('usage over the limit is posted oldest first while it fits', async () => {
    const ledger = await openTestLedger();
    const statuses = await ledger.use('acme', [
      { id: 'a', dollars: '4' },
      { id: 'b', dollars: '3' },
      { id: 'c', dollars: '6' },
      { id: 'd', dollars: '2' },
    ]);
    expect(statuses.map(({ status }) => status)).toEqual(['posted', 'quarantined', 'quarantined', 'quarantined']);
    // −4 + 5 − 3 = −2; c would make −8, beyond −5, and d must not overtake it.
    const result = await topUp(ledger.admin, credit('acme', 5));
    expect(result).toMatchObject({
      balance: -2n * USD,
      released: { events: 1, amount: 3n * USD },
      waiting: { events: 2, amount: 8n * USD },
    });
    expect((await ledger.queries.findEvent('b', { tenant: 'default' }))?.occurrences).toMatchObject([
      {
        status: 'posted',
        amount: 3n * USD,
        quarantine: { reason: 'over_limit', status: 'posted', closedBy: 'test' },
        entry: { kind: 'released', sequence: 3n, balanceAfter: -2n * USD },
      },
    ]);
    // The released event's key stays claimed, and the lane goes on from the balance it was given.
    expect(
      await ledger.use('acme', [
        { id: 'b', dollars: '3' },
        { id: 'e', dollars: '3' },
      ]),
    ).toMatchObject([{ status: 'duplicate' }, { status: 'posted' }]);
    await expectProven(ledger);
  });

  test('a credit that ends a negative balance tells the services', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [{ id: 'a', dollars: '4' }]);
    await topUp(ledger.admin, credit('acme', 10));
    expect(await messages(ledger)).toMatchObject([{ account: 'acme', status: 'funded', sequence: 1, until: null }]);
  });

  test.each(['', 'a\nb', 'a\u202eb', 'a'.repeat(129)])(
    'to an account that no usage can have is refused: %j',
    async (account) => {
      const ledger = await openTestLedger();
      expect(await codeOf(topUp(ledger.admin, credit(account, 1)))).toBe('ACCOUNT_INVALID');
      expect(await ledger.queries.wallets({ tenant: 'default', limit: 10 })).toEqual([]);
    },
  );

  test('eight at once all count, in one gapless history', async () => {
    const ledger = await openTestLedger();
    await Promise.all(Array.from({ length: 8 }, () => topUp(ledger.admin, credit('acme', 3))));
    const [wallet] = await ledger.queries.wallets({ tenant: 'default', limit: 10 });
    expect(wallet).toMatchObject({ posted: 24n * USD, seq: 8n });
    await expectProven(ledger);
  });

  test('eight at once under one key count once', async () => {
    const ledger = await openTestLedger();
    const asked = credit('acme', 3, { key: 'once' });
    const results = await Promise.all(Array.from({ length: 8 }, () => topUp(ledger.admin, asked)));
    expect(results.filter(({ isRepeated }) => !isRepeated)).toHaveLength(1);
    expect(await ledger.queries.wallets({ tenant: 'default', limit: 10 })).toMatchObject([{ posted: 3n * USD }]);
  });
});

describe('freeze and thaw', () => {
  test('a frozen wallet refuses usage that its lane holds in memory', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', usage(1, 'before'));
    expect(await freeze(ledger.admin, freezing('acme'))).toMatchObject({
      status: 'frozen',
      untilMs: START_MS + 2 * HOUR_MS,
    });
    expect(await ledger.use('acme', usage(1, 'after'))).toMatchObject([{ status: 'quarantined', code: 'frozen' }]);
    expect(await messages(ledger)).toMatchObject([
      { status: 'frozen', sequence: 1, until: '2026-03-02T11:00:00.000Z', reason: 'a test' },
    ]);
    await expectProven(ledger);
  });

  test('a second freeze moves the date further, and a repeated one does not', async () => {
    const ledger = await openTestLedger();
    await topUp(ledger.admin, credit('acme', 10));
    await freeze(ledger.admin, freezing('acme', { key: 'f1' }));
    const later = await freeze(ledger.admin, { ...freezing('acme'), hours: 5 });
    expect(later).toMatchObject({
      isChanged: true,
      untilMs: START_MS + 5 * HOUR_MS,
      before: { cause: { reason: 'a test' } },
    });
    expect(await freeze(ledger.admin, freezing('acme', { key: 'f1' }))).toMatchObject({
      isRepeated: true,
      untilMs: START_MS + 2 * HOUR_MS,
    });
    expect(await ledger.queries.wallets({ tenant: 'default', limit: 1 })).toMatchObject([
      { frozenUntilMs: START_MS + 5 * HOUR_MS },
    ]);
  });

  test.each([
    ['the same hours typed again a moment later', 2, 30_000],
    ['fewer hours', 1, 0],
  ])(
    'a frozen wallet stays as it is after %s: who froze it is said, and nothing is written',
    async (_name, hours, laterMs) => {
      const ledger = await openTestLedger();
      await topUp(ledger.admin, credit('acme', 10));
      await freeze(ledger.admin, { ...freezing('acme'), actor: 'cli:ana', reason: 'case 118' });
      const books =
        'select (select count(*) from batch) + (select count(*) from outbox) + (select count(*) from entry) as n';
      const before = await ledger.pool.query(books);
      const again = { ...freezing('acme', { key: 'again' }), hours, reason: 'case 119', nowMs: START_MS + laterMs };
      const answer = await freeze(ledger.admin, again);
      expect(answer).toMatchObject({
        status: 'frozen',
        isChanged: false,
        untilMs: START_MS + 2 * HOUR_MS,
        before: {
          sinceMs: START_MS,
          untilMs: START_MS + 2 * HOUR_MS,
          cause: { kind: 'person', actor: 'cli:ana', reason: 'case 118' },
        },
      });
      expect((await ledger.pool.query(books)).rows).toEqual(before.rows);
      expect(await freeze(ledger.admin, again)).toEqual({ ...answer, isRepeated: true });
    },
  );

  test('a wallet nobody has is not found, and one that is not frozen is not thawed', async () => {
    const ledger = await openTestLedger();
    expect(await codeOf(freeze(ledger.admin, freezing('nobody')))).toBe('WALLET_NOT_FOUND');
    await topUp(ledger.admin, credit('acme', 10));
    expect(await codeOf(thaw(ledger.admin, thawing('acme', 'post')))).toBe('WALLET_STATE');
  });

  async function frozenWithUsage(events: number): Promise<TestLedger> {
    const ledger = await openTestLedger();
    await topUp(ledger.admin, credit('acme', 10_000));
    await freeze(ledger.admin, freezing('acme'));
    await ledger.use('acme', usage(events));
    return ledger;
  }

  test('keep: the wallet pays again, and nothing is charged silently', async () => {
    const ledger = await frozenWithUsage(3);
    const result = await thaw(ledger.admin, thawing('acme', 'keep'));
    expect(result).toMatchObject({ status: 'active', balance: 10_000n * USD, kept: { events: 3, amount: 3n * USD } });
    expect(await ledger.use('acme', usage(1, 'next'))).toMatchObject([{ status: 'posted' }]);
    expect(await messages(ledger)).toMatchObject([
      { status: 'frozen' },
      { status: 'thawed', sequence: 2, until: null },
    ]);
    // What was kept can still be settled later.
    expect(await thaw(ledger.admin, thawing('acme', 'post'))).toMatchObject({
      posted: { events: 3 },
      balance: 9_996n * USD,
    });
    await expectProven(ledger);
  });

  test('void: nothing is charged and the keys stay claimed', async () => {
    const ledger = await frozenWithUsage(3);
    expect(await thaw(ledger.admin, thawing('acme', 'void'))).toMatchObject({
      voided: { events: 3, amount: 3n * USD },
      kept: { events: 0 },
      balance: 10_000n * USD,
    });
    expect(await ledger.use('acme', usage(1))).toMatchObject([{ status: 'duplicate' }]);
    expect(await ledger.queries.findEvent('u0', { tenant: 'default' })).toMatchObject({
      status: 'quarantined',
      occurrences: [{ quarantine: { status: 'void' } }, { status: 'duplicate' }],
    });
    await expectProven(ledger);
  });

  test('post: usage is charged in rounds, oldest first, and the wallet is active at the end', async () => {
    const ledger = await frozenWithUsage(5_001);
    const asked = thawing('acme', 'post', { key: 'thaw' });
    const dry = await thaw(ledger.admin, { ...asked, dryRun: true });
    const result = await thaw(ledger.admin, asked);
    expect(result).toEqual(dry);
    expect(result).toMatchObject({
      status: 'active',
      posted: { events: 5_001, amount: 5_001n * USD },
      balance: 4_999n * USD,
    });
    expect(await thaw(ledger.admin, asked)).toEqual({ ...result, isRepeated: true });
    await expectProven(ledger);
  });

  test.each(['keep', 'post', 'void'] as const)(
    'a dry run of --usage %s has the figures of the thaw that follows, also when not everything fits',
    async (what) => {
      const ledger = await openTestLedger();
      await topUp(ledger.admin, credit('acme', 2));
      await ledger.use('acme', [...usage(7, 'before'), ...usage(2, 'over')]);
      await freeze(ledger.admin, freezing('acme'));
      await topUp(ledger.admin, credit('acme', 3));
      await ledger.use('acme', [...usage(10), { id: 'free', dollars: '0' }]);
      const asked = thawing('acme', what);
      const dry = await thaw(ledger.admin, { ...asked, dryRun: true });
      expect(await thaw(ledger.admin, asked)).toEqual(dry);
    },
  );

  test('a crash between two rounds leaves the wallet thawing, and the same request finishes it', async () => {
    const ledger = await frozenWithUsage(5_001);
    let rounds = 0;
    const crashing = {
      ...ledger.admin,
      transact: ((scope, work) => {
        if (++rounds === 2) return Promise.reject(new Error('crash'));
        return ledger.admin.transact(scope, work);
      }) satisfies TestLedger['admin']['transact'],
    };
    const asked = thawing('acme', 'post', { key: 'thaw' });
    await expect(thaw(crashing, asked)).rejects.toThrow('crash');
    expect(await ledger.queries.wallets({ tenant: 'default', limit: 1 })).toMatchObject([{ status: 'thawing' }]);
    // New usage queues up behind what waits.
    expect(await ledger.use('acme', usage(1, 'meanwhile'))).toMatchObject([{ status: 'quarantined', code: 'frozen' }]);
    expect(await codeOf(thaw(ledger.admin, thawing('acme', 'void')))).toBe('WALLET_STATE');
    expect(await thaw(ledger.admin, asked)).toMatchObject({
      status: 'active',
      posted: { events: 2 },
      balance: 4_998n * USD,
    });
    await expectProven(ledger);
  });

  test('post: what does not fit the balance waits for the next credit', async () => {
    const ledger = await openTestLedger();
    await topUp(ledger.admin, credit('acme', 2));
    await freeze(ledger.admin, freezing('acme'));
    await ledger.use('acme', usage(10));
    expect(await thaw(ledger.admin, thawing('acme', 'post'))).toMatchObject({
      status: 'active',
      posted: { events: 7 },
      overLimit: { events: 3, amount: 3n * USD },
      balance: -5n * USD,
    });
    expect(await topUp(ledger.admin, credit('acme', 1))).toMatchObject({
      released: { events: 1 },
      waiting: { events: 2 },
    });
    await expectProven(ledger);
  });
});
