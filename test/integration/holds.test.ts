import { describe, expect, test } from 'vitest';
import { dueHolds } from '../../src/adapters/postgres/due-holds.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { sweepHolds } from '../../src/pipeline/holds/hold-sweeper.ts';
import { ask, fund } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const MINUTE_MS = 60_000;

async function wallet(ledger: TestLedger, account = 'acme') {
  const [found] = await ledger.queries.wallets({ tenant: 'default', account, limit: 1 });
  if (found === undefined) throw new Error('no wallet');
  return { posted: found.posted, held: found.held };
}

async function expectProven(ledger: TestLedger): Promise<void> {
  expect((await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok)).toEqual([]);
}

function freezing(account: string, key = 'freeze') {
  const wallet = { tenant: 'default', name: account };
  return { wallet, hours: 2, reason: 'a test', key, actor: 'test', nowMs: START_MS, dryRun: false };
}

describe.each(['lane', 'direct'] as const)('by the %s', (by) => {
  test('a hold reserves money without moving it, and usage cannot spend it', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    expect(await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 9 }, { by })).toMatchObject({
      ok: true,
      repeated: false,
      hold: { state: 'open', amount: '9', captureMax: '9.9', available: '1', expiresAt: '2026-03-02T09:10:00.000Z' },
    });
    expect(await wallet(ledger)).toEqual({ posted: 10n * USD, held: 9n * USD });
    // 10 − 9 − 7 is below −5.
    expect(await ledger.use('acme', [{ id: 'a', dollars: '7' }])).toMatchObject([{ code: 'over_limit' }]);
    expect(await ledger.use('acme', [{ id: 'b', dollars: '6' }])).toMatchObject([{ status: 'posted' }]);
    await expectProven(ledger);
  });

  test('a hold beyond the balance and the overdraft limit is refused', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    expect(await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 15.01 }, { by })).toMatchObject({
      ok: false,
      code: 'INSUFFICIENT_FUNDS',
    });
    expect(await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 15 }, { by })).toMatchObject({ ok: true });
    expect(await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 0.01 }, { by })).toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
    });
    expect(await ask(ledger, 'nobody', 'h3', { do: 'place', dollars: 1 }, { by })).toMatchObject({
      code: 'WALLET_NOT_FOUND',
    });
  });

  test.each([
    ['less', 3, 7],
    ['all', 4, 6],
    ['a bounded more', 4.4, 5.6],
  ])('capturing %s charges that and frees the rest', async (_name, dollars, left) => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 4 }, { by });
    expect(await ask(ledger, 'acme', 'h1', { do: 'capture', dollars }, { by })).toMatchObject({
      ok: true,
      hold: { state: 'captured', captured: String(dollars), available: String(left) },
    });
    expect(await wallet(ledger)).toEqual({ posted: (BigInt(left * 10) * USD) / 10n, held: 0n });
    const { rows } = await ledger.pool.query('select kind, seq from entry order by seq');
    expect(rows).toEqual([
      { kind: 3, seq: 1n },
      { kind: 7, seq: 2n },
    ]);
    // The lane goes on from the balance it was given.
    expect(await ledger.use('acme', [{ id: 'a', dollars: '1' }])).toMatchObject([{ status: 'posted' }]);
    await expectProven(ledger);
  });

  test('what may not be captured is refused with its code, and changes nothing', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    const place = (id: string) => ask(ledger, 'acme', id, { do: 'place', dollars: 1, seconds: 60 }, { by });
    const capture = (id: string, dollars: number, options = {}) =>
      ask(ledger, 'acme', id, { do: 'capture', dollars }, { by, ...options });
    for (const id of ['twice', 'released', 'expired', 'large']) await place(id);
    await capture('twice', 1);
    await ask(ledger, 'acme', 'released', { do: 'release' }, { by });
    expect(await capture('twice', 1, { key: 'other' })).toMatchObject({ ok: false, code: 'HOLD_CLOSED' });
    expect(await capture('released', 1)).toMatchObject({ ok: false, code: 'HOLD_CLOSED' });
    expect(await capture('large', 1.11)).toMatchObject({ ok: false, code: 'CAPTURE_TOO_LARGE' });
    expect(await capture('nothing', 1)).toMatchObject({ ok: false, code: 'HOLD_NOT_FOUND' });
    // Its time is over whether or not anybody has swept it.
    const late = { nowMs: START_MS + MINUTE_MS };
    expect(await capture('expired', 1, late)).toMatchObject({ ok: false, code: 'HOLD_EXPIRED' });
    await ask(ledger, 'acme', 'expired', { do: 'expire' }, { by, ...late });
    expect(await capture('expired', 1, late)).toMatchObject({ ok: false, code: 'HOLD_EXPIRED' });
    expect(await ask(ledger, 'acme', 'expired', { do: 'release' }, { by })).toMatchObject({ code: 'HOLD_EXPIRED' });
    expect(await wallet(ledger)).toEqual({ posted: 9n * USD, held: 1n * USD });
    await expectProven(ledger);
  });

  test('the same request again is answered as before, another body under its key is refused', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    await fund(ledger, 'bolt', 10);
    const steps = [
      [
        { do: 'place', dollars: 2 },
        { do: 'place', dollars: 3 },
      ],
      [
        { do: 'extend', dollars: 3, seconds: 900 },
        { do: 'extend', dollars: 4, seconds: 900 },
      ],
      [
        { do: 'capture', dollars: 1 },
        { do: 'capture', dollars: 2 },
      ],
    ] as const;
    for (const [index, [asked, other]] of steps.entries()) {
      const key = `k${index}`;
      const first = await ask(ledger, 'acme', 'h1', asked, { by, key });
      expect(first).toMatchObject({ ok: true, repeated: false });
      const again = await ask(ledger, 'acme', 'h1', asked, { by, key, nowMs: START_MS + MINUTE_MS });
      expect(again).toEqual({ ...first, repeated: true });
      expect(await ask(ledger, 'acme', 'h1', other, { by, key })).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    }
    expect(await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 2 }, { by })).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
    // An id belongs to one hold, whatever account and lane.
    expect(await ask(ledger, 'bolt', 'h1', { do: 'place', dollars: 2 }, { by })).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
    expect(await ask(ledger, 'bolt', 'h1', { do: 'release' }, { by })).toMatchObject({ code: 'HOLD_NOT_FOUND' });
    expect(await wallet(ledger)).toEqual({ posted: 9n * USD, held: 0n });
    expect(await wallet(ledger, 'bolt')).toEqual({ posted: 10n * USD, held: 0n });
  });

  test('an extension reserves more and lasts longer, never less', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 2, seconds: 60 }, { by });
    const extend = (dollars?: number, seconds?: number) =>
      ask(
        ledger,
        'acme',
        'h1',
        { do: 'extend', ...(dollars === undefined ? {} : { dollars }), ...(seconds === undefined ? {} : { seconds }) },
        { by },
      );
    expect(await extend(5)).toMatchObject({
      hold: { amount: '5', captureMax: '5.2', expiresAt: '2026-03-02T09:01:00.000Z' },
    });
    expect(await extend(undefined, 30)).toMatchObject({ hold: { expiresAt: '2026-03-02T09:01:00.000Z' } });
    expect(await extend(undefined, 90)).toMatchObject({ hold: { expiresAt: '2026-03-02T09:01:30.000Z' } });
    expect(await extend(4)).toMatchObject({ code: 'HOLD_INVALID' });
    expect(await extend(16)).toMatchObject({ code: 'INSUFFICIENT_FUNDS' });
    expect(await extend(15)).toMatchObject({ ok: true });
    expect(await wallet(ledger)).toMatchObject({ held: 15n * USD });
    expect(await ledger.use('acme', [{ id: 'a', dollars: '0.01' }])).toMatchObject([{ code: 'over_limit' }]);
  });

  test('a frozen wallet refuses holds, extensions and captures, and releases what was held', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 2 }, { by });
    await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 1 }, { by });
    await freeze(ledger.admin, freezing('acme'));
    const frozen = { ok: false, code: 'WALLET_FROZEN' };
    expect(await ask(ledger, 'acme', 'h3', { do: 'place', dollars: 1 }, { by })).toMatchObject(frozen);
    expect(await ask(ledger, 'acme', 'h1', { do: 'extend', seconds: 900 }, { by })).toMatchObject(frozen);
    expect(await ask(ledger, 'acme', 'h1', { do: 'capture', dollars: 1 }, { by })).toMatchObject(frozen);
    expect(await ask(ledger, 'acme', 'h2', { do: 'release' }, { by })).toMatchObject({ ok: true });
    // It does not end while it cannot be captured: the call was made, and is charged after the freeze.
    const late = { nowMs: START_MS + 60 * MINUTE_MS, by };
    await ask(ledger, 'acme', 'h1', { do: 'expire' }, late);
    await thaw(ledger.admin, {
      wallet: { tenant: 'default', name: 'acme' },
      usage: 'keep',
      overdraftNanos: PLAIN_RULESET.overdraftNanos,
      key: 'thaw',
      actor: 'test',
      reason: null,
      nowMs: late.nowMs,
      dryRun: false,
    });
    expect(await ask(ledger, 'acme', 'h1', { do: 'capture', dollars: 1 }, late)).toMatchObject({ ok: true });
    expect(await wallet(ledger)).toEqual({ posted: 9n * USD, held: 0n });
    await expectProven(ledger);
  });

  test('the sweeper frees what nobody came back for', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    await ask(ledger, 'acme', 'short', { do: 'place', dollars: 4, seconds: 60 }, { by });
    await ask(ledger, 'acme', 'long', { do: 'place', dollars: 5, seconds: 61 }, { by });
    let nowMs = START_MS + MINUTE_MS - 1;
    const sweep = () =>
      sweepHolds({
        dueHolds: (atMs, limit) => dueHolds(ledger.pool, atMs, limit),
        carryOut: (request) => ledger.writerOf('acme').holds.submit(request),
        now: () => nowMs,
      });
    expect(await sweep()).toBe(0);
    nowMs += 1;
    expect(await sweep()).toBe(1);
    expect(await sweep()).toBe(0);
    expect((await ledger.queries.hold('default', 'short'))?.hold).toMatchObject({
      state: 'expired',
      closedAtMs: nowMs,
    });
    expect(await wallet(ledger)).toEqual({ posted: 10n * USD, held: 5n * USD });
    // The lane's memory knows: 10 − 5 − 10 is just within the limit.
    expect(await ledger.use('acme', [{ id: 'a', dollars: '10' }])).toMatchObject([{ status: 'posted' }]);
  });
});

