import { describe, expect, test } from 'vitest';
import { parseEventKey } from '../../src/domain/events/event-key.ts';
import { NANOS_MAX } from '../../src/domain/money/nanos.ts';
import type { AdminStore } from '../../src/pipeline/admin/admin-store.ts';
import { correctEvent } from '../../src/pipeline/admin/correct-event.ts';
import { findPostedEvent } from '../../src/pipeline/admin/find-posted-event.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import {
  accountElsewhere,
  balanceOf,
  codeOf,
  correctById,
  creditDollars,
  expectProven,
  quantityOf,
  requestOf,
} from '../support/corrections.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const VOID = { kind: 'void' } as const;
const { overdraftNanos } = PLAIN_RULESET;
const amount = (dollars: number) => ({ kind: 'amount', amount: BigInt(dollars) * USD }) as const;
const quantity = (text: string) => ({ kind: 'quantity', quantity: quantityOf(text) }) as const;
const wallet = { tenant: 'default', name: 'acme' };

async function acmeWith(...dollars: readonly string[]): Promise<TestLedger> {
  const ledger = await openTestLedger();
  await creditDollars(ledger, 'acme', 100);
  await ledger.use(
    'acme',
    dollars.map((text, index) => ({ id: `e${index}`, dollars: text })),
  );
  return ledger;
}

describe('a void', () => {
  test('credits exactly what was charged, once, and the lane goes on from there', async () => {
    const ledger = await acmeWith('7', '3');
    expect(await correctById(ledger, 'e0', VOID)).toMatchObject({
      kind: 'void',
      reversed: 7n * USD,
      charged: 0n,
      balanceBefore: 90n * USD,
      balance: 97n * USD,
      isRepeated: false,
    });
    expect(await codeOf(correctById(ledger, 'e0', VOID))).toBe('EVENT_VOIDED');
    expect(await codeOf(correctById(ledger, 'e0', amount(1)))).toBe('EVENT_VOIDED');
    // The key stays claimed, and the writer that held the wallet in memory has the new balance.
    expect(await ledger.use('acme', [{ id: 'e0', dollars: '7' }, { id: 'next' }])).toMatchObject([
      { status: 'duplicate' },
      { status: 'posted' },
    ]);
    expect(await balanceOf(ledger, 'acme')).toBe(96n * USD);
    const { rows } = await ledger.pool.query(
      `select e.kind, e.amount, c.ledger_account, c.amount as contra from entry e
       join batch_contra c using (lane, batch_no) where e.kind = 8`,
    );
    expect(rows).toEqual([{ kind: 8, amount: 7n * USD, ledger_account: 'revenue', contra: -7n * USD }]);
    await expectProven(ledger);
  });

  test('of free usage and of facts is booked without moving money', async () => {
    const ledger = await acmeWith('0');
    await ledger.use('acme', [{ id: 'joined', meter: 'signup' }]);
    expect(await correctById(ledger, 'e0', VOID)).toMatchObject({ reversed: 0n, balance: 100n * USD });
    expect(await correctById(ledger, 'joined', VOID)).toMatchObject({ reversed: 0n });
    await expectProven(ledger);
  });

  test('of usage that was released from quarantine takes the release back', async () => {
    const ledger = await acmeWith();
    await freeze(ledger.admin, { ...requestOf(), wallet, hours: 2 });
    await ledger.use('acme', [{ id: 'late', dollars: '9' }]);
    await thaw(ledger.admin, { ...requestOf(), wallet, usage: 'post', overdraftNanos });
    expect(await correctById(ledger, 'late', VOID)).toMatchObject({ reversed: 9n * USD, balance: 100n * USD });
    await expectProven(ledger);
  });

  test('is a credit: usage that waited for one is posted, oldest first, in the same database transaction', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [
      { id: 'e0', dollars: '5' },
      { id: 'first', dollars: '4' },
      { id: 'second', dollars: '2' },
      { id: 'third', dollars: '1' },
    ]);
    const dry = await correctById(ledger, 'e0', amount(1), { key: 'k', dryRun: true });
    const result = await correctById(ledger, 'e0', amount(1), { key: 'k' });
    expect(result).toEqual(dry);
    expect(result).toMatchObject({
      balanceBefore: -5n * USD,
      balance: -5n * USD,
      released: { events: 1, amount: 4n * USD },
    });
    expect(await correctById(ledger, 'e0', VOID)).toMatchObject({ released: { events: 0 }, balance: -4n * USD });
    await expectProven(ledger);
  });

  test('is possible on a frozen wallet, and tells the services when it ends a negative balance', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [{ id: 'e0', dollars: '4' }]);
    await freeze(ledger.admin, { ...requestOf(), wallet, hours: 2 });
    expect(await correctById(ledger, 'e0', amount(3))).toMatchObject({ balance: -3n * USD, status: 'frozen' });
    await thaw(ledger.admin, { ...requestOf(), wallet, usage: 'keep', overdraftNanos });
    await correctById(ledger, 'e0', VOID);
    const { rows } = await ledger.pool.query('select payload from outbox order by outbox_id desc limit 1');
    expect(rows).toMatchObject([{ payload: { status: 'funded', account: 'acme' } }]);
    await expectProven(ledger);
  });

  test('asked for twice at the same moment is carried out once', async () => {
    const ledger = await acmeWith('7');
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        correctById(ledger, 'e0', VOID).then(
          () => 'done',
          (error: unknown) => codeOf(Promise.reject(error)),
        ),
      ),
    );
    expect(answers.toSorted()).toEqual([...Array.from({ length: 5 }, () => 'EVENT_VOIDED'), 'done']);
    expect(await balanceOf(ledger, 'acme')).toBe(100n * USD);
    await expectProven(ledger);
  });

  test('is refused by an index when two that saw the same state reach it', async () => {
    const ledger = await acmeWith('7');
    // A transaction that read before the other one committed, as if there were no fence.
    const blind: AdminStore = {
      ...ledger.admin,
      transact: (scope, work) =>
        ledger.admin.transact(scope, (transaction) =>
          work({
            ...transaction,
            corrections: {
              ...transaction.corrections,
              read: () => Promise.resolve({ charged: 7n * USD, corrections: [] }),
            },
          }),
        ),
    };
    await correctById(ledger, 'e0', VOID);
    await expect(correctById({ ...ledger, admin: blind }, 'e0', VOID)).rejects.toThrow(
      /event_key_key|event_correction_pkey/,
    );
    await expectProven(ledger);
  });

  test('sent again with its key is answered as before, and the key is refused for another correction', async () => {
    const ledger = await acmeWith('7', '3');
    const first = await correctById(ledger, 'e0', VOID, { key: 'once' });
    await creditDollars(ledger, 'acme', 5);
    expect(await correctById(ledger, 'e0', VOID, { key: 'once', nowMs: START_MS + 1 })).toEqual({
      ...first,
      isRepeated: true,
    });
    expect(await codeOf(correctById(ledger, 'e1', VOID, { key: 'once' }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await codeOf(correctById(ledger, 'e0', amount(1), { key: 'once' }))).toBe('IDEMPOTENCY_CONFLICT');
    await expectProven(ledger);
  });

  test('as a dry run says what would happen and changes nothing', async () => {
    const ledger = await acmeWith('7');
    const dry = await correctById(ledger, 'e0', VOID, { key: 'k', dryRun: true });
    expect(await balanceOf(ledger, 'acme')).toBe(93n * USD);
    expect(await correctById(ledger, 'e0', VOID, { key: 'k' })).toEqual(dry);
  });
});

