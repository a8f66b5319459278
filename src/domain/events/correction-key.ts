import { type EventKey, eventKeyOf, formatEventKey } from './event-key.ts';

/** Sources of events hold no control characters, so nobody can send usage whose key is one of these. */
const SOURCE = 'tollkeeper\u0000correction';

/**
 * The keys of the entries that the n-th correction of an event posts, at the event's own time. They follow from the event
 * and the number alone: two corrections that start from the same state meet in the index on entries, and one of them fails.
 */
export function correctionKeys(
  tenant: string,
  event: EventKey,
  correctionNo: number,
): { readonly reversal: EventKey; readonly amended: EventKey } {
  const id = `${formatEventKey(event)}\u0000${correctionNo}`;
  const keyOf = (what: string) =>
    eventKeyOf({ tenant, source: SOURCE, id: `${id}\u0000${what}`, occurredAtMs: event.timeMs });
  return { reversal: keyOf('reversal'), amended: keyOf('amended') };
}
