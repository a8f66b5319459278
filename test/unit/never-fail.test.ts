import { describe, expect, test } from 'vitest';
import { neverFail } from '../../src/pipeline/ingest/never-fail.ts';
import {
  type DeliveredJob,
  JobGivenBack,
  type JobProcessor,
  WaitingForChildren,
} from '../../src/pipeline/ingest/queue-port.ts';
import type { RejectedEvent } from '../../src/pipeline/ingest/rejection-log.ts';

const job: DeliveredJob = {
  queue: 'usage',
  id: '1',
  data: { id: 'evt-1' },
  size: 2,
  isRedelivered: false,
  childResults: async () => new Map(),
  awaitChildren: async () => undefined,
};

/** Runs a processor that meets these errors one after the other and then succeeds. */
async function meet(
  errors: readonly unknown[],
  options: { readonly stopsAfter?: number; readonly logErrors?: number } = {},
) {
  const left = [...errors];
  const recorded: RejectedEvent[] = [];
  let slept = 0;
  let logErrors = options.logErrors ?? 0;
  const process: JobProcessor = async () => {
    if (left.length > 0) throw left.shift();
    return 'done';
  };
  const guarded = neverFail(process, {
    rejections: {
      record: async (_job, rejected) => {
        if (logErrors-- > 0) throw new Error('the database is away');
        recorded.push(...rejected);
      },
    },
    sleep: async () => {
      slept++;
    },
    onRetry: () => undefined,
    isStopping: () => slept >= (options.stopsAfter ?? Number.POSITIVE_INFINITY),
  });
  return { value: await guarded(job).catch((error: unknown) => error), recorded };
}

const away = new Error('connection refused');
const bug = new TypeError('undefined is not a function');

describe('a usage job', () => {
  test('outlives every infrastructure error, however many there are', async () => {
    expect(await meet(new Array(200).fill(away))).toEqual({ value: 'done', recorded: [] });
  });

  test('that meets a bug of ours again and again is set aside whole, and reported as rejected', async () => {
    const { value, recorded } = await meet(new Array(9).fill(bug));
    expect(value).toMatchObject({ v: 1, results: [{ status: 'rejected', code: 'JOB_FAILED', value: bug.message }] });
    expect(recorded).toMatchObject([{ position: 0, raw: job.data }]);
  });

  test('is not lost when the database is away just as it is set aside', async () => {
    const { value, recorded } = await meet(new Array(9).fill(bug), { logErrors: 4 });
    expect(value).toMatchObject({ results: [{ code: 'JOB_FAILED', value: bug.message }] });
    expect(recorded).toHaveLength(1);
  });

  test('is not set aside for a few bugs among many infrastructure errors', async () => {
    expect((await meet([bug, away, bug, away, away, bug])).value).toBe('done');
  });

  test('goes back to its queue when the process is stopping, instead of failing', async () => {
    expect((await meet(new Array(9).fill(away), { stopsAfter: 2 })).value).toBeInstanceOf(JobGivenBack);
  });

  test('that waits for its children, or was given back, is left alone', async () => {
    for (const signal of [new WaitingForChildren(), new JobGivenBack()])
      expect((await meet([signal])).value).toBe(signal);
  });
});
