import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { batchJobs } from '../../../../src/cli/ingest/batch-jobs.ts';
import { parseMapping } from '../../../../src/cli/ingest/field-map.ts';
import { type ReadOptions, readEvents } from '../../../../src/cli/ingest/read-events.ts';
import type { ParsedEvent } from '../../../../src/domain/events/parse-event.ts';
import { parseJob } from '../../../../src/domain/events/parse-job.ts';

const scenario = (name: string) => fileURLToPath(new URL(`../../../../fixtures/scenarios/${name}`, import.meta.url));

interface Judged {
  readonly line: number;
  readonly parsed: ParsedEvent | undefined;
  /** What is kept of a rejected event. */
  readonly raw: unknown;
}

/** What the pipeline makes of every line, after the job went through a queue as JSON. */
async function judge(path: string, options: ReadOptions = {}): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  for await (const job of batchJobs(readEvents(path, options))) {
    const read = parseJob(JSON.parse(JSON.stringify(job.data)), { trusted: true });
    if (!read.ok) throw new Error(`the job was refused: ${read.rejection.code}`);
    judged.push(...job.lines.map((line, at) => ({ line, parsed: read.events[at], raw: read.raws[at] })));
  }
  return judged;
}

async function judgeText(text: string, options: ReadOptions = {}): Promise<Judged> {
  const [only] = await judge('-', { ...options, stdin: Readable.from([Buffer.from(text)]) });
  if (only === undefined) throw new Error('there is no line');
  return only;
}

describe('a line of a file', () => {
  test('is refused with the code that the scenario of bad input expects', async () => {
    const lines = z
      .array(z.object({ line: z.number(), status: z.string(), code: z.string().optional() }))
      .parse(JSON.parse(readFileSync(scenario('bad-input.expected.json'), 'utf8')));
    const expected = lines.filter(({ status }) => status === 'rejected').map(({ line, code }) => [line, code]);
    const judged = await judge(scenario('bad-input.ndjson'));
    const refused = judged.flatMap(({ line, parsed }) => (parsed?.ok === false ? [[line, parsed.rejection.code]] : []));
    expect(refused).toEqual(expected);
  });

  test.each([
    ['quantity', '1e400', 'QUANTITY_NOT_FINITE'],
    ['quantity', '-1E+999', 'QUANTITY_NOT_FINITE'],
    ['occurredAt', '2e308', 'TIME_INVALID'],
    ['sequence', '1e999', 'SEQUENCE_INVALID'],
    ['color', '1e999', 'EVENT_FIELD_UNKNOWN'],
  ])('with %s %s, beyond what a number holds, is refused with the value as written', async (field, value, code) => {
    const fields = { id: 'e1', source: 'gw', account: 'a', meter: 'm', quantity: 1, occurredAt: 0, [field]: 'HERE' };
    const text = JSON.stringify(fields).replace('"HERE"', value);
    const { parsed, raw } = await judgeText(text);
    expect(parsed).toMatchObject({ ok: false, id: 'e1', source: 'gw', rejection: { code, field, value } });
    expect(raw).toBe(text);
  });

  test('keeps such a value under the name that its field is mapped to, and as text among the properties', async () => {
    const text = '{"event":"e1","n":1e400,"cost":1e999,"source":"gw","account":"a","meter":"m","occurredAt":0}';
    const { parsed, raw } = await judgeText(text, { map: parseMapping('id=event,quantity=n') });
    expect(parsed).toMatchObject({ id: 'e1', rejection: { code: 'QUANTITY_NOT_FINITE', value: '1e400' } });
    expect(raw).toContain('"quantity":1e400');
    expect(raw).toContain('"cost":"1e999"');
  });

  test('that is cut off is refused as no JSON, under the id and source that can still be read', async () => {
    const text = '{"properties":{"id":"inner"},"id":"ev_\\u0063ut","source":"gw","acc';
    const { parsed, raw } = await judgeText(text);
    expect(parsed).toMatchObject({ ok: false, id: 'ev_cut', source: 'gw', rejection: { code: 'JOB_NOT_JSON' } });
    expect(parsed?.ok === false && parsed.rejection.fix).toContain('not valid JSON');
    expect(raw).toBe(text);
  });

  test.each([['{"id":"ev_c'], ['not json'], ['{"properties":{"id":"inner"'], ['{"id":7,'], ['{{{{'], ['{"id" "x",']])(
    'whose id cannot be read has none: %s',
    async (text) => {
      const { parsed } = await judgeText(text, { format: 'ndjson' });
      expect(parsed).toMatchObject({ ok: false, id: null, rejection: { code: 'JOB_NOT_JSON' } });
    },
  );

  test('that is cut off is found under its mapped id', async () => {
    const { parsed } = await judgeText('{"event":"e7","n":', { map: parseMapping('id=event') });
    expect(parsed).toMatchObject({ ok: false, id: 'e7' });
  });

  test('of a table that cannot be read says why', async () => {
    const header = 'id,source,account,meter,quantity,occurredAt\n';
    const { parsed } = await judgeText(`${header}short,row\n`);
    expect(parsed).toMatchObject({ ok: false, rejection: { code: 'EVENT_NOT_OBJECT', value: '"short,row"' } });
    expect(parsed?.ok === false && parsed.rejection.fix).toBe(
      'The line cannot be read: 2 cells under 6 columns. Correct it and send it again.',
    );
  });

  test('is an event as text for our own commands only', async () => {
    for await (const { data } of batchJobs(readEvents('-', { stdin: Readable.from([Buffer.from('{"id":')]) }))) {
      expect(parseJob(data, { trusted: false })).toMatchObject({
        ok: true,
        events: [{ ok: false, rejection: { code: 'EVENT_FIELD_UNKNOWN' } }],
      });
    }
  });
});
