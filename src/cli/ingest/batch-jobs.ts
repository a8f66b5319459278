import { type IngestLine, queueEvent } from './ingest-line.ts';

/** A job for the usage queue. `lines` names the line each event came from, for reports on single events. */
export interface IngestJob {
  readonly data: { readonly v: 1; readonly clock?: 'file'; readonly events: readonly unknown[] };
  readonly lines: readonly number[];
  /** How many of the events are lines that could not be read. */
  readonly unreadable: number;
  /** Size of `data` as JSON. */
  readonly bytes: number;
}

export interface BatchOptions {
  /** `file`: the pipeline takes its time from each event's `properties.received_at`. */
  readonly clock?: 'file';
  readonly eventsMax?: number;
  readonly bytesMax?: number;
}

/** Below the queue's own limits (10,000 events, 4 MiB), so that a job is never refused for its size. */
const EVENTS_MAX = 5_000;
const BYTES_MAX = 3 * 1024 * 1024;
const ENVELOPE_BYTES = 64;

/**
 * Gathers lines into jobs, in order. A line that could not be read goes along as its text, which the pipeline rejects
 * with the reason: so it is kept and counted like every other bad event.
 */
export async function* batchJobs(
  lines: AsyncIterable<IngestLine>,
  { clock, eventsMax = EVENTS_MAX, bytesMax = BYTES_MAX }: BatchOptions = {},
): AsyncGenerator<IngestJob, void, undefined> {
  let draft = emptyDraft();
  const finish = (): IngestJob => {
    const { events, numbers, unreadable, bytes } = draft;
    draft = emptyDraft();
    const data: IngestJob['data'] = { v: 1, ...(clock === undefined ? {} : { clock }), events };
    return { data, lines: numbers, unreadable, bytes };
  };
  try {
    for await (const item of lines) {
      const event = queueEvent(item);
      const bytes = Buffer.byteLength(JSON.stringify(event)) + 1;
      if (draft.events.length > 0 && (draft.events.length >= eventsMax || draft.bytes + bytes > bytesMax))
        yield finish();
      draft.events.push(event);
      draft.numbers.push(item.line);
      draft.bytes += bytes;
      if (!('raw' in item)) draft.unreadable += 1;
    }
  } catch (error) {
    // The file broke off: what was read so far is still handed over before the caller hears of it.
    if (draft.events.length > 0) yield finish();
    throw error;
  }
  if (draft.events.length > 0) yield finish();
}

interface Draft {
  readonly events: unknown[];
  readonly numbers: number[];
  unreadable: number;
  bytes: number;
}

function emptyDraft(): Draft {
  return { events: [], numbers: [], unreadable: 0, bytes: ENVELOPE_BYTES };
}
