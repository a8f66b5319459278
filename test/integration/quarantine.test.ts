import { describe, expect, test } from 'vitest';
import { DAY_MS } from '../../src/domain/time.ts';
import type { AdminStore } from '../../src/pipeline/admin/admin-store.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import {
  accountElsewhere,
  balanceOf,
  codeOf,
  correctById,
  creditDollars,
  expectProven,
  openReasons,
  PRICED_RULESET,
  requestOf,
  settle,
} from '../support/corrections.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const { overdraftNanos } = PLAIN_RULESET;
const freezing = (name: string) => ({ ...requestOf(), wallet: { tenant: 'default', name }, hours: 2 });
const thawing = (name: string) => ({
  ...requestOf(),
  wallet: { tenant: 'default', name },
  usage: 'keep' as const,
  overdraftNanos,
});
const total = (events: number, dollars = events) => ({ events, amount: BigInt(dollars) * USD });

/** A wallet with one open row of each reason: worth a dollar, except the one over the limit. */
async function oneOfEach(): Promise<TestLedger> {
  const ledger = await openTestLedger();
  await ledger.use('acme', [
    { id: 'known', dollars: '1' },
    { id: 'known', dollars: '1', meter: 'signup' },
    { id: 'late', atMs: START_MS - 40 * DAY_MS },
    { id: 'early', atMs: START_MS + DAY_MS },
    { id: 'gpu', meter: 'gpu' },
    { id: 'big', dollars: '50' },
  ]);
  await freeze(ledger.admin, freezing('acme'));
  await ledger.use('acme', [{ id: 'cold' }]);
  await thaw(ledger.admin, thawing('acme'));
  expect(await openReasons(ledger)).toEqual([
    'altered 1',
    'frozen 1',
    'in_future 1',
    'over_limit 1',
    'too_late 1',
    'unknown_meter 1',
  ]);
  await expectProven(ledger);
  return ledger;
}

