import { describe, expect, test } from 'vitest';
import { OVERDRAFT_UNLIMITED } from '../../src/domain/ledger/wallet.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { codeOf, credit, expectProven, limit, move, spending, sweep, walletOf } from '../support/credit.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const HOUR_MS = 3_600_000;
const NEXT_MS = START_MS + HOUR_MS;

const perHour = (dollars: number) => ({ limit: BigInt(dollars) * USD, periodMs: HOUR_MS });

async function throttled(dollars: number, rich = 100): Promise<TestLedger> {
  const ledger = await openTestLedger();
  await credit(ledger, 'acme', rich);
  await limit(ledger, 'acme', { throttle: perHour(dollars) });
  return ledger;
}

async function codes(ledger: TestLedger, account: string, events: ReturnType<typeof spending>) {
  return (await ledger.use(account, events)).map((status) => ('code' in status ? status.code : status.status));
}

async function waiting(ledger: TestLedger) {
  const { rows } = await ledger.pool.query<{ event_id: string; reason: string }>(
    `select event_id, reason from quarantine where status = 'open' order by event_id`,
  );
  return rows.map(({ event_id: id, reason }) => `${id} ${reason}`);
}

async function posted(ledger: TestLedger): Promise<readonly string[]> {
  const { rows } = await ledger.pool.query<{ event_id: string }>(
    `select q.event_id from quarantine q join entry e using (event_key) order by e.seq`,
  );
  return rows.map((row) => row.event_id);
}

async function messages(ledger: TestLedger) {
  const { rows } = await ledger.pool.query<{ payload: Record<string, unknown> }>(
    'select payload from outbox order by outbox_id',
  );
  return rows.map(({ payload }) => payload);
}

