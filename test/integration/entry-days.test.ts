import { describe, expect, test } from 'vitest';
import { partitionName } from '../../src/adapters/postgres/partitions.ts';
import { lowestKeyAt } from '../../src/domain/events/event-key.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const TABLE = partitionName(START_MS);

function fund(ledger: TestLedger, key: string, account = 'acme') {
  return topUp(ledger.admin, {
    tenant: 'default',
    account,
    currency: 'USD',
    amount: 100n * USD,
    source: 'paid',
    overdraftNanos: PLAIN_RULESET.overdraftNanos,
    key,
    actor: 'test',
    reason: null,
    nowMs: START_MS,
    dryRun: false,
  });
}

async function failing(ledger: TestLedger): Promise<readonly string[]> {
  return (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok).map(({ name }) => name);
}

describe('entries', () => {
  test.each([
    ['update entry set amount = 0'],
    ['delete from entry'],
    ['truncate entry'],
    [`update ${TABLE} set amount = 0`],
    [`delete from ${TABLE}`],
    [`truncate ${TABLE}`],
    ['truncate batch cascade'],
    ['truncate batch_contra'],
  ])('refuse: %s', async (sql) => {
    const ledger = await openTestLedger();
    await fund(ledger, 'one');
    await ledger.use('acme', [{ id: 'a' }]);
    await expect(ledger.pool.query(sql)).rejects.toThrow(/append-only/);
    expect((await ledger.pool.query('select from entry')).rowCount).toBe(2);
  });
});

describe('late usage', () => {
  test('is posted to its own day up to the window, and quarantined beyond it', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'one');
    const nowMs = START_MS + 100 * DAY_MS;
    const edgeMs = nowMs - 35 * DAY_MS;
    const statuses = await ledger.use('acme', [
      { id: 'edge', atMs: edgeMs, receivedAtMs: nowMs },
      { id: 'beyond', atMs: edgeMs - 1, receivedAtMs: nowMs },
    ]);
    expect(statuses).toMatchObject([{ status: 'posted' }, { status: 'quarantined', code: 'too_late' }]);
    const { rows } = await ledger.pool.query<{ table: string; event_time: Date }>(
      'select tableoid::regclass::text as table, event_time from entry where kind = 1',
    );
    expect(rows).toEqual([{ table: partitionName(edgeMs), event_time: new Date(edgeMs) }]);
    expect(await failing(ledger)).toEqual([]);
  });
});

describe('a day whose partition somebody removed', () => {
  test('is made again by the lane that needs it, and no event is refused', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [{ id: 'first', atMs: START_MS + DAY_MS, receivedAtMs: START_MS + DAY_MS }]);
    const later = { atMs: START_MS + 2 * DAY_MS, receivedAtMs: START_MS + 2 * DAY_MS };
    await ledger.use('acme', [{ id: 'second', ...later, meter: 'signup' }]);
    // The lane remembers that the day is there; its only entry is one of amount zero.
    await ledger.pool.query(`drop table ${partitionName(later.atMs)}`);
    const statuses = await ledger.use('acme', [
      { id: 'third', ...later },
      { id: 'fourth', ...later },
    ]);
    expect(statuses).toMatchObject([{ status: 'posted' }, { status: 'posted' }]);
    // What was thrown away is gone, and the proofs say so.
    expect(await failing(ledger)).toContain('entries are numbered without gaps');
  });

  test('is made again by a change by hand', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'one');
    await ledger.pool.query(`drop table ${TABLE}`);
    expect(await fund(ledger, 'two', 'other')).toMatchObject({ amount: 100n * USD, isRepeated: false });
    expect((await ledger.pool.query(`select from ${TABLE}`)).rowCount).toBe(1);
  });

  test('is waited for when it was only detached, and nothing is lost', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'one');
    await ledger.use('acme', [{ id: 'a' }]);
    await ledger.pool.query(`alter table entry detach partition ${TABLE}`);
    const pending = ledger.use('acme', [{ id: 'b' }]);
    const bounds = `from ('${lowestKeyAt(START_MS - 9 * 3_600_000)}') to ('${lowestKeyAt(START_MS + 15 * 3_600_000)}')`;
    await expect(fund(ledger, 'two')).rejects.toThrow(`table ${TABLE} exists and is not a partition of entry`);
    await ledger.pool.query(`alter table entry attach partition ${TABLE} for values ${bounds}`);
    expect(await pending).toMatchObject([{ status: 'posted' }]);
    expect(await failing(ledger)).toEqual([]);
  });
});
