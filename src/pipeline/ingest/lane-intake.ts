import { parseUsageEvent } from '../../domain/events/parse-event.ts';
import type { EventStatus } from '../../domain/events/usage-event.ts';
import { LaneEventFactory } from '../lane/lane-event.ts';
import type { LaneWriter } from '../lane/lane-writer.ts';
import type { DeliveredJob } from './queue-port.ts';

/** What a lane's child job returns: its own id, so that the parent finds its share, and one status per event. */
export interface LaneJobResult {
  readonly child: string;
  readonly results: readonly EventStatus[];
}

interface LaneJob {
  readonly child: string;
  readonly events: readonly { readonly at: number; readonly raw: unknown; readonly tenant?: string }[];
}

/** Posts events that another process's router forwarded to the lane this process owns. */
export async function processLaneJob(job: DeliveredJob, writer: LaneWriter, currency: string): Promise<LaneJobResult> {
  // Only our own router writes to lane queues, after it parsed every event itself.
  const { child, events } = job.data as LaneJob;
  const factory = new LaneEventFactory(currency);
  const items = events.map(({ at, raw, tenant }) => {
    const parsed = parseUsageEvent(raw, true, tenant);
    if (!parsed.ok)
      throw new TypeError(`lane job ${job.id} holds an event its router refused: ${parsed.rejection.code}`);
    return factory.prepare(parsed.event, at);
  });
  return { child, results: await writer.submit(items) };
}
