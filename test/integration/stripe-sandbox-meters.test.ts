import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { Secret } from '../../src/secret.ts';
import { STRIPE_START_MS, startTestStripe, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;
let customer: string;
let meter: string;
const START = STRIPE_START_MS / 1_000;
const HOUR = 3_600;
const DAY = 24 * HOUR;

beforeEach(async () => {
  under = await startTestStripe({ meterDelayMs: 60_000 });
  customer = (await under.stripe.customers.create({})).id;
  const created = await under.stripe.billing.meters.create({
    display_name: 'Tokens',
    event_name: 'tokens',
    default_aggregation: { formula: 'sum' },
  });
  meter = created.id;
});

afterEach(async () => {
  await under.close();
});

function report(value: string, more: { identifier?: string; timestamp?: number; who?: string } = {}) {
  const { who = customer, ...event } = more;
  return under.stripe.billing.meterEvents.create({
    event_name: 'tokens',
    payload: { stripe_customer_id: who, value },
    ...event,
  });
}

/** All that was counted, once it has been processed. */
async function counted(): Promise<readonly number[]> {
  under.sandbox.control.advance(60_000);
  const { data } = await under.stripe.billing.meters.listEventSummaries(meter, {
    customer,
    start_time: START - 40 * DAY,
    end_time: START + 40 * DAY,
  });
  return data.map(({ aggregated_value: value }) => value);
}

test('usage counts after a while, not at once', async () => {
  await report('25', { identifier: 'a' });
  const now = { customer, start_time: START - DAY, end_time: START + DAY };
  expect((await under.stripe.billing.meters.listEventSummaries(meter, now)).data).toEqual([]);
  expect(await counted()).toEqual([25]);
});

test('sums are exact, and grouped by hour', async () => {
  for (const [at, value] of [
    [-2 * HOUR, '0.1'],
    [-2 * HOUR + 59, '0.2'],
    [-HOUR, '3'],
  ] as const) {
    await report(value, { timestamp: START + at });
  }
  expect(await counted()).toEqual([3.3]);
  const { data } = await under.stripe.billing.meters.listEventSummaries(meter, {
    customer,
    start_time: START - DAY,
    end_time: START,
    value_grouping_window: 'hour',
  });
  expect(data.map((row) => [row.start_time - START, row.aggregated_value])).toEqual([
    [-HOUR, 3],
    [-2 * HOUR, 0.3],
  ]);
  const crooked = { customer, start_time: START + 1, end_time: START + DAY };
  await expect(under.stripe.billing.meters.listEventSummaries(meter, crooked)).rejects.toThrow('aligned');
});

describe('identifiers', () => {
  test('are unique for 24 hours, and no longer', async () => {
    await report('1', { identifier: 'same' });
    await expect(report('1', { identifier: 'same' })).rejects.toThrow('already exists with identifier same');
    under.sandbox.control.advance(DAY * 1_000 - 1);
    await expect(report('1', { identifier: 'same' })).rejects.toMatchObject({ code: 'duplicate_meter_event' });
    under.sandbox.control.advance(1);
    await report('1', { identifier: 'same' });
    expect(await counted()).toEqual([2]);
  });

  test('of refused usage are free again', async () => {
    await report('1', { identifier: 'same', who: 'cus_nobody' });
    expect(await counted()).toEqual([]);
    await report('1', { identifier: 'same' });
    expect(await counted()).toEqual([1]);
  });
});

describe('times', () => {
  test('from 35 days ago to 5 minutes ahead', async () => {
    await report('1', { timestamp: START - 35 * DAY });
    await report('1', { timestamp: START + 300 });
    await expect(report('1', { timestamp: START - 35 * DAY - 1 })).rejects.toMatchObject({
      code: 'timestamp_too_far_in_past',
    });
    await expect(report('1', { timestamp: START + 301 })).rejects.toMatchObject({ code: 'timestamp_in_future' });
    expect(await counted()).toEqual([2]);
  });
});

describe('taking usage back', () => {
  const cancel = (identifier: string) =>
    under.stripe.billing.meterEventAdjustments.create({ event_name: 'tokens', type: 'cancel', cancel: { identifier } });

  test('works within 24 hours', async () => {
    await report('5', { identifier: 'a' });
    await report('7', { identifier: 'b' });
    expect(await counted()).toEqual([12]);
    expect((await cancel('a')).status).toBe('complete');
    expect(await counted()).toEqual([7]);
    await expect(cancel('a')).rejects.toMatchObject({ code: 'resource_missing' });
    under.sandbox.control.advance(DAY * 1_000);
    await expect(cancel('b')).rejects.toMatchObject({ code: 'out_of_range' });
  });

  test('before it was counted', async () => {
    await report('5', { identifier: 'a' });
    await under.stripe.v2.billing.meterEventAdjustments.create({
      event_name: 'tokens',
      type: 'cancel',
      cancel: { identifier: 'a' },
    });
    expect(await counted()).toEqual([]);
  });
});

test('v2 takes the same usage as JSON', async () => {
  const event = await under.stripe.v2.billing.meterEvents.create({
    event_name: 'tokens',
    payload: { stripe_customer_id: customer, value: '4' },
    identifier: 'v2',
    timestamp: new Date(STRIPE_START_MS).toISOString(),
  });
  expect(event).toMatchObject({ object: 'v2.billing.meter_event', identifier: 'v2' });
  expect(await counted()).toEqual([4]);
});

describe('the stream', () => {
  const events = (...values: readonly string[]) =>
    values.map((value, index) => ({
      event_name: 'tokens',
      identifier: `s${index}`,
      payload: { stripe_customer_id: customer, value },
    }));

  async function streaming() {
    const session = await under.stripe.v2.billing.meterEventSession.create();
    const stripe = createStripeClient({
      secretKey: new Secret(session.authentication_token),
      apiUrl: under.url,
      networkRetries: 0,
    });
    return stripe.v2.billing.meterEventStream;
  }

  test('takes up to 100 events under the token of a session, and passes over repeated ones', async () => {
    const stream = await streaming();
    await stream.create({ events: events('1', '2', '3') });
    await stream.create({ events: events('1', '2', '3') });
    expect(await counted()).toEqual([6]);
    await expect(stream.create({ events: events(...Array.from({ length: 101 }, () => '1')) })).rejects.toThrow(
      '1 to 100',
    );
  });

  test('ends with its session, after 15 minutes', async () => {
    const stream = await streaming();
    under.sandbox.control.advance(15 * 60_000);
    await expect(stream.create({ events: events('1') })).rejects.toMatchObject({
      type: 'TemporarySessionExpiredError',
    });
    expect(await counted()).toEqual([]);
  });

  test('is closed to API keys', async () => {
    const create = under.stripe.v2.billing.meterEventStream.create({ events: events('1') });
    await expect(create).rejects.toMatchObject({ statusCode: 401 });
  });

  test('reports what it could not count later, by meter and reason, with samples', async () => {
    const stream = await streaming();
    const timestamp = new Date(STRIPE_START_MS - 36 * DAY * 1_000).toISOString();
    const usage = events('1', 'many', '1').map((event, index) => (index === 2 ? { ...event, timestamp } : event));
    await stream.create({ events: usage });
    await stream.create({ events: [{ event_name: 'nothing', identifier: 'n', payload: { value: '1' } }] });
    expect(await counted()).toEqual([1]);
    const { data } = await under.stripe.v2.core.events.list({ object_id: meter });
    expect(data).toMatchObject([
      {
        type: 'v1.billing.meter.error_report_triggered',
        related_object: { id: meter, type: 'billing.meter' },
        data: {
          reason: {
            error_count: 2,
            error_types: [
              { code: 'meter_event_invalid_value', sample_errors: [{ request: { identifier: 's1' } }] },
              { code: 'timestamp_too_far_in_past', sample_errors: [{ request: { identifier: 's2' } }] },
            ],
          },
        },
      },
    ]);
    expect(under.sandbox.world.thinEvents.map(({ type }) => type)).toContain('v1.billing.meter.no_meter_found');
  });
});

test('a customer that does not exist is found out when usage is processed', async () => {
  await report('1', { who: 'cus_nobody', identifier: 'x' });
  await counted();
  expect(under.sandbox.world.thinEvents).toMatchObject([
    { type: 'v1.billing.meter.error_report_triggered', data: { reason: { error_count: 1 } } },
  ]);
});

test('a meter that is put away takes nothing, and its name may be used again', async () => {
  await under.stripe.billing.meters.deactivate(meter);
  await expect(report('1')).rejects.toMatchObject({ code: 'resource_missing' });
  const meters = under.stripe.billing.meters;
  const again = await meters.create({
    display_name: 'T',
    event_name: 'tokens',
    default_aggregation: { formula: 'count' },
  });
  await expect(meters.reactivate(meter)).rejects.toMatchObject({ code: 'resource_already_exists' });
  expect((await meters.list({ status: 'active' })).data.map(({ id }) => id)).toEqual([again.id]);
});
