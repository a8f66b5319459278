import type Stripe from 'stripe';
import { matchesType } from '../resources/events.ts';
import type { World } from '../world.ts';
import type { Deliveries } from './deliveries.ts';

/** Hands every event to the endpoints that asked for its type. */
export function dispatchEvents(world: World, deliveries: Deliveries): void {
  world.sinks.push((event: Stripe.Event) => {
    for (const endpoint of world.endpoints.all()) {
      const wanted = endpoint.enabled_events.some((pattern) => matchesType(pattern, event.type));
      const secret = world.endpointSecrets.get(endpoint.id);
      if (!wanted || endpoint.status !== 'enabled' || secret === undefined) continue;
      event.pending_webhooks += 1;
      deliveries.add({
        eventId: event.id,
        type: event.type,
        kind: 'snapshot',
        url: endpoint.url,
        secret,
        payload: () => JSON.stringify(event, undefined, 2),
      });
    }
  });
}
