import { ARRIVAL_PROPERTY } from '../../domain/events/event-key.ts';
import type { ParsedEvent } from '../../domain/events/parse-event.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import type { History, HistoryEvent, UnreadableEvent } from '../../pipeline/backtest/history-event.ts';

/** Events of a request as history, in their order; arrival is `properties.received_at`, else their own time. */
export function listHistory(parsed: readonly ParsedEvent[]): History {
  const events: HistoryEvent[] = [];
  const unreadable: UnreadableEvent[] = [];
  for (const [index, one] of parsed.entries()) {
    if (!one.ok) {
      unreadable.push({ line: index + 1, code: one.rejection.code, reason: one.rejection.fix });
      continue;
    }
    const { id, source, account, meter, quantity, occurredAtMs, sequence, properties } = one.event;
    const arrival = properties?.[ARRIVAL_PROPERTY];
    const arrivedAtMs = (typeof arrival === 'string' ? parseRfc3339(arrival) : undefined) ?? occurredAtMs;
    const numbers = { quantity: Number(quantity.text), occurredAtMs, arrivedAtMs, sequence, index };
    events.push({ id, source, account, meter, properties, ...numbers, known: undefined, knownNanos: undefined });
  }
  return {
    name: 'the posted events',
    eventsExpected: events.length,
    blocks: async function* () {
      yield { events, unreadable };
    },
  };
}
