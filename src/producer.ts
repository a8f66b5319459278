import { jobIdOf } from './domain/events/job-id.ts';
import { parseUsageEvent } from './domain/events/parse-event.ts';
import { JOB_BYTES_MAX, JOB_EVENTS_MAX } from './domain/events/parse-job.ts';
import type { EventStatus } from './domain/events/usage-event.ts';
import { AppError } from './errors.ts';
import { openProducerQueue, type ProducerConnection, type ProducerQueue } from './producer/producer-queue.ts';
import { SendBuffer } from './producer/send-buffer.ts';
import { EventRejectedError, type UsageEventInput } from './producer/usage-event-input.ts';

export type { EventStatus, QuarantineReason, Rejection, RejectionCode } from './domain/events/usage-event.ts';
export { AppError } from './errors.ts';
export type { ProducerConnection } from './producer/producer-queue.ts';
export { EventRejectedError, type UsageEventInput } from './producer/usage-event-input.ts';

/** What a usage job returns: one status per event, in the order they were sent. */
export interface UsageJobResult {
  readonly v: 1;
  readonly results: readonly EventStatus[];
}

export interface ProducerOptions {
  readonly connection: ProducerConnection;
  /** Events per job; at most 10,000. */
  readonly batchEvents?: number;
  /** How long the first event of a job waits for others. */
  readonly lingerMs?: number;
  /** Events kept until the queue has acknowledged them. */
  readonly bufferEventsMax?: number;
  readonly bufferBytesMax?: number;
  /** What `add` does when the buffer is full: wait for room, or reject with BUFFER_FULL. */
  readonly onFull?: 'wait' | 'reject';
  readonly queueName?: string;
  /** Key prefix on Redis, when Tollkeeper's is not BullMQ's own. */
  readonly prefix?: string;
  /** Told about every failed attempt and lost connection; the producer goes on by itself. */
  readonly onError?: (error: unknown) => void;
}

export interface ProducerStats {
  /** Events taken by `add`. */
  readonly added: number;
  /** Events refused by `add`, with an EventRejectedError. */
  readonly rejected: number;
  /** Events the queue has not acknowledged, wherever they are. */
  readonly buffered: number;
  /** Of these, on their way right now. */
  readonly inFlight: number;
  readonly acknowledged: number;
  readonly jobs: number;
  readonly retries: number;
}

/** Sends usage to Tollkeeper. Close it, or use `await using`, before the process ends. */
export interface UsageProducer extends AsyncDisposable {
  /** Resolves when the event is in the buffer; waits when that is full. */
  add(event: UsageEventInput): Promise<void>;
  /** Resolves when the queue has acknowledged the event, with the id of the job that carries it. */
  addDurable(event: UsageEventInput): Promise<{ readonly jobId: string }>;
  /** Resolves when everything added before is acknowledged by the queue. */
  flush(): Promise<void>;
  /**
   * Flushes and disconnects. What the queue has not acknowledged after `timeoutMs` (default 30 s; `Infinity` waits
   * without end) is given up: the promise then rejects with QUEUE_UNREACHABLE and the number of events.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
  stats(): ProducerStats;
}

/** Room for the envelope and for what JSON adds when BullMQ writes the job. */
const BATCH_BYTES = Math.floor(JOB_BYTES_MAX * 0.9);

/** Supervisors kill what has not ended by about then, and killed it could not say what was lost. */
const CLOSE_MS = 30_000;
/** Longer than a timer can run; from here on there is none. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** How long a connection may take to end once everything is sent. */
const HANG_UP_MS = 2_000;

/** Opens a producer. It connects in the background; events can be added at once. */
export function createProducer(options: ProducerOptions): UsageProducer {
  const onError = options.onError ?? (() => undefined);
  const { queueName = 'usage', prefix, batchEvents = 500 } = options;
  const queue = openProducerQueue({ connection: options.connection, queueName, prefix, onError });
  const buffer = new SendBuffer({
    batchEvents: Math.max(1, Math.min(batchEvents, JOB_EVENTS_MAX)),
    batchBytes: BATCH_BYTES,
    lingerMs: options.lingerMs ?? 20,
    bufferEventsMax: Math.max(1, options.bufferEventsMax ?? 50_000),
    bufferBytesMax: options.bufferBytesMax ?? 256 * 1024 * 1024,
    onFull: options.onFull ?? 'wait',
    idOf: jobIdOf,
    send: queue.send,
    onError,
  });
  const counts = { added: 0, rejected: 0 };
  let closing: Promise<void> | undefined;

  async function take(event: UsageEventInput, onSent?: (jobId: string) => void): Promise<void> {
    if (closing !== undefined) throw new AppError('PRODUCER_CLOSED', 'The producer is closed.');
    const text = check(event);
    if (typeof text !== 'string') {
      counts.rejected += 1;
      throw text;
    }
    await buffer.add(text, onSent);
    counts.added += 1;
  }

  async function end(timeoutMs: number): Promise<void> {
    const giveUp = () => {
      const count = buffer.buffered === 1 ? '1 event was' : `${buffer.buffered} events were`;
      const message = `${count} not acknowledged within ${timeoutMs} ms and given up.`;
      buffer.abandon(new AppError('QUEUE_UNREACHABLE', message, { fix: GIVEN_UP_FIX }));
    };
    const timer = timeoutMs > TIMER_MS_MAX ? undefined : setTimeout(giveUp, timeoutMs);
    try {
      await buffer.flush();
    } catch (error) {
      queue.disconnect();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    await hangUp(queue, onError);
  }

  const close = (how: { readonly timeoutMs?: number } = {}) => {
    closing ??= end(how.timeoutMs ?? CLOSE_MS);
    return closing;
  };
  return {
    add: (event) => take(event),
    addDurable(event) {
      return new Promise((resolve, reject) => {
        take(event, (jobId) => resolve({ jobId }))
          .then(() => buffer.flush())
          .catch(reject);
      });
    },
    flush: () => buffer.flush(),
    close,
    stats: () => ({
      ...counts,
      buffered: buffer.buffered,
      inFlight: buffer.inFlight,
      acknowledged: buffer.acknowledged,
      jobs: buffer.jobs,
      retries: buffer.retries,
    }),
    [Symbol.asyncDispose]: () => close(),
  };
}

const GIVEN_UP_FIX =
  'Send them again from your own records once the queue is reachable (the same id and time are never charged twice), or close with a longer timeoutMs.';

/** Ends the connection. Everything is sent by then, so a server that is gone is not waited for and nobody's failure. */
async function hangUp(queue: ProducerQueue, onError: (error: unknown) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), HANG_UP_MS);
  });
  const closed = queue.close().catch(onError);
  if ((await Promise.race([closed, late])) === 'late') queue.disconnect();
  clearTimeout(timer);
}

/** The event as JSON text, because the caller may change the object while it waits; or why it would be rejected. */
function check(event: UsageEventInput): string | EventRejectedError {
  const parsed = parseUsageEvent(event, false);
  if (!parsed.ok) return new EventRejectedError(parsed.id, parsed.rejection);
  try {
    return JSON.stringify(event);
  } catch (error) {
    // Only properties can hold what JSON has no form for, such as a bigint.
    const value = error instanceof Error ? error.message : String(error);
    const fix = 'Send plain JSON values in properties.';
    return new EventRejectedError(event.id, { code: 'EVENT_FIELD_TYPE', field: 'properties', value, fix });
  }
}
