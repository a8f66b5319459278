import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest, StripeFault } from '../stripe-fault.ts';
import type { World } from '../world.ts';
import { cancelMeterEvent, streamMeterEvents, takeMeterEvent, type Usage } from './report-usage.ts';

const SESSION_MS = 15 * 60_000;
const STREAM_EVENTS_MAX = 100;
const EVENT_PARAMS = ['event_name', 'payload', 'identifier', 'timestamp'];

export function meterEventV2Routes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v2/billing/meter_events',
      params: EVENT_PARAMS,
      handle: ({ params }) => {
        const event = takeMeterEvent(world, usageOf(params));
        return {
          object: 'v2.billing.meter_event',
          created: new Date(event.receivedAtMs).toISOString(),
          event_name: event.eventName,
          identifier: event.identifier,
          livemode: false,
          payload: { ...event.payload },
          timestamp: new Date(event.timestampMs).toISOString(),
        } satisfies Stripe.V2.Billing.MeterEvent;
      },
    },
    {
      method: 'POST',
      path: '/v2/billing/meter_event_session',
      params: [],
      handle: () => openSession(world),
    },
    {
      method: 'POST',
      path: '/v2/billing/meter_event_stream',
      params: ['events'],
      auth: 'session',
      handle: ({ params, token }) => {
        const session = world.meterStore.sessions.get(token);
        if (session === undefined || session.expiresAtMs <= world.settings.now()) {
          throw new StripeFault(401, 'temporary_session_expired', 'The temporary session token has expired.', {
            code: 'billing_meter_event_session_expired',
          });
        }
        const events = params.hashes('events');
        if (events.length === 0 || events.length > STREAM_EVENTS_MAX) {
          throw invalidRequest(`Give 1 to ${STREAM_EVENTS_MAX} events.`, { code: 'invalid_fields', param: 'events' });
        }
        for (const event of events) event.refuseUnknown(EVENT_PARAMS);
        streamMeterEvents(world, events.map(usageOf));
        return {};
      },
    },
    {
      method: 'POST',
      path: '/v2/billing/meter_event_adjustments',
      params: ['event_name', 'type', 'cancel'],
      handle: ({ params }) => {
        const eventName = params.required('event_name');
        params.oneOf('type', ['cancel']);
        const identifier = params.hash('cancel')?.required('identifier') ?? '';
        cancelMeterEvent(world, eventName, identifier);
        return {
          id: world.ids.next('mea'),
          object: 'v2.billing.meter_event_adjustment',
          cancel: { identifier },
          created: new Date(world.settings.now()).toISOString(),
          event_name: eventName,
          livemode: false,
          status: 'complete',
          type: 'cancel',
        } satisfies Stripe.V2.Billing.MeterEventAdjustment;
      },
    },
  ];
}

function openSession(world: World): Stripe.V2.Billing.MeterEventSession {
  const nowMs = world.settings.now();
  const expiresAtMs = nowMs + SESSION_MS;
  const token = world.ids.next('mes', 32);
  world.meterStore.sessions.set(token, { token, expiresAtMs });
  return {
    id: world.ids.next('mesess'),
    object: 'v2.billing.meter_event_session',
    authentication_token: token,
    created: new Date(nowMs).toISOString(),
    expires_at: new Date(expiresAtMs).toISOString(),
    livemode: false,
  };
}

function usageOf(params: Params): Usage {
  const timestamp = params.text('timestamp');
  const timestampMs = timestamp === undefined ? undefined : Date.parse(timestamp);
  if (timestampMs !== undefined && Number.isNaN(timestampMs)) {
    throw invalidRequest('The timestamp is not in RFC 3339.', { code: 'invalid_fields', param: 'timestamp' });
  }
  return {
    eventName: params.required('event_name'),
    identifier: params.text('identifier'),
    payload: params.map('payload'),
    timestampMs,
  };
}
