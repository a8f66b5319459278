import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import type { World } from '../world.ts';

const PATH = '/v1/webhook_endpoints';

export function webhookEndpointRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: PATH,
      params: ['url', 'enabled_events', 'api_version', 'description', 'metadata', 'expand'],
      // The secret is shown once, in this answer.
      handle: ({ params }) => {
        const endpoint = createEndpoint(world, params);
        return { ...endpoint, secret: world.endpointSecrets.get(endpoint.id) };
      },
    },
    { method: 'GET', path: PATH, params: PAGE_PARAMS, handle: ({ params }) => world.endpoints.page(PATH, params) },
    { method: 'GET', path: `${PATH}/{id}`, params: ['expand'], handle: ({ id }) => world.endpoints.get(id) },
    {
      method: 'POST',
      path: `${PATH}/{id}`,
      params: ['url', 'enabled_events', 'description', 'disabled', 'metadata', 'expand'],
      handle: ({ id, params }) => {
        const endpoint = world.endpoints.get(id);
        if (params.has('url')) endpoint.url = urlOf(params);
        if (params.has('enabled_events')) endpoint.enabled_events = eventsOf(params);
        if (params.has('description')) endpoint.description = params.text('description') ?? null;
        const disabled = params.boolean('disabled');
        if (disabled !== undefined) endpoint.status = disabled ? 'disabled' : 'enabled';
        endpoint.metadata = params.metadata(endpoint.metadata);
        return endpoint;
      },
    },
    {
      method: 'DELETE',
      path: `${PATH}/{id}`,
      params: [],
      handle: ({ id }) => ({ id: world.endpoints.remove(id).id, object: 'webhook_endpoint', deleted: true }),
    },
  ];
}

/** A webhook endpoint with a secret of its own. */
export function createEndpoint(world: World, params: Params): Stripe.WebhookEndpoint {
  const endpoint = world.endpoints.add({
    id: world.ids.next('we'),
    object: 'webhook_endpoint',
    api_version: params.text('api_version') ?? null,
    application: null,
    created: world.now(),
    description: params.text('description') ?? null,
    enabled_events: eventsOf(params),
    livemode: false,
    metadata: params.metadata(),
    status: 'enabled',
    url: urlOf(params),
  } satisfies Stripe.WebhookEndpoint as Stripe.WebhookEndpoint);
  world.endpointSecrets.set(endpoint.id, world.ids.next('whsec', 32));
  return endpoint;
}

function urlOf(params: Params): string {
  const url = params.required('url');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw invalidRequest('Invalid URL: An explicit scheme (such as https) must be provided.', {
      code: 'url_invalid',
      param: 'url',
    });
  }
  return url;
}

function eventsOf(params: Params): string[] {
  const events = [...params.texts('enabled_events')];
  if (events.length > 0) return events;
  throw invalidRequest('Missing required param: enabled_events.', {
    code: 'parameter_missing',
    param: 'enabled_events',
  });
}
