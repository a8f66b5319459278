import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { processEvent } from '../../src/pipeline/stripe/process-event.ts';
import { customerOf } from '../../src/pipeline/stripe/start-checkout.ts';
import { checkMeters } from '../../src/pipeline/usage-export/check-meters.ts';
import { takeErrorReport } from '../../src/pipeline/usage-export/error-report.ts';
import type { UsageExport } from '../../src/pipeline/usage-export/export-port.ts';
import { correctById, quantityOf, requestOf } from '../support/corrections.ts';
import { credit } from '../support/credit.ts';
import { PLAIN_RULESET, START_MS } from '../support/ledger.ts';
import { openExport, type TestExport } from '../support/usage-export.ts';

const { overdraftNanos } = PLAIN_RULESET;
const wallet = { tenant: 'default', name: 'acme' };

describe('usage is told to the meter', () => {
  test('once for each hour that has ended, and what comes late by itself', async () => {
    const { use, run, counted, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '2' }, { id: 'b', dollars: '0.25' });
    expect(await run()).toMatchObject({ collected: 2, planned: 0, taken: 0 });
    nextHour();
    expect(await run()).toMatchObject({ planned: 1, taken: 1, refused: 0, waiting: 0 });
    expect(await counted()).toEqual([[0, 2.25]]);
    expect(await run()).toEqual({ collected: 0, planned: 0, taken: 0, refused: 0, waiting: 0, blocked: 0 });
    await use('acme', { id: 'late', dollars: '1', atMs: START_MS + 5 }, { id: 'next', dollars: '7' });
    await run();
    nextHour();
    await run();
    expect(await counted()).toEqual([
      [0, 3.25],
      [1, 7],
    ]);
  });

  test('as thousands where a meter counts thousands, without losing the rest', async () => {
    const { use, run, counted, nextHour } = await openExport({ targets: 'dollars=usd/10:0' });
    for (let hour = 0; hour < 4; hour++) {
      await use('acme', { id: `h${hour}`, dollars: '7' });
      nextHour();
      await run();
    }
    expect(await counted()).toEqual([
      [1, 1],
      [2, 1],
    ]);
    await use('acme', { id: 'h4', dollars: '2' });
    nextHour();
    await run();
    // Thirty dollars are three tens, whatever each hour had.
    expect((await counted()).reduce((sum, [, value]) => sum + value, 0)).toBe(3);
  });

  test('from when its export began: older usage is not told, nor is its void', async () => {
    const { money, use, run, counted, nextHour } = await openExport({ begins: false });
    await use('acme', { id: 'before', dollars: '3' });
    await run();
    await use('acme', { id: 'after', dollars: '4' });
    await correctById(money.ledger, 'before', { kind: 'void' }, { nowMs: money.now() });
    nextHour();
    await run();
    expect(await counted()).toEqual([[0, 4]]);
  });

  test('of every meter that is named, and of no other', async () => {
    const { use, run, counted, nextHour } = await openExport({
      targets: 'dollars=usd, signup=signups',
      meters: ['usd', 'signups'],
    });
    await use(
      'acme',
      { id: 'd', dollars: '3' },
      { id: 's', meter: 'signup' },
      { id: 't', meter: 'tokens', dollars: '9' },
    );
    nextHour();
    await run();
    expect(await counted()).toEqual([
      [0, 3],
      [0, 1],
    ]);
  });

  test('when the account has a customer, from its first usage on', async () => {
    const { money, parts, use, run, counted, nextHour } = await openExport();
    await credit(money.ledger, 'walk-in', 50);
    await use('walk-in', { id: 'w', dollars: '5' });
    nextHour();
    expect(await run()).toMatchObject({ planned: 0 });
    expect((await parts.store.totals(money.now())).unlinked).toEqual([
      { tenant: 'default', account: 'walk-in', oldestMs: START_MS },
    ]);
    const { customer } = await customerOf(money, 'default', 'walk-in');
    expect(await run()).toMatchObject({ planned: 1, taken: 1 });
    expect(await counted(customer)).toEqual([[0, 5]]);
  });
});

