import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import type { World } from '../world.ts';
import { summaries } from './summaries.ts';

const PATH = '/v1/billing/meters';

export function meterRoutes(world: World): readonly Route[] {
  const { meters } = world.meterStore;
  return [
    {
      method: 'POST',
      path: PATH,
      params: [
        'display_name',
        'event_name',
        'default_aggregation',
        'customer_mapping',
        'value_settings',
        'event_time_window',
        'expand',
      ],
      handle: ({ params }) => createMeter(world, params),
    },
    {
      method: 'GET',
      path: PATH,
      params: [...PAGE_PARAMS, 'status'],
      handle: ({ params }) => {
        const status = params.oneOf('status', ['active', 'inactive']);
        return meters.page(PATH, params, (row) => status === undefined || row.status === status);
      },
    },
    { method: 'GET', path: `${PATH}/{id}`, params: ['expand'], handle: ({ id }) => meters.get(id) },
    {
      method: 'POST',
      path: `${PATH}/{id}`,
      params: ['display_name', 'expand'],
      handle: ({ id, params }) => {
        const meter = meters.get(id);
        if (params.has('display_name')) meter.display_name = params.required('display_name');
        return changed(world, meter, 'updated');
      },
    },
    {
      method: 'POST',
      path: `${PATH}/{id}/deactivate`,
      params: ['expand'],
      handle: ({ id }) => {
        const meter = meters.get(id);
        if (meter.status !== 'active') throw invalidRequest('The meter is already inactive.');
        meter.status = 'inactive';
        meter.status_transitions = { deactivated_at: world.now() };
        return changed(world, meter, 'deactivated');
      },
    },
    {
      method: 'POST',
      path: `${PATH}/{id}/reactivate`,
      params: ['expand'],
      handle: ({ id }) => {
        const meter = meters.get(id);
        refuseTaken(world, meter.event_name);
        meter.status = 'active';
        meter.status_transitions = { deactivated_at: null };
        return changed(world, meter, 'reactivated');
      },
    },
    {
      method: 'GET',
      path: `${PATH}/{id}/event_summaries`,
      params: [...PAGE_PARAMS, 'customer', 'start_time', 'end_time', 'value_grouping_window'],
      handle: ({ id, params }) => summaries(world, meters.get(id), params),
    },
  ];
}

function createMeter(world: World, params: Params): Stripe.Billing.Meter {
  const eventName = params.required('event_name');
  refuseTaken(world, eventName);
  const formula = params.hash('default_aggregation')?.oneOf('formula', ['sum', 'count', 'last']);
  if (formula === undefined) {
    throw invalidRequest('Missing required param: default_aggregation.', { code: 'parameter_missing' });
  }
  const now = world.now();
  const meter = world.meterStore.meters.add({
    id: `mtr_test_${world.ids.next('', 24).slice(1)}`,
    object: 'billing.meter',
    created: now,
    customer_mapping: {
      event_payload_key: params.hash('customer_mapping')?.text('event_payload_key') ?? 'stripe_customer_id',
      type: 'by_id',
    },
    default_aggregation: { formula },
    display_name: params.required('display_name'),
    event_name: eventName,
    event_time_window: params.oneOf('event_time_window', ['day', 'hour']) ?? null,
    livemode: false,
    status: 'active',
    status_transitions: { deactivated_at: null },
    updated: now,
    value_settings: { event_payload_key: params.hash('value_settings')?.text('event_payload_key') ?? 'value' },
  } satisfies Stripe.Billing.Meter as Stripe.Billing.Meter);
  world.emit('billing.meter.created', meter);
  return meter;
}

function refuseTaken(world: World, eventName: string): void {
  if (world.meterStore.active(eventName) === undefined) return;
  throw invalidRequest(`An active meter with event name ${eventName} already exists.`, {
    code: 'resource_already_exists',
    param: 'event_name',
  });
}

function changed(world: World, meter: Stripe.Billing.Meter, verb: string): Stripe.Billing.Meter {
  meter.updated = world.now();
  world.emit(`billing.meter.${verb}`, meter);
  return meter;
}
