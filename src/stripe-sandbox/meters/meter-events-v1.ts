import type Stripe from 'stripe';
import type { Route } from '../http/route.ts';
import { invalidRequest } from '../stripe-fault.ts';
import type { World } from '../world.ts';
import { cancelMeterEvent, takeMeterEvent } from './report-usage.ts';

export function meterEventRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/billing/meter_events',
      params: ['event_name', 'payload', 'identifier', 'timestamp', 'expand'],
      handle: ({ params }) => {
        const seconds = params.integer('timestamp');
        const event = takeMeterEvent(world, {
          eventName: params.required('event_name'),
          identifier: params.text('identifier'),
          payload: params.map('payload'),
          timestampMs: seconds === undefined ? undefined : seconds * 1_000,
        });
        return {
          object: 'billing.meter_event',
          created: world.now(),
          event_name: event.eventName,
          identifier: event.identifier,
          livemode: false,
          payload: { ...event.payload },
          timestamp: Math.floor(event.timestampMs / 1_000),
        } satisfies Stripe.Billing.MeterEvent;
      },
    },
    {
      method: 'POST',
      path: '/v1/billing/meter_event_adjustments',
      params: ['event_name', 'type', 'cancel', 'expand'],
      handle: ({ params }) => {
        const eventName = params.required('event_name');
        if (params.required('type') !== 'cancel')
          throw invalidRequest('Invalid type: must be cancel', { param: 'type' });
        const identifier = params.hash('cancel')?.required('identifier') ?? '';
        cancelMeterEvent(world, eventName, identifier);
        return {
          object: 'billing.meter_event_adjustment',
          cancel: { identifier },
          event_name: eventName,
          livemode: false,
          status: 'complete',
          type: 'cancel',
        } satisfies Stripe.Billing.MeterEventAdjustment;
      },
    },
  ];
}
