import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest } from '../stripe-fault.ts';
import type { World } from '../world.ts';

const PATH = '/v2/core/event_destinations';
type Destination = Stripe.V2.Core.EventDestination;

export function eventDestinationRoutes(world: World): readonly Route[] {
  const { destinations } = world;
  return [
    {
      method: 'POST',
      path: PATH,
      params: [
        'name',
        'type',
        'event_payload',
        'enabled_events',
        'description',
        'webhook_endpoint',
        'metadata',
        'include',
        'snapshot_api_version',
        'events_from',
      ],
      handle: ({ params }) => {
        const destination = createDestination(world, params);
        return shown(world, destination, params.texts('include'));
      },
    },
    {
      method: 'GET',
      path: PATH,
      params: ['limit', 'include', 'page'],
      handle: ({ params }) => {
        const data = destinations
          .all()
          .toReversed()
          .map((row) => shown(world, row, params.texts('include')));
        return { data, next_page_url: null, previous_page_url: null };
      },
    },
    {
      method: 'GET',
      path: `${PATH}/{id}`,
      params: ['include'],
      handle: ({ id, params }) => shown(world, destinations.get(id), params.texts('include')),
    },
    {
      method: 'POST',
      path: `${PATH}/{id}`,
      params: ['name', 'description', 'enabled_events', 'webhook_endpoint', 'metadata', 'include'],
      handle: ({ id, params }) => {
        const destination = destinations.get(id);
        if (params.has('name')) destination.name = params.required('name');
        if (params.has('description')) destination.description = params.text('description') ?? '';
        if (params.has('enabled_events')) destination.enabled_events = [...params.texts('enabled_events')];
        if (params.has('webhook_endpoint')) destination.webhook_endpoint = { url: urlOf(params) };
        destination.metadata = params.metadata(destination.metadata);
        return shown(world, destination, params.texts('include'));
      },
    },
    {
      method: 'DELETE',
      path: `${PATH}/{id}`,
      params: [],
      handle: ({ id }) => ({ id: destinations.remove(id).id, object: 'v2.core.event_destination' }),
    },
    ...['enable', 'disable'].map(
      (verb): Route => ({
        method: 'POST',
        path: `${PATH}/{id}/${verb}`,
        params: ['include'],
        handle: ({ id, params }) => {
          const destination = destinations.get(id);
          destination.status = verb === 'enable' ? 'enabled' : 'disabled';
          if (verb === 'enable') delete destination.status_details;
          else destination.status_details = { disabled: { reason: 'user' } };
          return shown(world, destination, params.texts('include'));
        },
      }),
    ),
    {
      method: 'POST',
      path: `${PATH}/{id}/ping`,
      params: [],
      handle: ({ id }) => {
        const related = { id, type: 'v2.core.event_destination', url: `${PATH}/${destinations.get(id).id}` };
        return world.emitThin('v2.core.event_destination.ping', related, undefined);
      },
    },
  ];
}

/** A destination of events with a secret of its own. */
export function createDestination(world: World, params: Params): Destination {
  const type = params.oneOf('type', ['webhook_endpoint']);
  if (type === undefined)
    throw invalidRequest('Missing required param: type.', { code: 'invalid_fields', param: 'type' });
  const payload = params.oneOf('event_payload', ['thin']);
  if (payload === undefined)
    throw invalidRequest('The sandbox sends thin events to destinations.', { code: 'invalid_fields' });
  const now = new Date(world.settings.now()).toISOString();
  const destination = world.destinations.add({
    id: `ed_test_${world.ids.next('', 24).slice(1)}`,
    object: 'v2.core.event_destination',
    created: now,
    description: params.text('description') ?? '',
    enabled_events: [...params.texts('enabled_events')],
    event_payload: payload,
    events_from: ['self'],
    livemode: false,
    metadata: params.metadata(),
    name: params.required('name'),
    status: 'enabled',
    type,
    updated: now,
    webhook_endpoint: { url: urlOf(params) },
  } satisfies Destination as Destination);
  world.endpointSecrets.set(destination.id, world.ids.next('whsec', 32));
  return destination;
}

/** Address and secret are shown to those who ask for them; the secret with the answer to its creation only. */
function shown(world: World, destination: Destination, include: readonly string[]): Destination {
  const { webhook_endpoint: endpoint, ...rest } = destination;
  const url = include.includes('webhook_endpoint.url') ? endpoint?.url : undefined;
  const secret = include.includes('webhook_endpoint.signing_secret')
    ? world.endpointSecrets.get(destination.id)
    : undefined;
  return {
    ...rest,
    webhook_endpoint: {
      ...(url === undefined ? {} : { url }),
      ...(secret === undefined ? {} : { signing_secret: secret }),
    },
  };
}

function urlOf(params: Params): string {
  const url = params.hash('webhook_endpoint')?.required('url') ?? '';
  if (!URL.canParse(url))
    throw invalidRequest('The url is not valid.', { code: 'invalid_fields', param: 'webhook_endpoint.url' });
  return url;
}