describe('an amendment', () => {
  test('may be repeated, and the last one is in force until a void', async () => {
    const ledger = await acmeWith('7');
    expect(await correctById(ledger, 'e0', quantity('2.5'))).toMatchObject({
      kind: 'amend',
      reversed: 7n * USD,
      charged: 2_500_000_000n,
      quantity: '2.5',
      balance: 97_500_000_000n,
    });
    expect(await correctById(ledger, 'e0', amount(10))).toMatchObject({
      correction: 2,
      reversed: 2_500_000_000n,
      charged: 10n * USD,
      balance: 90n * USD,
    });
    expect(await correctById(ledger, 'e0', amount(0))).toMatchObject({ reversed: 10n * USD, balance: 100n * USD });
    expect(await correctById(ledger, 'e0', VOID)).toMatchObject({ correction: 4, reversed: 0n, balance: 100n * USD });
    expect(await ledger.queries.findEvent('e0', { tenant: 'default' })).toMatchObject({
      status: 'posted',
      occurrences: [
        {
          corrections: [
            { kind: 'amend', quantity: '2.5', by: 'test', reason: 'a test' },
            { kind: 'amend', charged: 10n * USD, quantity: null },
            { kind: 'amend', charged: 0n },
            { kind: 'void' },
          ],
        },
      ],
    });
    await expectProven(ledger);
  });

  test('is priced by the price in force when the event happened', async () => {
    const ledger = await acmeWith();
    const at = START_MS - 86_400_000;
    await ledger.use('acme', [{ id: 'old', dollars: '4', atMs: at }]);
    const { pricing } = PLAIN_RULESET;
    const dollars = pricing.meters.get('dollars');
    if (dollars === undefined) throw new Error('no meter');
    const dearer = { fromMs: at + 1, coefficient: 3n * USD, decimals: 0 };
    const meters = new Map([['dollars', { ...dollars, prices: [...dollars.prices, dearer] }]]);
    const event = await findPostedEvent(ledger, { tenant: 'default', id: 'old' });
    const ruleset = { ...PLAIN_RULESET, hash: 'dearer', pricing: { ...pricing, meters } };
    const asked = { ...requestOf(), event, to: quantity('5'), ruleset };
    expect(await correctEvent(ledger.admin, asked)).toMatchObject({ charged: 5n * USD, reversed: 4n * USD });
    await expectProven(ledger);
    await expectProven(ledger, ruleset);
  });

  test('upwards respects the overdraft limit and a freeze, downwards neither', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [{ id: 'e0', dollars: '4' }]);
    expect(await codeOf(correctById(ledger, 'e0', quantity('5.1')))).toBe('OVER_LIMIT');
    expect(await correctById(ledger, 'e0', quantity('5'))).toMatchObject({ balance: -5n * USD });
    await freeze(ledger.admin, { ...requestOf(), wallet, hours: 2 });
    expect(await correctById(ledger, 'e0', quantity('4.5'))).toMatchObject({ balance: -4_500_000_000n });
    expect(await codeOf(correctById(ledger, 'e0', quantity('4.6')))).toBe('WALLET_STATE');
    await expectProven(ledger);
  });

  test.each([
    ['a quantity beyond the range', quantity('9000000000'), 'AMOUNT_INVALID'],
    ['an amount beyond the range', { kind: 'amount', amount: NANOS_MAX } as const, 'AMOUNT_INVALID'],
  ])('of %s is refused, and nothing is booked', async (_name, to, code) => {
    const ledger = await acmeWith('7');
    expect(await codeOf(correctById(ledger, 'e0', to))).toBe(code);
    expect(await balanceOf(ledger, 'acme')).toBe(93n * USD);
    await expectProven(ledger);
  });

  test('by quantity needs a price', async () => {
    const ledger = await acmeWith('7');
    const event = await findPostedEvent(ledger, { tenant: 'default', id: 'e0' });
    const ruleset = { ...PLAIN_RULESET, pricing: { ...PLAIN_RULESET.pricing, meters: new Map() } };
    expect(await codeOf(correctEvent(ledger.admin, { ...requestOf(), event, to: quantity('1'), ruleset }))).toBe(
      'PRICE_UNKNOWN',
    );
  });
});

