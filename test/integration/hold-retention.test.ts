import { expect, test } from 'vitest';
import { deleteClosedHolds } from '../../src/adapters/postgres/delete-holds.ts';
import { createHistory } from '../../src/adapters/postgres/statement/history.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { creditDollars, expectProven } from '../support/corrections.ts';
import { fillEveryKind, TOKENS_RULESET } from '../support/every-kind.ts';
import { ask } from '../support/holds.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger } from '../support/ledger.ts';
import { verifyAfter } from '../support/verify.ts';

async function holdsOf(ledger: TestLedger): Promise<readonly string[]> {
  const { rows } = await ledger.pool.query<{ hold_id: string }>('select hold_id from hold order by hold_id');
  return rows.map((row) => row.hold_id);
}

/** Captured, released, ended and open holds of ten minutes, and one captured a day later. */
async function withHolds(): Promise<TestLedger> {
  const ledger = await openTestLedger();
  await creditDollars(ledger, 'acme', 50);
  for (const hold of ['captured', 'released', 'ended', 'open', 'later']) {
    await ask(ledger, 'acme', hold, { do: 'place', dollars: 2, seconds: hold === 'ended' ? 60 : 7 * 86_400 });
  }
  await ask(ledger, 'acme', 'captured', { do: 'capture', dollars: 1.5 });
  await ask(ledger, 'acme', 'released', { do: 'release' });
  await ask(ledger, 'acme', 'ended', { do: 'expire' }, { nowMs: START_MS + 2 * MINUTE_MS });
  await ask(ledger, 'acme', 'later', { do: 'capture', dollars: 1 }, { nowMs: START_MS + DAY_MS });
  return ledger;
}

const NOW_MS = START_MS + 100 * DAY_MS;
const BEFORE_MS = START_MS + MINUTE_MS * 30;

test('holds that were closed before the time are deleted with their answers; open ones and newer ones stay', async () => {
  const ledger = await withHolds();
  expect(await deleteClosedHolds(ledger.pool, { closedBeforeMs: BEFORE_MS, nowMs: NOW_MS })).toBe(3);
  expect(await holdsOf(ledger)).toEqual(['later', 'open']);
  const answers = await ledger.pool.query('select distinct hold_id from hold_operation order by 1');
  expect(answers.rows.map(({ hold_id }) => hold_id)).toEqual(['later', 'open']);
  const said = await createHistory(ledger.pool).audit({
    tenant: 'default',
    account: undefined,
    actor: 'schedule',
    sinceMs: undefined,
    before: undefined,
    limit: 5,
  });
  expect(said).toMatchObject([
    {
      action: 'holds.delete',
      atMs: NOW_MS,
      detail: {
        captured: 1,
        released: 1,
        expired: 1,
        amount: '1500000000',
        closedBefore: new Date(BEFORE_MS).toISOString(),
      },
    },
  ]);
  expect(await deleteClosedHolds(ledger.pool, { closedBeforeMs: BEFORE_MS, nowMs: NOW_MS })).toBe(0);
  // The captures keep their names.
  const { entries } = await createHistory(ledger.pool).entries(
    { tenant: 'default', name: 'acme' },
    { before: undefined, limit: 2 },
  );
  expect(entries.map(({ eventId }) => eventId)).toEqual(['later', 'captured']);
});

test('books are whole after it, also when an id is used again, and show what else is taken out', async () => {
  const ledger = await withHolds();
  await deleteClosedHolds(ledger.pool, { closedBeforeMs: BEFORE_MS, nowMs: NOW_MS });
  const verify = async (...changes: readonly string[]) =>
    (await verifyAfter(ledger.pool, changes, { ruleset: PLAIN_RULESET })).found;
  expect(await verify()).toEqual([]);
  await expectProven(ledger);

  const again = { nowMs: START_MS + 2 * DAY_MS };
  await ask(ledger, 'acme', 'captured', { do: 'place', dollars: 3 }, again);
  expect(await verify()).toEqual([]);
  await ask(ledger, 'acme', 'captured', { do: 'capture', dollars: 3 }, again);
  expect(await verify()).toEqual([]);
  await expectProven(ledger);

  for (const change of [
    'delete from hold_deleted',
    'update hold_deleted set captured = captured + 1',
    'update hold_deleted set holds = holds + 1',
    'update hold_deleted set wallet_id = wallet_id + 1',
    'delete from hold_retention',
    `update hold_retention set closed_before = '2027-01-01'`,
    `delete from hold where hold_id = 'later'`,
    `delete from hold where hold_id = 'open'`,
  ]) {
    const changes = change.includes('2027')
      ? [change, `delete from hold where hold_id = 'later'`, `delete from hold_operation where hold_id = 'later'`]
      : [change];
    expect((await verify(...changes)).length, change).toBeGreaterThan(0);
  }
});

test('of the kinds of books there are, none is broken by deleting holds', async () => {
  const ledger = await openTestLedger(TOKENS_RULESET);
  await fillEveryKind(ledger);
  const deleted = await deleteClosedHolds(ledger.pool, { closedBeforeMs: NOW_MS, nowMs: NOW_MS });
  expect(deleted).toBeGreaterThan(1);
  expect((await verifyAfter(ledger.pool, [], { ruleset: TOKENS_RULESET })).found).toEqual([]);
  await expectProven(ledger, TOKENS_RULESET);
});

test('two processes delete each hold once', async () => {
  const ledger = await withHolds();
  const both = [1, 2].map(() => deleteClosedHolds(ledger.pool, { closedBeforeMs: BEFORE_MS, nowMs: NOW_MS }));
  const [first = 0, second = 0] = await Promise.all(both);
  expect(first + second).toBe(3);
  expect((await verifyAfter(ledger.pool, [], { ruleset: PLAIN_RULESET })).found).toEqual([]);
});
