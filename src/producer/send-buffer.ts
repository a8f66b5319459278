import { AppError } from '../errors.ts';

/** A validated event as JSON text, waiting to be sent. */
interface Entry {
  /** Order of arrival, starting at 1. */
  readonly seq: number;
  readonly text: string;
  readonly bytes: number;
  readonly onSent: ((jobId: string) => void) | undefined;
}

/** A job ready for the queue. */
export interface OutgoingJob {
  readonly id: string;
  readonly texts: readonly string[];
}

export interface SendBufferOptions {
  readonly batchEvents: number;
  readonly batchBytes: number;
  readonly lingerMs: number;
  readonly bufferEventsMax: number;
  readonly bufferBytesMax: number;
  readonly onFull: 'wait' | 'reject';
  readonly idOf: (texts: readonly string[]) => string;
  /** Resolves when the queue has acknowledged every job. Repeating it must be harmless. */
  readonly send: (jobs: readonly OutgoingJob[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

interface Waiter {
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One call to the queue carries several jobs, so that a round trip is shared by thousands of events. */
const JOBS_PER_SEND = 20;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/**
 * A bounded buffer with one sender: order is kept, nothing leaves the buffer before the queue has acknowledged it, and
 * a full buffer makes callers wait. Counts what it did.
 */
export class SendBuffer {
  readonly #options: SendBufferOptions;
  #entries: Entry[] = [];
  /** Bytes of everything accepted and not acknowledged. */
  #bytes = 0;
  #admitting: { readonly entry: Entry; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #flushing: Waiter[] = [];
  #lastSeq = 0;
  #flushTo = 0;
  #acknowledged = 0;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #isSending = false;
  #abandoned: AppError | undefined;
  #wakeRetry: (() => void) | undefined;
  jobs = 0;
  retries = 0;

  constructor(options: SendBufferOptions) {
    this.#options = options;
  }

  /** Accepted, waiting for room, or on its way; not acknowledged yet. */
  get buffered(): number {
    return this.#lastSeq - this.#acknowledged;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Resolves when the event is in the buffer. */
  add(text: string, onSent?: (jobId: string) => void): Promise<void> {
    if (this.#abandoned !== undefined) return Promise.reject(this.#abandoned);
    const bytes = Buffer.byteLength(text) + 1;
    const isFull = this.#admitting.length > 0 || !this.#hasRoom(bytes);
    if (isFull && this.#options.onFull === 'reject') {
      const message = `The buffer holds ${this.#entries.length + this.#inFlight} events that the queue has not acknowledged.`;
      return Promise.reject(new AppError('BUFFER_FULL', message));
    }
    this.#lastSeq += 1;
    const entry = { seq: this.#lastSeq, text, bytes, onSent };
    if (!isFull) {
      this.#accept(entry);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#admitting.push({ entry, resolve, reject }));
  }

  /** Resolves when everything added before is acknowledged by the queue. */
  flush(): Promise<void> {
    if (this.#abandoned !== undefined) return Promise.reject(this.#abandoned);
    const seq = this.#lastSeq;
    if (this.#acknowledged >= seq) return Promise.resolve();
    this.#flushTo = seq;
    const done = new Promise<void>((resolve, reject) => this.#flushing.push({ seq, resolve, reject }));
    this.#schedule();
    return done;
  }

  /** Gives up on what is not acknowledged: every waiting caller is told. */
  abandon(error: AppError): void {
    this.#abandoned = error;
    clearTimeout(this.#timer);
    for (const waiter of [...this.#admitting, ...this.#flushing]) waiter.reject(error);
    this.#admitting = [];
    this.#flushing = [];
    this.#wakeRetry?.();
  }

  #hasRoom(bytes: number): boolean {
    const { bufferEventsMax, bufferBytesMax } = this.#options;
    const events = this.#entries.length + this.#inFlight;
    // One event always fits, or an event larger than the limit would wait for ever.
    return events === 0 || (events < bufferEventsMax && this.#bytes + bytes <= bufferBytesMax);
  }

  #accept(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#schedule();
  }

  #schedule(): void {
    const first = this.#entries[0];
    if (first === undefined || this.#isSending || this.#abandoned !== undefined) return;
    if (this.#entries.length >= this.#options.batchEvents || first.seq <= this.#flushTo) {
      void this.#sendAll();
      return;
    }
    // The timer keeps the process alive on purpose: events in the buffer exist nowhere else.
    this.#timer ??= setTimeout(() => void this.#sendAll(), this.#options.lingerMs);
  }

  async #sendAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      const batches = this.#takeBatches();
      const jobs = batches.map((batch) => {
        const texts = batch.map(({ text }) => text);
        return { id: this.#options.idOf(texts), texts };
      });
      if (await this.#sendUntilAcknowledged(jobs)) this.#acknowledge(batches, jobs);
    } finally {
      this.#isSending = false;
      this.#schedule();
    }
  }

  #takeBatches(): Entry[][] {
    const { batchEvents, batchBytes } = this.#options;
    const batches: Entry[][] = [];
    let batch: Entry[] = [];
    let bytes = 0;
    let taken = 0;
    for (const entry of this.#entries) {
      if (batch.length > 0 && (batch.length >= batchEvents || bytes + entry.bytes > batchBytes)) {
        batches.push(batch);
        batch = [];
        bytes = 0;
        if (batches.length === JOBS_PER_SEND) break;
      }
      batch.push(entry);
      bytes += entry.bytes;
      taken += 1;
    }
    if (batch.length > 0) batches.push(batch);
    this.#entries = this.#entries.slice(taken);
    this.#inFlight = taken;
    return batches;
  }

  /** Job ids make a repeated add harmless, so whatever goes wrong is simply tried again. */
  async #sendUntilAcknowledged(jobs: readonly OutgoingJob[]): Promise<boolean> {
    for (let attempt = 0; this.#abandoned === undefined; attempt += 1) {
      try {
        await this.#options.send(jobs);
        return this.#abandoned === undefined;
      } catch (error) {
        this.retries += 1;
        this.#options.onError(error);
        await this.#pause(Math.min(RETRY_MS_MIN * 2 ** attempt, RETRY_MS_MAX));
      }
    }
    return false;
  }

  #pause(ms: number): Promise<void> {
    if (this.#abandoned !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeRetry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #acknowledge(batches: readonly (readonly Entry[])[], jobs: readonly OutgoingJob[]): void {
    this.jobs += jobs.length;
    for (const [index, batch] of batches.entries()) {
      const jobId = jobs[index]?.id ?? '';
      for (const entry of batch) {
        this.#bytes -= entry.bytes;
        this.#acknowledged = entry.seq;
        entry.onSent?.(jobId);
      }
    }
    this.#inFlight = 0;
    for (
      let next = this.#admitting[0];
      next !== undefined && this.#hasRoom(next.entry.bytes);
      next = this.#admitting[0]
    ) {
      this.#admitting.shift();
      this.#accept(next.entry);
      next.resolve();
    }
    const done = this.#flushing.filter(({ seq }) => seq <= this.#acknowledged);
    this.#flushing = this.#flushing.filter(({ seq }) => seq > this.#acknowledged);
    for (const { resolve } of done) resolve();
  }
}