describe('what changes usage later', () => {
  test('a void takes back in the present hour, an amended quantity moves the difference, a charge moves nothing', async () => {
    const { money, use, run, counted, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '5' }, { id: 'b', dollars: '8' }, { id: 'c', dollars: '1' });
    nextHour();
    await run();
    const over = { nowMs: money.now() };
    await correctById(money.ledger, 'a', { kind: 'quantity', quantity: quantityOf('2') }, over);
    await correctById(money.ledger, 'c', { kind: 'amount', amount: 5n }, over);
    await run();
    expect(await counted()).toEqual([
      [0, 14],
      [1, -3],
    ]);
    await correctById(money.ledger, 'a', { kind: 'void' }, over);
    await correctById(money.ledger, 'b', { kind: 'quantity', quantity: quantityOf('10') }, over);
    await correctById(money.ledger, 'c', { kind: 'void' }, over);
    await run();
    expect((await counted()).reduce((sum, [, value]) => sum + value, 0)).toBe(10);
  });

  test('usage that waited in quarantine is told when it is posted, in its own hour', async () => {
    const { money, use, run, counted, nextHour } = await openExport();
    await freeze(money.ledger.admin, { ...requestOf({ nowMs: money.now() }), wallet, hours: 2 });
    expect(await use('acme', { id: 'frozen', dollars: '6' })).toEqual(['quarantined']);
    nextHour();
    await run();
    expect(await counted()).toEqual([]);
    await thaw(money.ledger.admin, { ...requestOf({ nowMs: money.now() }), wallet, usage: 'post', overdraftNanos });
    await run();
    expect(await counted()).toEqual([[0, 6]]);
    await correctById(money.ledger, 'frozen', { kind: 'void' }, { nowMs: money.now() });
    await run();
    expect((await counted()).reduce((sum, [, value]) => sum + value, 0)).toBe(0);
  });
});