describe('posting', () => {
  test('charges usage of every reason, each under its own key, when it can be charged', async () => {
    const ledger = await oneOfEach();
    // A fact costs nothing, so the altered copy of `known` is worth nothing.
    await creditDollars(ledger, 'acme', 10);
    const result = await settle(ledger, 'post', {}, { ruleset: PRICED_RULESET });
    expect(result).toMatchObject({
      wallets: 1,
      totals: [{ currency: 'USD', posted: total(3, 2), stays: { over_limit: total(2, 51), in_future: total(1) } }],
    });
    await creditDollars(ledger, 'acme', 50);
    const later = { ruleset: PRICED_RULESET, nowMs: START_MS + DAY_MS };
    expect(await settle(ledger, 'post', {}, later)).toMatchObject({ totals: [{ posted: total(2) }] });
    expect(await openReasons(ledger)).toEqual([]);
    expect(await balanceOf(ledger, 'acme')).toBe(5n * USD);
    for (const id of ['late', 'early', 'gpu', 'big', 'cold']) {
      expect(await ledger.queries.findEvent(id, { tenant: 'default' }), id).toMatchObject({
        status: 'posted',
        occurrences: [{ quarantine: { status: 'posted', closedBy: 'test' }, entry: { kind: 'released' } }],
      });
    }
    expect(await ledger.use('acme', [{ id: 'gpu', meter: 'gpu' }])).toMatchObject([{ status: 'duplicate' }]);
    await expectProven(ledger);
  });

  test('leaves usage without a price where it is, and says so', async () => {
    const ledger = await oneOfEach();
    const result = await settle(ledger, 'post', { reason: 'unknown_meter' });
    expect(result).toMatchObject({ totals: [{ posted: total(0), stays: { unknown_meter: total(1, 0) } }] });
    expect(await settle(ledger, 'post', { meter: 'gpu' }, { ruleset: PRICED_RULESET })).toMatchObject({
      totals: [{ posted: total(1), stays: { unknown_meter: total(0) } }],
    });
    await expectProven(ledger);
  });

  test('goes oldest first and never lets later usage overtake, wallet by wallet', async () => {
    const ledger = await openTestLedger();
    for (const account of ['acme', 'bolt']) {
      await ledger.use(account, [
        { id: `${account}-0`, meter: 'gpu', dollars: '2' },
        { id: `${account}-1`, meter: 'gpu', dollars: '4' },
        { id: `${account}-2`, meter: 'gpu', dollars: '1' },
      ]);
    }
    await creditDollars(ledger, 'bolt', 2);
    const result = await settle(ledger, 'post', { reason: 'unknown_meter' }, { ruleset: PRICED_RULESET });
    // acme: −2, then 4 would pass −5 and 1 may not overtake it. bolt: 2 − 2 − 4 − 1 = −5 fits.
    expect(result).toMatchObject({
      wallets: 2,
      totals: [{ posted: total(4, 9), stays: { over_limit: total(2, 5) } }],
    });
    expect(await balanceOf(ledger, 'acme')).toBe(-2n * USD);
    expect(await balanceOf(ledger, 'bolt')).toBe(-5n * USD);
    await expectProven(ledger);
  });

  test('never lets usage of a later round overtake what did not fit in an earlier one', async () => {
    const ledger = await openTestLedger();
    const small = Array.from({ length: 5_000 }, (_, index) => ({ id: `s${index}`, meter: 'gpu' }));
    await ledger.use('acme', [{ id: 'big', meter: 'gpu', dollars: '6' }]);
    await ledger.use('acme', small);
    const over = { key: 'k', ruleset: PRICED_RULESET };
    const dry = await settle(ledger, 'post', {}, { ...over, dryRun: true });
    expect(await settle(ledger, 'post', {}, over)).toEqual(dry);
    expect(dry).toMatchObject({ totals: [{ posted: total(0), stays: { over_limit: total(5_001, 5_006) } }] });
    expect(await balanceOf(ledger, 'acme')).toBe(0n);
    await expectProven(ledger);
  });

  test('charges nothing on a frozen wallet until somebody thaws it', async () => {
    const ledger = await openTestLedger();
    await creditDollars(ledger, 'acme', 10);
    await freeze(ledger.admin, freezing('acme'));
    await ledger.use('acme', [{ id: 'a' }, { id: 'b' }]);
    expect(await settle(ledger, 'post', { account: 'acme' })).toMatchObject({
      totals: [{ posted: total(0), stays: { wallet_frozen: total(2) } }],
    });
    expect(await balanceOf(ledger, 'acme')).toBe(10n * USD);
    await thaw(ledger.admin, thawing('acme'));
    expect(await settle(ledger, 'post', { account: 'acme' })).toMatchObject({ totals: [{ posted: total(2) }] });
    expect(await ledger.use('acme', [{ id: 'c' }])).toMatchObject([{ status: 'posted' }]);
    expect(await balanceOf(ledger, 'acme')).toBe(7n * USD);
    await expectProven(ledger);
  });

  test('closes as duplicates what another lane posted meanwhile, even behind usage that does not fit', async () => {
    const ledger = await openTestLedger();
    const elsewhere = await accountElsewhere(ledger, 'acme');
    await ledger.use('acme', [
      { id: 'big', dollars: '9' },
      { id: 'taken', meter: 'gpu' },
    ]);
    await ledger.use(elsewhere, [{ id: 'taken' }]);
    const dry = await settle(ledger, 'post', {}, { key: 'k', dryRun: true });
    const result = await settle(ledger, 'post', {}, { key: 'k' });
    expect(result).toEqual(dry);
    expect(result).toMatchObject({ totals: [{ duplicates: total(1, 0), stays: { over_limit: total(1, 9) } }] });
    expect(await ledger.queries.findEvent('taken', { tenant: 'default', account: 'acme' })).toMatchObject({
      status: 'duplicate',
      occurrences: [{ entry: null, quarantine: { status: 'duplicate', closedReason: expect.any(String) } }],
    });
    const reference = (account: string) => ({ reference: { tenant: 'default', id: 'taken', account } });
    const voiding = (account: string) => correctById(ledger, 'taken', { kind: 'void' }, reference(account));
    expect(await codeOf(voiding('acme'))).toBe('EVENT_NOT_POSTED');
    expect(await voiding(elsewhere)).toMatchObject({ account: elsewhere, reversed: USD });
    await expectProven(ledger);
  });

  test('repeats a round when another lane takes a key between its look and its insert', async () => {
    const ledger = await openTestLedger();
    const elsewhere = await accountElsewhere(ledger, 'acme');
    await creditDollars(ledger, 'acme', 10);
    await freeze(ledger.admin, freezing('acme'));
    await ledger.use('acme', [{ id: 'a' }, { id: 'taken' }]);
    await thaw(ledger.admin, thawing('acme'));
    let attempts = 0;
    const admin: AdminStore = {
      ...ledger.admin,
      transact: (scope, work) =>
        ledger.admin.transact(scope, (transaction) => {
          const page: typeof transaction.quarantine.page = async (...args) => {
            const rows = await transaction.quarantine.page(...args);
            if (++attempts === 1) await ledger.use(elsewhere, [{ id: 'taken' }]);
            return rows;
          };
          return work({ ...transaction, quarantine: { ...transaction.quarantine, page } });
        }),
    };
    expect(await settle({ admin }, 'post')).toMatchObject({ totals: [{ posted: total(1), duplicates: total(1) }] });
    expect(attempts).toBe(2);
    await expectProven(ledger);
  });

  test('of usage of too many days at once is refused', async () => {
    const ledger = await openTestLedger();
    const days = Array.from({ length: 401 }, (_, day) => ({ id: `d${day}`, atMs: START_MS - (40 + day) * DAY_MS }));
    await ledger.use('acme', days);
    expect(await codeOf(settle(ledger, 'post'))).toBe('SELECTION_TOO_WIDE');
    expect(await codeOf(settle(ledger, 'post', {}, { key: 'k' }))).toBe('SELECTION_TOO_WIDE');
    expect(await settle(ledger, 'post', { meter: 'none' }, { key: 'k' })).toMatchObject({ totals: [] });
    const toMs = START_MS - 437 * DAY_MS;
    expect(await settle(ledger, 'post', { toMs })).toMatchObject({ totals: [{ posted: total(3) }] });
    await expectProven(ledger);
  });
});

