import { ARRIVAL_PROPERTY } from '../../domain/events/event-key.ts';
import { parseUsageEvent } from '../../domain/events/parse-event.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import { queueEvent } from '../ingest/ingest-line.ts';
import { readEvents } from '../ingest/read-events.ts';
import type { DemoSource } from './demo.ts';

/**
 * A file as the demo's source. It is read twice: once to learn who appears in it, so that every wallet can be given its
 * opening balance before the first event, and once to replay it.
 */
export async function readDemoFile(
  path: string,
  openingBalanceNanos: bigint,
): Promise<{ readonly source: DemoSource; readonly startMs: number; readonly eventsExpected: number }> {
  const accounts = new Set<string>();
  let eventsExpected = 0;
  let startMs = Number.POSITIVE_INFINITY;
  for await (const line of readEvents(path)) {
    eventsExpected++;
    const parsed = 'raw' in line ? parseUsageEvent(line.raw, false) : undefined;
    if (parsed?.ok !== true) continue;
    const { account, occurredAtMs, properties } = parsed.event;
    accounts.add(account);
    const arrival = properties?.[ARRIVAL_PROPERTY];
    const arrivedAtMs = (typeof arrival === 'string' ? parseRfc3339(arrival) : undefined) ?? occurredAtMs;
    startMs = Math.min(startMs, occurredAtMs, arrivedAtMs);
  }
  const source: DemoSource = {
    accounts: [...accounts].map((account) => ({ account, openingTopUpNanos: openingBalanceNanos })),
    attacks: [],
    lookAlikes: [],
    async *events() {
      for await (const line of readEvents(path)) yield queueEvent(line);
    },
  };
  return { source, startMs: Number.isFinite(startMs) ? startMs : 0, eventsExpected };
}
