import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { isMeterErrorReport, readMeterErrorReport } from '../../src/adapters/stripe/meter-error-report.ts';
import { createUsageMeters } from '../../src/adapters/stripe/usage-meters.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import type { ExportEvent, UsageExport } from '../../src/pipeline/usage-export/export-port.ts';
import { STRIPE_START_MS, startTestStripe, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;
let meters: UsageExport;
let customer: string;
let nowMs: number;
const EVENT_NAME = 'tokens';

beforeEach(async () => {
  under = await startTestStripe({ meterDelayMs: 0 });
  nowMs = STRIPE_START_MS;
  customer = (await under.stripe.customers.create({})).id;
  await under.stripe.billing.meters.create({
    display_name: 'Tokens',
    event_name: EVENT_NAME,
    default_aggregation: { formula: 'sum' },
  });
  meters = createUsageMeters({
    stripe: under.stripe,
    clientOf: (secretKey) =>
      createStripeClient({
        secretKey,
        apiUrl: under.url,
        networkRetries: 0,
        timeoutMs: 60_000,
        backOff: { delaysMs: [] },
      }),
    now: () => nowMs,
  });
});

afterEach(() => under.close());

function events(...values: readonly string[]): readonly ExportEvent[] {
  return values.map((value, index) => ({
    identifier: `id-${index}`,
    eventName: EVENT_NAME,
    customer,
    value,
    atMs: STRIPE_START_MS - HOUR_MS,
  }));
}

async function fault(path: string, status: number, count: number) {
  const body = new URLSearchParams({ kind: 'status', path, status: String(status), count: String(count) });
  const answer = await fetch(`${under.sandbox.url}/_sandbox/fault`, { method: 'POST', body });
  expect(answer.status).toBe(200);
}

async function counted() {
  under.sandbox.control.advance(1_000);
  const window = { fromMs: STRIPE_START_MS - 24 * HOUR_MS, toMs: STRIPE_START_MS + 24 * HOUR_MS };
  return meters.hours({ eventName: EVENT_NAME, customer, ...window });
}

const statuses = async (given: readonly ExportEvent[]) => (await meters.send(given)).map(({ status }) => status);

test('more events than one request takes are counted once, however often they are sent', async () => {
  const many = events(...Array.from({ length: 250 }, () => '0.5'));
  expect(new Set(await statuses(many))).toEqual(new Set(['taken']));
  await meters.send(many);
  expect(await counted()).toEqual([{ hourMs: STRIPE_START_MS - HOUR_MS, value: 125 }]);
});

test('a session that has ended at Stripe is renewed', async () => {
  await meters.send(events('1'));
  under.sandbox.control.advance(16 * 60_000);
  const [later] = events('2');
  expect(await statuses([{ ...(later as ExportEvent), identifier: 'later' }])).toEqual(['taken']);
  expect(await counted()).toMatchObject([{ value: 3 }]);
});

test('without the right to open a session single events are sent, and one that is there already is done', async () => {
  await fault('/v2/billing/meter_event_session', 403, 1);
  expect(await statuses(events('1', '2'))).toEqual(['taken', 'taken']);
  expect(await statuses(events('1', '2'))).toEqual(['repeated', 'repeated']);
  expect(await counted()).toMatchObject([{ value: 3 }]);
});

test('without the stream a bad event is refused with its reason and the others get through', async () => {
  await fault('/v2/billing/meter_event_session', 403, 1);
  const sent = await meters.send(events('1', 'many', '2'));
  expect(sent).toMatchObject([
    { status: 'taken' },
    { status: 'refused', code: 'meter_event_invalid_value' },
    { status: 'taken' },
  ]);
  expect(await counted()).toMatchObject([{ value: 3 }]);
});

test.each([429, 500])(
  'an answer of %s leaves the fate of its events open, and the same identifiers mend it',
  async (status) => {
    await fault('/v2/billing/meter_event_stream', status, 1);
    const many = events(...Array.from({ length: 150 }, () => '1'));
    const first = await statuses(many);
    expect(first.slice(0, 100).every((one) => one === 'unknown')).toBe(true);
    expect(first.slice(100)).toEqual(Array.from({ length: 50 }, () => 'unsent'));
    expect(new Set(await statuses(many))).toEqual(new Set(['taken']));
    expect(await counted()).toMatchObject([{ value: 150 }]);
  },
);

test('usage is taken back within a day, and once', async () => {
  await meters.send(events('5', '7'));
  expect(await meters.cancel(EVENT_NAME, 'id-0')).toBe(true);
  expect(await meters.cancel(EVENT_NAME, 'id-0')).toBe(false);
  expect(await counted()).toMatchObject([{ value: 7 }]);
});

test('a meter that is not there has no hours to show', async () => {
  const window = { customer, fromMs: STRIPE_START_MS - HOUR_MS, toMs: STRIPE_START_MS };
  expect(await meters.hours({ eventName: 'nothing', ...window })).toBeUndefined();
});

test('what the stream could not count is read from error reports, by identifier and cause', async () => {
  expect(await statuses(events('1', 'many'))).toEqual(['taken', 'taken']);
  const [stray] = events('1');
  await meters.send([{ ...(stray as ExportEvent), identifier: 'stray', eventName: 'nothing' }]);
  expect(await counted()).toMatchObject([{ value: 1 }]);
  const reports = under.sandbox.world.thinEvents
    .filter(({ type }) => isMeterErrorReport(type))
    .map(readMeterErrorReport);
  expect(reports.flatMap((report) => report?.errors ?? [])).toMatchObject([
    { code: 'meter_event_invalid_value', count: 1, samples: [{ identifier: 'id-1' }] },
    { code: 'no_meter', count: 1, samples: [{ identifier: 'stray' }] },
  ]);
  expect(reports.map((report) => report?.meter === null)).toEqual([false, true]);
  expect(readMeterErrorReport({ id: 'evt_1', type: 'v1.billing.meter.no_meter_found', data: {} })).toBeUndefined();
  expect(readMeterErrorReport(null)).toBeUndefined();
});

test('whatever is lost on the way, before or after Stripe took it, repeated sending counts all of it once', async () => {
  const troubles = fc.array(
    fc.record({
      kind: fc.constantFrom('status' as const, 'reset' as const, 'truncated' as const, 'html' as const),
      status: fc.constantFrom(403, 409, 429, 500, 503),
      path: fc.constantFrom(
        '/v2/billing/meter_event_session',
        '/v2/billing/meter_event_stream',
        '/v1/billing/meter_events',
      ),
      afterWork: fc.boolean(),
      count: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 4 },
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(troubles, fc.integer({ min: 1, max: 130 }), async (faults, size) => {
      run += 1;
      const before = (await counted())?.[0]?.value ?? 0;
      const mine = events(...Array.from({ length: size }, () => '1')).map((event, index) => ({
        ...event,
        identifier: `run-${run}-${index}`,
      }));
      for (const fault of faults) under.sandbox.faults.add(fault);
      let open: readonly ExportEvent[] = mine;
      for (let turn = 0; turn < 40 && open.length > 0; turn++) {
        const sent = await meters.send(open);
        expect(sent.map(({ identifier }) => identifier)).toEqual(open.map(({ identifier }) => identifier));
        expect(sent.filter(({ status }) => status === 'refused')).toEqual([]);
        open = open.filter((_, index) => sent[index]?.status === 'unknown' || sent[index]?.status === 'unsent');
      }
      under.sandbox.faults.clear();
      expect(open).toEqual([]);
      // The stream is tried again in the next run.
      nowMs += HOUR_MS;
      expect(((await counted())?.[0]?.value ?? 0) - before).toBe(size);
    }),
    { numRuns: 15 },
  );
});