describe('a spending limit', () => {
  test('keeps usage back and posts it oldest first in the periods that follow', async () => {
    const ledger = await throttled(5);
    expect(await codes(ledger, 'acme', spending('a', [3, 4, 2]))).toEqual(['posted', 'throttled', 'posted']);
    await ledger.takeOver();
    expect(await codes(ledger, 'acme', spending('b', [3, 1]))).toEqual(['throttled', 'throttled']);
    expect(await sweep(ledger, START_MS + 1)).toBe(0);
    await expectProven(ledger);
    // 4 of 5; the 3 does not fit, and the 1 behind it must not overtake.
    expect(await sweep(ledger, NEXT_MS)).toBe(1);
    expect(await posted(ledger)).toEqual(['a-1']);
    expect(await sweep(ledger, NEXT_MS + 1)).toBe(0);
    expect(await codes(ledger, 'acme', spending('c', [2], NEXT_MS))).toEqual(['throttled']);
    await sweep(ledger, NEXT_MS + HOUR_MS);
    expect(await posted(ledger)).toEqual(['a-1', 'b-0', 'b-1']);
    await expectProven(ledger);
    await sweep(ledger, NEXT_MS + 2 * HOUR_MS);
    expect(await waiting(ledger)).toEqual([]);
    expect((await walletOf(ledger, 'acme')).posted).toBe(85n * USD);
    await expectProven(ledger);
  });

  test('that is raised posts what fits, and counts what this period has spent already', async () => {
    const ledger = await throttled(5);
    await ledger.use('acme', spending('a', [5, 2, 2]));
    expect(await limit(ledger, 'acme', { throttle: perHour(8) })).toMatchObject({
      spendLimit: 8n * USD,
      released: { events: 1, amount: 2n * USD },
    });
    expect(await waiting(ledger)).toEqual(['a-2 throttled']);
    // Setting the same limit again must not grant a second period's worth.
    expect(await limit(ledger, 'acme', { throttle: perHour(8) })).toMatchObject({ released: { events: 0 } });
    expect(await limit(ledger, 'acme', { throttle: null })).toMatchObject({
      released: { events: 1 },
      spendLimit: null,
    });
    await expectProven(ledger);
  });

  test('is not blocked by one charge that no period can pay', async () => {
    const ledger = await throttled(5);
    expect(await codes(ledger, 'acme', spending('a', [9, 4, 2]))).toEqual(['throttled', 'posted', 'throttled']);
    await sweep(ledger, NEXT_MS);
    expect(await waiting(ledger)).toEqual(['a-0 throttled']);
    // Nothing fits, so nobody is asked to look every five seconds.
    expect(await sweep(ledger, NEXT_MS + HOUR_MS)).toBe(0);
    expect(await limit(ledger, 'acme', { throttle: perHour(20) })).toMatchObject({ released: { events: 1 } });
    await expectProven(ledger);
  });

  test('holds for usage that waited for credit or for a thaw, and posts the rest in its turn', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', spending('a', [4, 4, 4]));
    await limit(ledger, 'acme', { throttle: perHour(5) });
    expect(await credit(ledger, 'acme', 50)).toMatchObject({ released: { events: 1 }, waiting: { events: 0 } });
    expect(await waiting(ledger)).toEqual(['a-2 throttled']);
    const wallet = { tenant: 'default', name: 'acme' };
    const person = { actor: 'test', reason: 'a test', nowMs: START_MS, dryRun: false };
    await freeze(ledger.admin, { ...person, key: 'freeze', wallet, hours: 2 });
    await ledger.use('acme', spending('b', [3]));
    const { overdraftNanos } = PLAIN_RULESET;
    expect(await thaw(ledger.admin, { ...person, key: 'thaw', wallet, usage: 'post', overdraftNanos })).toMatchObject({
      posted: { events: 0 },
      overLimit: { events: 0 },
      throttled: { events: 1 },
      kept: { events: 0 },
    });
    await sweep(ledger, NEXT_MS);
    await sweep(ledger, NEXT_MS + HOUR_MS);
    expect(await posted(ledger)).toEqual(['a-1', 'a-2', 'b-0']);
    await expectProven(ledger);
  });

  test('does not ask the sweeper for what the balance cannot pay: that waits for credit', async () => {
    const ledger = await throttled(5, 5);
    await ledger.use('acme', spending('a', [5, 5, 5]));
    expect(await waiting(ledger)).toEqual(['a-1 throttled', 'a-2 throttled']);
    expect(await sweep(ledger, NEXT_MS)).toBe(1);
    expect(await waiting(ledger)).toEqual(['a-2 over_limit']);
    expect(await sweep(ledger, NEXT_MS + HOUR_MS)).toBe(0);
    await expectProven(ledger);
  });

  test('is announced once a period, by the event that hits it first', async () => {
    const ledger = await throttled(5);
    await ledger.use('acme', spending('a', [5, 1]));
    await ledger.use('acme', spending('b', [1, 1]));
    await ledger.takeOver();
    await ledger.use('acme', spending('c', [1]));
    expect(await messages(ledger)).toMatchObject([
      { account: 'acme', status: 'throttled', sequence: 1, until: '2026-03-02T10:00:00.000Z' },
    ]);
    await ledger.use('acme', spending('d', [6, 6], NEXT_MS));
    expect(await messages(ledger)).toMatchObject([
      { sequence: 1 },
      { status: 'throttled', sequence: 2, until: '2026-03-02T11:00:00.000Z' },
    ]);
    expect((await walletOf(ledger, 'acme')).statusSequence).toBe(2);
    await expectProven(ledger);
  });

  test('that is lifted tells those who were told of it', async () => {
    const ledger = await throttled(5);
    await limit(ledger, 'acme', { throttle: perHour(4) });
    expect(await messages(ledger)).toEqual([]);
    await ledger.use('acme', spending('a', [4, 1]));
    await limit(ledger, 'acme', { throttle: null });
    expect(await messages(ledger)).toMatchObject([
      { status: 'throttled', sequence: 1 },
      { status: 'thawed', sequence: 2, until: null },
    ]);
    await limit(ledger, 'acme', { throttle: perHour(4) });
    await ledger.use('acme', spending('b', [4, 1]));
    expect(await messages(ledger)).toHaveLength(3);
  });

  test('stands beside a frozen and a short wallet in one batch', async () => {
    const ledger = await throttled(5);
    const same = await sameLane(ledger, 'acme', 2);
    const [frozen = '', short = ''] = same;
    await credit(ledger, frozen, 50);
    await freeze(ledger.admin, {
      key: 'f',
      actor: 'test',
      reason: 'a test',
      nowMs: START_MS,
      dryRun: false,
      wallet: { tenant: 'default', name: frozen },
      hours: 2,
    });
    const before = await ledger.pool.query(`select from batch where kind = 'usage'`);
    const statuses = await Promise.all([
      codes(ledger, 'acme', spending('t', [5, 1])),
      codes(ledger, frozen, spending('f', [5, 1])),
      codes(ledger, short, spending('s', [5, 1])),
    ]);
    expect(statuses).toEqual([
      ['posted', 'throttled'],
      ['frozen', 'frozen'],
      ['posted', 'over_limit'],
    ]);
    const after = await ledger.pool.query(`select from batch where kind = 'usage'`);
    expect((after.rowCount ?? 0) - (before.rowCount ?? 0)).toBe(1);
    await expectProven(ledger);
  });
});