describe('what cannot be corrected', () => {
  test('unknown, quarantined, void and rejected events are told apart from posted ones', async () => {
    const ledger = await acmeWith('7');
    await freeze(ledger.admin, { ...requestOf(), wallet, hours: 2 });
    await ledger.use('acme', [{ id: 'waits' }]);
    expect(await codeOf(correctById(ledger, 'nobody', VOID))).toBe('EVENT_NOT_FOUND');
    expect(await codeOf(correctById(ledger, 'waits', VOID))).toBe('EVENT_NOT_POSTED');
    await thaw(ledger.admin, { ...requestOf(), wallet, usage: 'void', overdraftNanos });
    expect(await codeOf(correctById(ledger, 'waits', VOID))).toBe('EVENT_NOT_POSTED');
    await ledger.pool.query(
      `insert into rejected_event (rejection_key, tenant_id, event_id, source, code, field, value, fix, queue, job_id, position, raw)
       values ('\\x01', 'default', 'broken', 'api', 'QUANTITY_NEGATIVE', 'quantity', '-1', 'x', 'usage', '1', 0, '{}')`,
    );
    expect(await codeOf(correctById(ledger, 'broken', VOID))).toBe('EVENT_NOT_POSTED');
    await expectProven(ledger);
  });

  test('a repetition is the event it repeats', async () => {
    const ledger = await acmeWith('7');
    await ledger.use('acme', [{ id: 'e0', dollars: '7' }]);
    expect(await correctById(ledger, 'e0', VOID)).toMatchObject({ reversed: 7n * USD });
    await expectProven(ledger);
  });

  test('an id with several posted events needs the key, and a key names usage only', async () => {
    const ledger = await acmeWith();
    // The same id at two times, in accounts of two lanes: two events.
    const elsewhere = await accountElsewhere(ledger, 'acme');
    await ledger.use('acme', [{ id: 'same', dollars: '1' }]);
    await ledger.use(elsewhere, [{ id: 'same', dollars: '2', atMs: START_MS - 1 }]);
    const found = await ledger.queries.findEvent('same', { tenant: 'default' });
    const posted = found?.occurrences.filter(({ entry }) => entry !== null) ?? [];
    expect(posted).toHaveLength(2);
    expect(await codeOf(correctById(ledger, 'same', VOID))).toBe('EVENT_AMBIGUOUS');
    const account = posted[0]?.account ?? '';
    const key = parseEventKey(posted[0]?.key ?? '');
    const result = await correctById(ledger, '', VOID, { reference: { tenant: 'default', key } });
    expect(result).toMatchObject({ kind: 'void', account });
    const reversal = await ledger.pool.query<{ event_key: string }>('select event_key from entry where kind in (3, 8)');
    expect(reversal.rows).toHaveLength(2);
    for (const row of reversal.rows) {
      const reference = { tenant: 'default', key: parseEventKey(row.event_key) };
      expect(await codeOf(correctById(ledger, '', VOID, { reference }))).toBe('EVENT_NOT_FOUND');
    }
    expect(await codeOf(correctById(ledger, '', VOID, { reference: { tenant: 'other', key } }))).toBe(
      'EVENT_NOT_FOUND',
    );
    await expectProven(ledger);
  });
});