describe('nothing is told twice and nothing is lost', () => {
  /** Sends, and dies before it can say so. */
  const dying = (meters: UsageExport): Partial<UsageExport> => ({
    async send(events) {
      await meters.send(events);
      throw new Error('the process died');
    },
  });

  test('by a process that died after sending', async () => {
    const { parts, use, run, counted, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    await expect(run(dying(parts.meters))).rejects.toThrow('died');
    expect(await run()).toMatchObject({ planned: 0, taken: 1 });
    expect(await counted()).toEqual([[0, 5]]);
  });

  test.each([
    ['arrived', true],
    ['never arrived', false],
  ])('after a day without an answer, when what was sent %s', async (_, arrives) => {
    const { money, parts, use, run, counted, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    const silent: Partial<UsageExport> = {
      async send(events) {
        if (arrives) await parts.meters.send(events);
        return events.map(({ identifier }) => ({ identifier, status: 'unknown', code: 'STRIPE_UNREACHABLE' }));
      },
    };
    expect(await run(silent)).toMatchObject({ taken: 0, waiting: 1 });
    money.advance(2 * DAY_MS);
    money.sandbox.control.tick();
    await run();
    expect(await counted()).toEqual([[0, 5]]);
    expect(await parts.store.pending(10)).toEqual([]);
  });

  test('and where the meter does not tell, a person decides', async () => {
    const { money, parts, use, run, nextHour } = await openExport();
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    await run({ send: async (events) => events.map(({ identifier }) => ({ identifier, status: 'unknown' })) });
    money.advance(2 * DAY_MS);
    await run({ hours: async () => [{ hourMs: START_MS, value: 2 }] });
    const [event] = await parts.store.failed(10);
    expect(event).toMatchObject({ status: 'uncertain', account: 'acme', value: '5' });
    expect(await run()).toMatchObject({ taken: 0 });
    // Nobody answers at all: it stays as it is.
    expect(await parts.store.again('tk1-unknown', money.now())).toBeUndefined();
    await parts.store.again(event?.identifier ?? '', money.now());
    expect(await run()).toMatchObject({ taken: 1 });
  });

  test('whatever is posted, corrected, frozen, refused or killed, the meter ends at what the ledger holds', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('use' as const),
          cents: fc.integer({ min: 1, max: 500 }),
          hoursAgo: fc.nat(3),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('void' as const), which: fc.nat(20) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('amend' as const),
          which: fc.nat(20),
          cents: fc.integer({ min: 0, max: 500 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('freeze' as const, 'thaw' as const) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('run' as const),
          how: fc.constantFrom('well', 'dies', 'silent', 'down'),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 10, max: 200 }) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const books = await openExport({ targets: 'dollars=usd/3:2' });
        const ids: string[] = [];
        for (const played of steps) await play(books, played, ids);
        const { money, parts, run, nextHour, counted } = books;
        await thaw(money.ledger.admin, {
          ...requestOf({ nowMs: money.now() }),
          wallet,
          usage: 'post',
          overdraftNanos,
        }).catch(() => undefined);
        nextHour();
        await run();
        await run();
        const { rows } = await money.ledger.pool.query<{ ledger: string; exported: string }>(
          'select coalesce(sum(ledger), 0) as ledger, coalesce(sum(exported), 0) as exported from usage_hour',
        );
        expect(rows[0]?.exported).toBe(rows[0]?.ledger);
        expect(await parts.store.pending(10)).toEqual([]);
        const posted = await money.ledger.pool.query<{ cents: bigint }>(
          `select (-coalesce(sum(amount), 0) / 10000000)::bigint as cents from entry where kind in (1, 6, 8, 9)`,
        );
        const exact = Number(posted.rows[0]?.cents ?? 0n) / 100;
        expect(Number(rows[0]?.ledger) / 1e18).toBeCloseTo(exact, 6);
        const told = (await counted()).reduce((sum, [, value]) => sum + value, 0);
        // Within one step of the value, however many hours and corrections there were.
        expect(Math.abs(told - exact / 3)).toBeLessThan(0.01 + 1e-9);
      }),
      { numRuns: 12 },
    );
  }, 240_000);

  async function play(
    books: TestExport,
    played: {
      readonly do: string;
      readonly cents?: number;
      readonly hoursAgo?: number;
      readonly which?: number;
      readonly how?: string;
      readonly minutes?: number;
    },
    ids: string[],
  ): Promise<void> {
    const { money, parts, use, run } = books;
    const dollars = ((played.cents ?? 0) / 100).toFixed(2);
    const common = requestOf({ nowMs: money.now() });
    const id = ids[(played.which ?? 0) % Math.max(1, ids.length)];
    // Refusals (void twice, frozen twice, an event in quarantine) are part of the play.
    const ignored = () => undefined;
    if (played.do === 'use') {
      ids.push(`e${ids.length}`);
      await use('acme', { id: `e${ids.length - 1}`, dollars, atMs: money.now() - (played.hoursAgo ?? 0) * HOUR_MS });
    } else if (played.do === 'void' && id !== undefined) {
      await correctById(money.ledger, id, { kind: 'void' }, { nowMs: money.now() }).catch(ignored);
    } else if (played.do === 'amend' && id !== undefined) {
      const to = { kind: 'quantity', quantity: quantityOf(dollars) } as const;
      await correctById(money.ledger, id, to, { nowMs: money.now() }).catch(ignored);
    } else if (played.do === 'freeze') {
      await freeze(money.ledger.admin, { ...common, wallet, hours: 2 }).catch(ignored);
    } else if (played.do === 'thaw') {
      await thaw(money.ledger.admin, { ...common, wallet, usage: 'post', overdraftNanos }).catch(ignored);
    } else if (played.do === 'wait') money.advance((played.minutes ?? 0) * MINUTE_MS);
    else if (played.do === 'run') {
      const fates: Readonly<Record<string, Partial<UsageExport>>> = {
        well: {},
        dies: dying(parts.meters),
        silent: {
          async send(events) {
            await parts.meters.send(events.slice(0, 1));
            return events.map(({ identifier }) => ({ identifier, status: 'unknown' }));
          },
        },
        down: { send: async (events) => events.map(({ identifier }) => ({ identifier, status: 'unsent' })) },
      };
      await run(fates[played.how ?? 'well']).catch(ignored);
    }
  }
});

