import type Stripe from 'stripe';
import type { World } from '../world.ts';
import type { StoredMeterEvent } from './meter-store.ts';

/** Why an event does not count; the codes of Stripe's error reports. */
export interface MeterProblem {
  readonly code:
    | 'no_meter'
    | 'archived_meter'
    | 'meter_event_customer_not_found'
    | 'meter_event_no_customer_defined'
    | 'meter_event_invalid_value'
    | 'meter_event_value_too_many_digits'
    | 'timestamp_in_future'
    | 'timestamp_too_far_in_past';
  readonly message: string;
  readonly meter: Stripe.Billing.Meter | undefined;
}

const PAST_MS = 35 * 86_400_000;
const FUTURE_MS = 5 * 60_000;
const NUMBER = /^-?\d+(?:\.\d+)?$/;
const DIGITS_MAX = 15;

/** What can be said of an event without looking for its customer; v1 and v2 say it at once, the stream later. */
export function checkShape(world: World, event: StoredMeterEvent): MeterProblem | undefined {
  const { eventName, payload, timestampMs, receivedAtMs } = event;
  const meter = world.meterStore.active(eventName);
  if (meter === undefined) {
    const archived = world.meterStore.meters.all().find((row) => row.event_name === eventName);
    if (archived === undefined) {
      return { code: 'no_meter', message: `No active meter found with event_name: ${eventName}.`, meter: undefined };
    }
    return { code: 'archived_meter', message: `The meter with event_name ${eventName} is archived.`, meter: archived };
  }
  if (timestampMs < receivedAtMs - PAST_MS) {
    const message = 'Timestamp is too far in the past: it must be within the past 35 calendar days.';
    return { code: 'timestamp_too_far_in_past', message, meter };
  }
  if (timestampMs > receivedAtMs + FUTURE_MS) {
    const message = 'Timestamp is in the future: it may be at most 5 minutes ahead.';
    return { code: 'timestamp_in_future', message, meter };
  }
  const customerKey = meter.customer_mapping.event_payload_key;
  if ((payload[customerKey] ?? '') === '') {
    const message = `The payload has no customer at ${customerKey}.`;
    return { code: 'meter_event_no_customer_defined', message, meter };
  }
  return checkValue(meter, payload[meter.value_settings.event_payload_key]);
}

function checkValue(meter: Stripe.Billing.Meter, value: string | undefined): MeterProblem | undefined {
  if (meter.default_aggregation.formula === 'count' && value === undefined) return undefined;
  if (value === undefined || !NUMBER.test(value)) {
    const message = `The value ${JSON.stringify(value ?? null)} is not a number.`;
    return { code: 'meter_event_invalid_value', message, meter };
  }
  if (value.replaceAll(/\D/g, '').length > DIGITS_MAX) {
    const message = `The value has more than ${DIGITS_MAX} digits.`;
    return { code: 'meter_event_value_too_many_digits', message, meter };
  }
  return undefined;
}

/** What is found only when an event is processed. */
export function checkCustomer(world: World, event: StoredMeterEvent): MeterProblem | undefined {
  const meter = world.meterStore.active(event.eventName);
  if (meter === undefined) return checkShape(world, event);
  const customer = event.payload[meter.customer_mapping.event_payload_key] ?? '';
  if (world.customers.find(customer) !== undefined) return undefined;
  return { code: 'meter_event_customer_not_found', message: `No customer found with id ${customer}.`, meter };
}