describe('voiding', () => {
  test('closes usage of every reason without charging it, and keeps its keys', async () => {
    const ledger = await oneOfEach();
    expect(await settle(ledger, 'void')).toMatchObject({ totals: [{ voided: total(6, 53), posted: total(0) }] });
    expect(await openReasons(ledger)).toEqual([]);
    expect(await balanceOf(ledger, 'acme')).toBe(-1n * USD);
    expect(await ledger.use('acme', [{ id: 'cold' }, { id: 'big', dollars: '50' }])).toMatchObject([
      { status: 'duplicate' },
      { status: 'duplicate' },
    ]);
    await expectProven(ledger);
  });

  test('is possible on a frozen wallet', async () => {
    const ledger = await openTestLedger();
    await creditDollars(ledger, 'acme', 10);
    await freeze(ledger.admin, freezing('acme'));
    await ledger.use('acme', [{ id: 'a' }]);
    expect(await settle(ledger, 'void', { reason: 'frozen' })).toMatchObject({ totals: [{ voided: total(1) }] });
    await expectProven(ledger);
  });
});

describe('either way', () => {
  test.each(['post', 'void'] as const)('a dry run of %s tells exactly what the real one does', async (what) => {
    const ledger = await oneOfEach();
    await ledger.use('bolt', [{ id: 'b', dollars: '7' }]);
    await creditDollars(ledger, 'acme', 60);
    const over = { key: 'k', ruleset: PRICED_RULESET };
    const before = await openReasons(ledger);
    const dry = await settle(ledger, what, {}, { ...over, dryRun: true });
    expect(await openReasons(ledger)).toEqual(before);
    expect(dry.totals[0]?.[what === 'post' ? 'posted' : 'voided'].events).toBeGreaterThan(3);
    expect(await settle(ledger, what, {}, over)).toEqual(dry);
    expect(await settle(ledger, what, {}, over)).toEqual({ ...dry, isRepeated: true });
    await expectProven(ledger);
  });

  test.each([
    ['account', { account: 'bolt' }, 1],
    ['reason', { reason: 'too_late' }, 1],
    ['meter', { meter: 'gpu' }, 1],
    ['source', { source: 'elsewhere' }, 0],
    ['source that is there', { source: 'api' }, 7],
    ['first moment', { fromMs: START_MS }, 6],
    ['end', { toMs: START_MS }, 1],
    ['moments', { fromMs: START_MS, toMs: START_MS + 1 }, 5],
  ] as const)('a filter by %s takes what it says and nothing else', async (_name, filter, events) => {
    const ledger = await oneOfEach();
    await ledger.use('bolt', [{ id: 'b', dollars: '7' }]);
    const { totals } = await settle(ledger, 'void', filter);
    expect(totals.reduce((sum, { voided }) => sum + voided.events, 0)).toBe(events);
    const listed = await ledger.queries.quarantine({ tenant: 'default', ...filter, status: 'void', limit: 100 });
    expect(listed.events).toHaveLength(events);
    await expectProven(ledger);
  });

  test('a key is refused for another request, even when the first one was cut off', async () => {
    const ledger = await oneOfEach();
    const admin = { ...ledger.admin, transact: () => Promise.reject(new Error('crash')) };
    await expect(settle({ admin }, 'void', { meter: 'gpu' }, { key: 'k' })).rejects.toThrow('crash');
    expect(await codeOf(settle(ledger, 'void', {}, { key: 'k' }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await codeOf(settle(ledger, 'post', { meter: 'gpu' }, { key: 'k' }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await settle(ledger, 'void', { meter: 'gpu' }, { key: 'k' })).toMatchObject({ isRepeated: false });
    await expectProven(ledger);
  });

  test.each(['post', 'void'] as const)(
    '%s goes on after a crash between two rounds and answers for all',
    async (what) => {
      const ledger = await openTestLedger();
      await creditDollars(ledger, 'acme', 10_000);
      await freeze(ledger.admin, freezing('acme'));
      await ledger.use(
        'acme',
        Array.from({ length: 5_001 }, (_, index) => ({ id: `u${index}` })),
      );
      await thaw(ledger.admin, thawing('acme'));
      const dry = await settle(ledger, what, {}, { key: 'k', dryRun: true });
      let rounds = 0;
      const transact: TestLedger['admin']['transact'] = (scope, work) =>
        ++rounds === 2 ? Promise.reject(new Error('crash')) : ledger.admin.transact(scope, work);
      await expect(settle({ admin: { ...ledger.admin, transact } }, what, {}, { key: 'k' })).rejects.toThrow('crash');
      expect(await openReasons(ledger)).toEqual(['frozen 1']);
      const result = await settle(ledger, what, {}, { key: 'k' });
      expect(result.totals).toEqual(dry.totals);
      expect(result.totals[0]?.[what === 'post' ? 'posted' : 'voided']).toEqual(total(5_001));
      await expectProven(ledger);
    },
  );

  test('two at the same moment under one key answer alike', async () => {
    const ledger = await oneOfEach();
    await ledger.use('bolt', [{ id: 'b', dollars: '7' }]);
    const [first, second] = await Promise.all([
      settle(ledger, 'void', {}, { key: 'k' }),
      settle(ledger, 'void', {}, { key: 'k' }),
    ]);
    expect(first.totals).toEqual(second.totals);
    expect(first).toMatchObject({ totals: [{ voided: total(7, 60) }] });
    await expectProven(ledger);
  });

  test('a key is shared with all other requests, and means one of them', async () => {
    const ledger = await oneOfEach();
    await freeze(ledger.admin, { ...freezing('acme'), key: 'k' });
    expect(await codeOf(settle(ledger, 'void', {}, { key: 'k' }))).toBe('IDEMPOTENCY_CONFLICT');
    await settle(ledger, 'void', { meter: 'none' }, { key: 'k2' });
    expect(await codeOf(freeze(ledger.admin, { ...freezing('acme'), key: 'k2' }))).toBe('IDEMPOTENCY_CONFLICT');
  });

  test('two at the same moment settle each row once', async () => {
    const ledger = await oneOfEach();
    // The top-up posts the one over the limit.
    await creditDollars(ledger, 'acme', 100);
    const results = await Promise.all([
      settle(ledger, 'post'),
      settle(ledger, 'post'),
      settle(ledger, 'void'),
      ledger.use('acme', [{ id: 'meanwhile' }]),
    ]);
    const settled = results.slice(0, 3).flatMap((result) => ('totals' in result ? result.totals : []));
    expect(settled.reduce((sum, { posted, voided }) => sum + posted.events + voided.events, 0)).toBe(5);
    expect(await openReasons(ledger)).toEqual([]);
    await expectProven(ledger);
  });
});
