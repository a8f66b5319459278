import type { Route } from '../http/route.ts';
import { matchesType } from '../resources/events.ts';
import { invalidRequest, noSuch } from '../stripe-fault.ts';
import type { World } from '../world.ts';
import type { Deliveries } from './deliveries.ts';

/** What a thin event is about. */
export interface RelatedObject {
  readonly id: string;
  readonly type: string;
  readonly url: string;
}

/** An event of API v2: the webhook names the object, and whoever wants more fetches it. */
export interface ThinEvent {
  readonly id: string;
  readonly object: 'v2.core.event';
  readonly created: string;
  readonly livemode: false;
  readonly type: string;
  readonly related_object?: RelatedObject;
  readonly reason?: {
    readonly type: 'request';
    readonly request: { readonly id: string; readonly idempotency_key: string };
  };
  readonly snapshot_event?: string;
  /** Only in the fetched event, never in the webhook. */
  readonly data?: object;
}

const LIMIT_STANDARD = 20;

export function thinEventRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v2/core/events/{id}',
      params: [],
      handle: ({ id }) => {
        const event = world.thinEvents.find((row) => row.id === id);
        if (event === undefined) throw noSuch('event', id);
        return event;
      },
    },
    {
      method: 'GET',
      path: '/v2/core/events',
      params: ['limit', 'page', 'object_id', 'types', 'created'],
      handle: ({ params }) => {
        const limit = params.integer('limit') ?? LIMIT_STANDARD;
        const [object, types] = [params.text('object_id'), params.texts('types')];
        const from = Number(params.text('page') ?? 0);
        if (!Number.isInteger(from) || from < 0) throw invalidRequest('The page is not valid.', { param: 'page' });
        const wanted = world.thinEvents
          .filter(({ related_object: related }) => object === undefined || related?.id === object)
          .filter(({ type }) => types.length === 0 || types.includes(type))
          .toReversed();
        const next = from + limit < wanted.length ? `/v2/core/events?limit=${limit}&page=${from + limit}` : null;
        return { data: wanted.slice(from, from + limit), next_page_url: next, previous_page_url: null };
      },
    },
  ];
}

/** Hands thin events to the destinations that asked for their type. */
export function dispatchThinEvents(world: World, deliveries: Deliveries): void {
  world.thinSinks.push((event) => {
    const { data: _fetchedOnly, ...notification } = event;
    for (const destination of world.destinations.all()) {
      const url = destination.webhook_endpoint?.url;
      const secret = world.endpointSecrets.get(destination.id);
      if (destination.status !== 'enabled' || url === undefined || secret === undefined) continue;
      if (!destination.enabled_events.some((pattern) => matchesType(pattern, event.type))) continue;
      const payload = () => JSON.stringify(notification);
      deliveries.add({ eventId: event.id, type: event.type, kind: 'thin', url, secret, payload });
    }
  });
}
