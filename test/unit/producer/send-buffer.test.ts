import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { type OutgoingJob, SendBuffer, type SendBufferOptions } from '../../../src/producer/send-buffer.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function open(options: Partial<SendBufferOptions> = {}) {
  const sent: OutgoingJob[][] = [];
  const errors: unknown[] = [];
  const buffer = new SendBuffer({
    batchEvents: 3,
    batchBytes: 1_000,
    lingerMs: 20,
    bufferEventsMax: 100,
    bufferBytesMax: 100_000,
    onFull: 'wait',
    idOf: (texts) => `id-${texts.join('-')}`,
    send: async (jobs) => {
      sent.push([...jobs]);
    },
    onError: (error) => errors.push(error),
    ...options,
  });
  return { buffer, sent, errors, texts: () => sent.flat().map((job) => job.texts) };
}

/** A queue that answers when the test says so. */
function slowQueue() {
  const answers: {
    readonly jobs: readonly OutgoingJob[];
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  const send = (jobs: readonly OutgoingJob[]) =>
    new Promise<void>((resolve, reject) => answers.push({ jobs, resolve, reject }));
  return { answers, send };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('the send buffer', () => {
  test('sends a full batch at once and the rest after lingering', async () => {
    const { buffer, texts } = open();
    for (const text of ['a', 'b', 'c', 'd']) await buffer.add(text);
    await settle();
    expect(texts()).toEqual([['a', 'b', 'c']]);
    await vi.advanceTimersByTimeAsync(20);
    expect(texts()).toEqual([['a', 'b', 'c'], ['d']]);
    expect(buffer).toMatchObject({ buffered: 0, acknowledged: 4, jobs: 2, retries: 0 });
  });

  test('flush resolves only after the queue has acknowledged what was added before', async () => {
    const { answers, send } = slowQueue();
    const { buffer } = open({ send });
    await buffer.add('a');
    let flushed = false;
    void buffer.flush().then(() => {
      flushed = true;
    });
    await settle();
    expect(flushed).toBe(false);
    await buffer.add('later');
    answers[0]?.resolve();
    await settle();
    expect(flushed).toBe(true);
    expect(buffer.buffered).toBe(1);
  });

  test('a full buffer makes callers wait, and lets them in as the queue acknowledges', async () => {
    const { answers, send } = slowQueue();
    const { buffer } = open({ send, bufferEventsMax: 3 });
    for (const text of ['a', 'b', 'c']) await buffer.add(text);
    let admitted = false;
    void buffer.add('d').then(() => {
      admitted = true;
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(admitted).toBe(false);
    answers[0]?.resolve();
    await settle();
    expect(admitted).toBe(true);
  });

  test('a full buffer may reject instead', async () => {
    const { send } = slowQueue();
    const { buffer } = open({ send, bufferEventsMax: 1, onFull: 'reject' });
    await buffer.add('a');
    await expect(buffer.add('b')).rejects.toMatchObject({ code: 'BUFFER_FULL' });
    expect(buffer.buffered).toBe(1);
  });

  test('bytes fill a batch and a buffer too, and a large event alone still passes', async () => {
    const { buffer, texts } = open({ batchEvents: 100, batchBytes: 10, bufferBytesMax: 12 });
    await buffer.add('x'.repeat(50));
    const waiting = buffer.add('four');
    await vi.advanceTimersByTimeAsync(100);
    await waiting;
    await buffer.flush();
    expect(texts()).toEqual([['x'.repeat(50)], ['four']]);
  });

  test('a queue that is away loses nothing: the same jobs are sent again until it answers', async () => {
    let isAway = true;
    const attempts: string[][] = [];
    const { buffer, errors } = open({
      send: async (jobs) => {
        attempts.push(jobs.map(({ id }) => id));
        if (isAway) throw new Error('ECONNREFUSED');
      },
    });
    await buffer.add('a');
    const flushed = buffer.flush();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(buffer.buffered).toBe(1);
    isAway = false;
    await vi.advanceTimersByTimeAsync(5_000);
    await flushed;
    expect(new Set(attempts.flat())).toEqual(new Set(['id-a']));
    expect(buffer.retries).toBe(errors.length);
    expect(buffer.retries).toBeGreaterThan(10);
    expect(buffer).toMatchObject({ buffered: 0, acknowledged: 1, jobs: 1 });
  });

  test('giving up tells everybody who waits', async () => {
    const { buffer } = open({ send: () => Promise.reject(new Error('away')), bufferEventsMax: 1 });
    await buffer.add('a');
    const waiting = [buffer.flush(), buffer.add('b')];
    buffer.abandon(new AppError('QUEUE_UNREACHABLE', '2 events are lost'));
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    await expect(buffer.add('c')).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('keeps order and sends every event exactly once, whatever the sizes and failures', async () => {
    vi.useRealTimers();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 12 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 3, max: 40 }),
        async (texts, batchEvents, bufferEventsMax, batchBytes) => {
          const { buffer, sent } = open({ batchEvents, bufferEventsMax, batchBytes, lingerMs: 0 });
          await Promise.all(texts.map((text) => buffer.add(text)));
          await buffer.flush();
          expect(sent.flat().flatMap((job) => job.texts)).toEqual(texts);
          expect(buffer).toMatchObject({ buffered: 0, inFlight: 0, acknowledged: texts.length });
          for (const { texts: batch } of sent.flat()) expect(batch.length).toBeLessThanOrEqual(batchEvents);
        },
      ),
      { numRuns: 50 },
    );
  });
});