test('holds outlive their writer: the next one counts them from the books', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10);
  await ledger.use('acme', [{ id: 'a', dollars: '1' }]);
  await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 12 });
  await ledger.endWriter('acme');
  expect(await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 3 })).toMatchObject({ code: 'INSUFFICIENT_FUNDS' });
  expect(await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 12 })).toMatchObject({ ok: true, repeated: true });
  expect(await ask(ledger, 'acme', 'h1', { do: 'release' })).toMatchObject({ ok: true });
  expect(await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 3 })).toMatchObject({ ok: true });
});

test('a writer that lost its lane grants nothing', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10);
  await ask(ledger, 'acme', 'h1', { do: 'place', dollars: 1 });
  await ledger.pool.query('update lane_epoch set epoch = epoch + 1');
  await expect(ask(ledger, 'acme', 'h2', { do: 'place', dollars: 1 })).rejects.toMatchObject({ code: 'LANE_FENCED' });
  expect(await wallet(ledger)).toMatchObject({ held: 1n * USD });
});

test('the lane sees what the direct path holds and frees, and the other way round', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10);
  await ask(ledger, 'acme', 'a', { do: 'place', dollars: 7 }, { by: 'lane' });
  await ask(ledger, 'acme', 'b', { do: 'place', dollars: 7 }, { by: 'direct' });
  for (const by of ['lane', 'direct'] as const) {
    expect(await ask(ledger, 'acme', 'c', { do: 'place', dollars: 2 }, { by })).toMatchObject({ ok: false });
  }
  await ask(ledger, 'acme', 'a', { do: 'release' }, { by: 'direct' });
  expect(await ask(ledger, 'acme', 'c', { do: 'place', dollars: 8 }, { by: 'lane' })).toMatchObject({ ok: true });
  await ask(ledger, 'acme', 'b', { do: 'release' }, { by: 'lane' });
  expect(await ask(ledger, 'acme', 'd', { do: 'place', dollars: 7 }, { by: 'direct' })).toMatchObject({ ok: true });
  expect(await wallet(ledger)).toEqual({ posted: 10n * USD, held: 15n * USD });
});

