import { invalidRequest } from '../stripe-fault.ts';
import type { World } from '../world.ts';
import { checkShape } from './check-meter-event.ts';
import type { StoredMeterEvent } from './meter-store.ts';

const IDENTIFIER_CHARS_MAX = 100;
const DAY_MS = 86_400_000;

/** Usage as it arrives over one of the three doors. */
export interface Usage {
  readonly eventName: string;
  readonly identifier: string | undefined;
  readonly payload: Readonly<Record<string, string>> | undefined;
  readonly timestampMs: number | undefined;
}

/** Takes one event and says at once what is wrong with it; only whether its customer exists is found later. */
export function takeMeterEvent(world: World, usage: Usage): StoredMeterEvent {
  const event = storable(world, usage);
  const problem = checkShape(world, event);
  if (problem !== undefined) {
    const missing = problem.code === 'no_meter' || problem.code === 'archived_meter';
    throw invalidRequest(problem.message, { code: missing ? 'resource_missing' : problem.code });
  }
  if (world.meterStore.claimed(event.identifier, event.receivedAtMs) !== undefined) {
    throw invalidRequest(`An event already exists with identifier ${event.identifier}.`, {
      code: 'duplicate_meter_event',
      param: 'identifier',
    });
  }
  world.meterStore.add(event);
  return event;
}

/** Takes events from the stream, which checks nothing but their shape; a repeated identifier is passed over. */
export function streamMeterEvents(world: World, usages: readonly Usage[]): void {
  const events = usages.map((usage) => storable(world, usage));
  for (const event of events) {
    if (world.meterStore.claimed(event.identifier, event.receivedAtMs) === undefined) world.meterStore.add(event);
  }
}

/** Takes an event back, within 24 hours of its receipt. */
export function cancelMeterEvent(world: World, eventName: string, identifier: string): void {
  const nowMs = world.settings.now();
  const event = world.meterStore.events.findLast(
    (row) => row.identifier === identifier && row.eventName === eventName && row.state !== 'canceled',
  );
  if (event === undefined) {
    throw invalidRequest(`No meter event found with identifier ${identifier}.`, { code: 'resource_missing' });
  }
  if (event.receivedAtMs + DAY_MS <= nowMs) {
    throw invalidRequest('Meter events can be canceled within 24 hours of their receipt only.', {
      code: 'out_of_range',
    });
  }
  event.state = 'canceled';
}

function storable(world: World, { eventName, identifier, payload, timestampMs }: Usage): StoredMeterEvent {
  if (eventName.length > IDENTIFIER_CHARS_MAX)
    throw invalidRequest('The event name is too long.', { param: 'event_name' });
  if (identifier !== undefined && (identifier === '' || identifier.length > IDENTIFIER_CHARS_MAX)) {
    throw invalidRequest(`An identifier has 1 to ${IDENTIFIER_CHARS_MAX} characters.`, { param: 'identifier' });
  }
  if (payload === undefined) {
    throw invalidRequest('Missing required param: payload.', { code: 'parameter_missing', param: 'payload' });
  }
  const receivedAtMs = world.settings.now();
  return {
    eventName,
    identifier: identifier ?? world.ids.next('mev'),
    payload,
    timestampMs: timestampMs ?? receivedAtMs,
    receivedAtMs,
    state: 'waiting',
  };
}