/** Names of accounts in the lane of another one. */
async function sameLane(ledger: TestLedger, account: string, many: number): Promise<readonly string[]> {
  const { addressOf } = await import('../../src/domain/ids.ts');
  const { rows } = await ledger.pool.query<{ shard: number; lane: number }>('select shard, lane from shard_lane');
  const lanes = new Map(rows.map(({ shard, lane }) => [shard, lane]));
  const laneOf = (name: string) => lanes.get(addressOf('default', name, 'USD').shard);
  const names = Array.from({ length: 100 }, (_, index) => `other_${index}`);
  return names.filter((name) => laneOf(name) === laneOf(account)).slice(0, many);
}

describe('an overdraft', () => {
  test('of none, of unlimited and of the default, set and taken back', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 1);
    await limit(ledger, 'acme', { overdraftLimit: 0n });
    expect(await codes(ledger, 'acme', spending('a', [2, 1, 1]))).toEqual(['over_limit', 'posted', 'over_limit']);
    expect(await limit(ledger, 'acme', { overdraftLimit: null })).toMatchObject({ released: { events: 2 } });
    expect((await walletOf(ledger, 'acme')).posted).toBe(-3n * USD);
    await limit(ledger, 'acme', { overdraftLimit: OVERDRAFT_UNLIMITED });
    await ledger.takeOver();
    expect(await codes(ledger, 'acme', spending('b', [1_000_000, 1]))).toEqual(['posted', 'posted']);
    await limit(ledger, 'acme', { overdraftLimit: 0n });
    expect(await codes(ledger, 'acme', spending('c', [1]))).toEqual(['over_limit']);
    expect((await walletOf(ledger, 'acme')).posted).toBe(-1_000_004n * USD);
    await expectProven(ledger);
  });

  test('that is raised posts everything that waited, in rounds', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 1);
    await limit(ledger, 'acme', { overdraftLimit: 0n });
    await ledger.use(
      'acme',
      spending(
        'a',
        Array.from({ length: 5_003 }, () => 1),
      ),
    );
    const asked = { key: 'raise', overdraftLimit: OVERDRAFT_UNLIMITED };
    const result = await limit(ledger, 'acme', asked);
    expect(result).toMatchObject({ released: { events: 5_002 }, balance: -5_002n * USD });
    expect(await limit(ledger, 'acme', asked)).toMatchObject({ isRepeated: true });
    expect(await waiting(ledger)).toEqual([]);
    await expectProven(ledger);
  });

  test('limits are asked for once: the same key with another limit is refused, a dry run changes nothing', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 1);
    await limit(ledger, 'acme', { overdraftLimit: 0n, dryRun: true });
    expect((await walletOf(ledger, 'acme')).overdraftLimit).toBeNull();
    await limit(ledger, 'acme', { key: 'once', overdraftLimit: 0n });
    expect(await codeOf(limit(ledger, 'acme', { key: 'once', overdraftLimit: 1n }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await codeOf(limit(ledger, 'nobody', { overdraftLimit: 1n }))).toBe('WALLET_NOT_FOUND');
  });

  test('money that comes back pays for what waited', async () => {
    const ledger = await openTestLedger();
    await credit(ledger, 'acme', 5);
    await move(ledger, 'dispute', 'acme', 5);
    expect(await codes(ledger, 'acme', spending('a', [5, 4]))).toEqual(['posted', 'over_limit']);
    expect(await move(ledger, 'reinstate', 'acme', 5)).toMatchObject({
      balance: -4n * USD,
      released: { events: 1, amount: 4n * USD },
    });
    await expectProven(ledger);
  });
});