describe('what cannot be told', () => {
  test('usage older than Stripe takes is blocked, and said', async () => {
    const { money, parts, use, run } = await openExport();
    await use('acme', { id: 'a', dollars: '5' });
    money.advance(36 * DAY_MS);
    expect(await run()).toMatchObject({ blocked: 1, planned: 0 });
    expect((await parts.store.totals(money.now())).blocked).toEqual([
      { cause: 'too_late', hours: 1, oldestMs: START_MS },
    ]);
    expect((await checkMeters(parts, { fromMs: START_MS, toMs: money.now() })).differences).toMatchObject([
      { account: 'acme', cause: 'late', ledger: 5_000_000n, counted: 0n },
    ]);
  });

  test('a meter that is not there refuses, and takes it after it was made', async () => {
    const { money, parts, use, run, counted, nextHour, createMeter } = await openExport({ meters: [] });
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    await run();
    await deliverReports({ money, parts });
    const [failed] = await parts.store.failed(10);
    expect(failed).toMatchObject({ account: 'acme', value: '5' });
    expect(['refused', 'rejected']).toContain(failed?.status);
    await createMeter('usd');
    const again = await parts.store.again(failed?.identifier ?? '', money.now());
    expect(again?.identifier).not.toBe(failed?.identifier);
    expect(await run()).toMatchObject({ taken: 1 });
    expect(await counted()).toEqual([[0, 5]]);
    expect(await parts.store.failed(10)).toEqual([]);
  });

  test('what a meter reports later is rejected, opens a case, and is told again only by a person', async () => {
    const { money, parts, customer, use, run, nextHour } = await openExport();
    await money.sdk.customers.del(customer);
    await use('acme', { id: 'a', dollars: '5' });
    nextHour();
    expect(await run()).toMatchObject({ taken: 1 });
    await deliverReports({ money, parts });
    expect(await parts.store.failed(10)).toMatchObject([
      { status: 'rejected', code: 'meter_event_customer_not_found', account: 'acme' },
    ]);
    expect(await money.openCases()).toContain('usage_meter_rejected');
    expect(await run()).toMatchObject({ taken: 0 });
    nextHour();
    expect((await checkMeters(parts, { fromMs: START_MS, toMs: money.now() })).differences).toMatchObject([
      { cause: 'rejected' },
    ]);
  });

  async function deliverReports({ money, parts }: Pick<TestExport, 'money' | 'parts'>) {
    money.advance(10 * MINUTE_MS);
    const reports = money.sandbox.world.thinEvents;
    expect(reports.length).toBeGreaterThan(0);
    for (const { id } of reports) await takeErrorReport(parts, money.store.openCase, id);
  }
});

test('an error report comes through the webhook and the queue', async () => {
  const { money, parts, customer, use, run, nextHour } = await openExport();
  await money.sdk.customers.del(customer);
  await use('acme', { id: 'a', dollars: '5' });
  nextHour();
  await run();
  money.advance(10 * MINUTE_MS);
  const [report] = money.sandbox.world.thinEvents;
  if (report === undefined) throw new Error('nothing was reported');
  const { id, type, created } = report;
  const body = JSON.stringify({ id, type, created, object: 'v2.core.event', livemode: false });
  const [other] = money.events();
  if (other === undefined) throw new Error('nothing happened');
  expect(await money.send(other, { shape: 'thin', body })).toMatchObject({ status: 200 });
  const others = (event: { readonly eventId: string }) => takeErrorReport(parts, money.store.openCase, event.eventId);
  expect(await processEvent(money, id, others)).toBe('done');
  expect(await parts.store.failed(10)).toHaveLength(1);
});
