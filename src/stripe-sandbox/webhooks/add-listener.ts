import { Params } from '../http/params.ts';
import { createEndpoint } from '../resources/webhook-endpoints.ts';
import type { Listener } from '../sandbox.ts';
import type { World } from '../world.ts';
import { createDestination } from './event-destinations.ts';

/** Sends all events to an address under a secret that the listener knows already, as if set up in the Dashboard. */
export function addListener(world: World, { kind, url, secret }: Listener): void {
  const description = `Tollkeeper ${kind}`;
  if (kind === 'snapshot') {
    const known = world.endpoints.all().find((row) => row.description === description);
    const endpoint = known ?? createEndpoint(world, new Params({ url, enabled_events: ['*'], description }));
    endpoint.url = url;
    world.endpointSecrets.set(endpoint.id, secret);
    return;
  }
  const known = world.destinations.all().find((row) => row.description === description);
  const destination = known ?? createDestination(world, thinParams(url, description));
  destination.webhook_endpoint = { url };
  world.endpointSecrets.set(destination.id, secret);
}

function thinParams(url: string, description: string): Params {
  return new Params({
    name: 'Tollkeeper',
    type: 'webhook_endpoint',
    event_payload: 'thin',
    enabled_events: ['v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found'],
    webhook_endpoint: { url },
    description,
  });
}
