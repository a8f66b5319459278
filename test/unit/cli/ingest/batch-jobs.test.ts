import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchJobs, type IngestJob } from '../../../../src/cli/ingest/batch-jobs.ts';
import type { IngestLine } from '../../../../src/cli/ingest/ingest-line.ts';
import { parseJob } from '../../../../src/domain/events/parse-job.ts';

async function* from(lines: readonly IngestLine[], failure?: Error): AsyncGenerator<IngestLine> {
  yield* lines;
  if (failure !== undefined) throw failure;
}

async function collect(jobs: AsyncIterable<IngestJob>): Promise<IngestJob[]> {
  const all: IngestJob[] = [];
  for await (const job of jobs) all.push(job);
  return all;
}

const many = (count: number): IngestLine[] =>
  Array.from({ length: count }, (_, index) => ({ line: index + 1, raw: { id: `e${index}` } }));

describe('jobs of a file', () => {
  test('hold at most 5,000 events, in order, and the last one what is left', async () => {
    const jobs = await collect(batchJobs(from(many(12_001))));
    expect(jobs.map(({ data }) => data.events.length)).toEqual([5_000, 5_000, 2_001]);
    expect(jobs.flatMap(({ lines }) => lines)).toEqual(many(12_001).map(({ line }) => line));
  });

  test('stay under their bytes, and say how many they are', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => ({ line: index + 1, raw: { text: 'é'.repeat(100_000) } }));
    const jobs = await collect(batchJobs(from(lines), { clock: 'file' }));
    expect(jobs.length).toBeGreaterThan(2);
    for (const { data, bytes } of jobs) {
      const size = Buffer.byteLength(JSON.stringify(data));
      expect(size).toBeLessThanOrEqual(bytes);
      expect(size).toBeLessThan(3 * 1024 * 1024);
      expect(data.clock).toBe('file');
    }
  });

  test('carry unreadable lines as text, which the pipeline rejects with its value', async () => {
    const lines: IngestLine[] = [
      { line: 1, raw: { id: 'a' } },
      { line: 2, unreadable: '{"id": "b",', reason: 'not valid JSON', code: 'JOB_NOT_JSON', id: 'b' },
    ];
    const [job] = await collect(batchJobs(from(lines)));
    expect(job).toMatchObject({ unreadable: 1, lines: [1, 2], data: { v: 1, events: [{ id: 'a' }, {}] } });
    const parsed = parseJob(job?.data, { trusted: true });
    expect(parsed.ok && parsed.events[1]).toMatchObject({
      ok: false,
      id: 'b',
      rejection: { code: 'JOB_NOT_JSON', value: JSON.stringify('{"id": "b",') },
    });
  });

  test('what was read before a file broke off is handed over before the error', async () => {
    const jobs: IngestJob[] = [];
    const run = async () => {
      for await (const job of batchJobs(from(many(3), new Error('truncated')))) jobs.push(job);
    };
    await expect(run()).rejects.toThrow('truncated');
    expect(jobs.map(({ lines }) => lines)).toEqual([[1, 2, 3]]);
  });

  test('lose and repeat nothing, whatever the limits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 100, max: 400 }),
        async (values, eventsMax, bytesMax) => {
          const lines = values.map((raw, index) => ({ line: index + 1, raw }));
          const jobs = await collect(batchJobs(from(lines), { eventsMax, bytesMax }));
          expect(jobs.flatMap(({ data }) => data.events)).toEqual(values);
          for (const { data, bytes } of jobs) {
            expect(data.events.length).toBeLessThanOrEqual(eventsMax);
            expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThanOrEqual(bytes);
            if (data.events.length > 1) expect(bytes).toBeLessThanOrEqual(bytesMax);
          }
        },
      ),
    );
  });
});