test('an event whose facts are not kept any more can be voided or amended by amount, by its key', async () => {
  const ledger = await acmeWith('7');
  const found = await ledger.queries.findEvent('e0', { tenant: 'default' });
  const reference = { tenant: 'default', key: parseEventKey(found?.occurrences[0]?.key ?? '') };
  await ledger.pool.query('delete from batch_facts');
  expect(await codeOf(correctById(ledger, '', quantity('2'), { reference }))).toBe('PRICE_UNKNOWN');
  expect(await correctById(ledger, '', amount(2), { reference })).toMatchObject({
    reversed: 7n * USD,
    charged: 2n * USD,
  });
  expect(await correctById(ledger, '', VOID, { reference })).toMatchObject({ reversed: 2n * USD });
  // The order of a usage batch is that of its facts, so without them its own link of the chain cannot be computed.
  const failed = (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok);
  expect(failed).toMatchObject([{ name: 'the chain of batches is unbroken' }]);
});

describe('the proof of corrections', () => {
  test.each([
    ['credits more than was charged', 'update event_correction set reversed = reversed + 1'],
    ['is gone', 'delete from event_correction'],
    ['claims another quantity', `update event_correction set quantity = '3'`],
    ['claims to follow a void', `update event_correction set correction_no = 2`],
  ])('fails when a correction %s', async (_name, sql) => {
    const ledger = await acmeWith('7');
    await correctById(ledger, 'e0', quantity('2'));
    await ledger.pool.query('alter table event_correction disable trigger event_correction_append_only');
    await ledger.pool.query(sql);
    const failed = (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok);
    // The batch's seal covers the row, so the chain breaks as well.
    expect(failed).toMatchObject([
      { name: 'corrections undo exactly what was charged' },
      { name: 'the chain of batches is unbroken' },
    ]);
  });

  test.each([
    ['reason of a correction', 'batch', `update batch set reason = 'another' where kind = 'amend'`],
    ['kind of its entries', 'entry', 'update entry set kind = 3 where kind = 9'],
  ])('is joined by the chain, which breaks when the %s is changed', async (_name, table, sql) => {
    const ledger = await acmeWith('7');
    await correctById(ledger, 'e0', quantity('2'));
    const chain = async () => {
      const proofs = await ledger.queries.proofs(PLAIN_RULESET);
      return proofs.find(({ name }) => name === 'the chain of batches is unbroken')?.ok;
    };
    expect(await chain()).toBe(true);
    await ledger.pool.query(`alter table ${table} disable trigger ${table}_append_only`);
    if (table === 'entry') await ledger.pool.query('alter table entry_20260302 disable trigger user');
    await ledger.pool.query(sql);
    expect(await chain()).toBe(false);
  });

  test('and SQL itself refuses to change one', async () => {
    const ledger = await acmeWith('7');
    await correctById(ledger, 'e0', VOID);
    await expect(ledger.pool.query('update event_correction set reversed = 1')).rejects.toThrow('append-only');
  });
});