test('requests of one hold in one group are carried out in their order', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10);
  const answers = await Promise.all([
    ask(ledger, 'acme', 'h1', { do: 'place', dollars: 10 }),
    ask(ledger, 'acme', 'h1', { do: 'place', dollars: 10 }),
    ask(ledger, 'acme', 'h1', { do: 'extend', dollars: 12 }),
    ask(ledger, 'acme', 'h1', { do: 'release' }),
    ask(ledger, 'acme', 'h1', { do: 'extend', dollars: 13 }),
  ]);
  expect(answers).toMatchObject([
    { ok: true, repeated: false, hold: { state: 'open', amount: '10' } },
    { ok: true, repeated: true, hold: { state: 'open', amount: '10' } },
    { ok: true, hold: { amount: '12' } },
    { ok: true, hold: { state: 'released' } },
    { ok: false, code: 'HOLD_CLOSED' },
  ]);
  expect(await ask(ledger, 'acme', 'h2', { do: 'place', dollars: 15 })).toMatchObject({ ok: true });
});

test('one id placed on wallets of many lanes at once becomes one hold, and nothing else stays reserved', async () => {
  const ledger = await openTestLedger();
  const accounts = Array.from({ length: 12 }, (_, index) => `acct_${index}`);
  for (const account of accounts) await fund(ledger, account, 10);
  for (let round = 0; round < 5; round++) {
    const ids = [`a${round}`, `b${round}`];
    const answers = await Promise.all(
      accounts.flatMap((account, index) =>
        (index % 2 === 0 ? ids : [...ids].reverse()).map((id) => ask(ledger, account, id, { do: 'place', dollars: 1 })),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(2);
    expect(answers.flatMap((answer) => (answer.ok ? [] : [answer.code]))).toEqual(
      Array.from({ length: 22 }, () => 'IDEMPOTENCY_CONFLICT'),
    );
  }
  const { rows } = await ledger.pool.query<{ n: bigint }>('select count(*) as n from hold');
  expect(rows[0]?.n).toBe(10n);
  // Memory agrees with the books: everything that is left can still be held, and not a cent more.
  for (const account of accounts) {
    const { held } = await wallet(ledger, account);
    const left = 15 - Number(held / USD);
    expect(await ask(ledger, account, `more-${account}`, { do: 'place', dollars: left + 0.01 })).toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
    });
    expect(await ask(ledger, account, `rest-${account}`, { do: 'place', dollars: left })).toMatchObject({ ok: true });
  }
});
