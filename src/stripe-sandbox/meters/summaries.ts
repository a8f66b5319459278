import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { type Page, Table } from '../table.ts';
import type { World } from '../world.ts';
import type { StoredMeterEvent } from './meter-store.ts';

const MINUTE = 60;
const WINDOWS = { hour: 3_600, day: 86_400 } as const;
const SCALE_DIGITS = 15;

/** What was counted for a customer, as one figure or by hour or day; windows without usage are left out. */
export function summaries(
  world: World,
  meter: Stripe.Billing.Meter,
  params: Params,
): Page<Stripe.Billing.MeterEventSummary> {
  const customer = world.customers.get(params.required('customer'), 'customer').id;
  const window = params.oneOf('value_grouping_window', ['hour', 'day']);
  const step = window === undefined ? MINUTE : WINDOWS[window];
  const start = aligned(params, 'start_time', step);
  const end = aligned(params, 'end_time', step);
  if (end <= start) throw invalidRequest('`end_time` must be after `start_time`.', { param: 'end_time' });
  const counted = world.meterStore.events.filter(
    (event) =>
      event.state === 'counted' &&
      event.eventName === meter.event_name &&
      event.payload[meter.customer_mapping.event_payload_key] === customer &&
      event.timestampMs >= start * 1_000 &&
      event.timestampMs < end * 1_000,
  );
  const found = new Table<Stripe.Billing.MeterEventSummary>('meter event summary');
  for (const [from, events] of byWindow(counted, window === undefined ? undefined : step, start)) {
    found.add({
      id: `mtrusg_test_${meter.id.slice(9)}_${customer}_${from}`,
      object: 'billing.meter_event_summary',
      aggregated_value: aggregate(meter, events),
      end_time: window === undefined ? end : from + step,
      livemode: false,
      meter: meter.id,
      start_time: from,
    });
  }
  return found.page(`/v1/billing/meters/${meter.id}/event_summaries`, params);
}

function aligned(params: Params, name: string, step: number): number {
  params.required(name);
  const time = params.integer(name) ?? 0;
  if (time % step === 0) return time;
  throw invalidRequest(
    `\`${name}\` must be aligned to ${step === MINUTE ? 'a minute' : 'the grouping window'} (UTC).`,
    {
      param: name,
    },
  );
}

function byWindow(
  events: readonly StoredMeterEvent[],
  step: number | undefined,
  start: number,
): readonly (readonly [number, readonly StoredMeterEvent[]])[] {
  const groups = new Map<number, StoredMeterEvent[]>();
  for (const event of events) {
    const second = Math.floor(event.timestampMs / 1_000);
    const from = step === undefined ? start : second - (second % step);
    const group = groups.get(from);
    if (group === undefined) groups.set(from, [event]);
    else group.push(event);
  }
  return [...groups].sort(([left], [right]) => left - right);
}

function aggregate(meter: Stripe.Billing.Meter, events: readonly StoredMeterEvent[]): number {
  const values = events.map((event) => event.payload[meter.value_settings.event_payload_key] ?? '0');
  const { formula } = meter.default_aggregation;
  if (formula === 'count') return events.length;
  if (formula === 'last') {
    const last = events.toSorted((left, right) => left.timestampMs - right.timestampMs).at(-1);
    return Number(last?.payload[meter.value_settings.event_payload_key] ?? 0);
  }
  // Exact until the last step, where JSON asks for a number.
  const sum = values.reduce((total, value) => total + scaled(value), 0n);
  const sign = sum < 0n ? '-' : '';
  const digits = (sum < 0n ? -sum : sum).toString().padStart(SCALE_DIGITS + 1, '0');
  return Number(`${sign}${digits.slice(0, -SCALE_DIGITS)}.${digits.slice(-SCALE_DIGITS)}`);
}

function scaled(value: string): bigint {
  const [whole = '0', fraction = ''] = value.split('.');
  const negative = whole.startsWith('-');
  const digits = BigInt(whole.replace('-', '') + fraction.padEnd(SCALE_DIGITS, '0').slice(0, SCALE_DIGITS));
  return negative ? -digits : digits;
}
