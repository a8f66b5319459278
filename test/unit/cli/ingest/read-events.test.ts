import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseMapping } from '../../../../src/cli/ingest/field-map.ts';
import { type IngestLine, type ReadOptions, readEvents } from '../../../../src/cli/ingest/read-events.ts';
import { AppError } from '../../../../src/errors.ts';

const dir = mkdtempSync(join(tmpdir(), 'tollkeeper-ingest-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const MEBIBYTE = 1024 * 1024;
const event = (id: string) => ({
  id,
  source: 'gw',
  account: 'acct_1',
  meter: 'tokens',
  quantity: '3',
  occurredAt: '2026-03-03T10:00:00Z',
});

async function collect(lines: AsyncIterable<IngestLine>): Promise<IngestLine[]> {
  const all: IngestLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

function readFile(name: string, content: string | Buffer, options: ReadOptions = {}): Promise<IngestLine[]> {
  const path = join(dir, name);
  writeFileSync(path, content);
  return collect(readEvents(path, options));
}

/** In chunks of one to `size` bytes, as a pipe would deliver them. */
function readPipe(content: string | Buffer, options: ReadOptions = {}, size = 7): Promise<IngestLine[]> {
  const bytes = Buffer.from(content);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return collect(readEvents('-', { ...options, stdin: Readable.from(chunks, { objectMode: true }) }));
}

const lineNumbers = (lines: readonly IngestLine[]) => lines.map(({ line }) => line);
const raws = (lines: readonly IngestLine[]) => lines.map((line) => ('raw' in line ? line.raw : line.reason));

async function failure(run: Promise<unknown>): Promise<AppError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error(`expected an AppError, got ${String(error)}`);
  return error;
}

describe('NDJSON', () => {
  test('BOM, CRLF, empty lines and a last line without newline', async () => {
    const text = `\ufeff${JSON.stringify(event('a'))}\r\n\r\n   \n${JSON.stringify(event('b'))}`;
    for (const lines of [await readFile('a.ndjson', text), await readPipe(text), await readPipe(text, {}, 1)]) {
      expect(lines).toEqual([
        { line: 1, raw: event('a') },
        { line: 4, raw: event('b') },
      ]);
    }
  });

  test('a bad line is kept with its number and reading goes on', async () => {
    const text = Buffer.concat([
      Buffer.from(`${JSON.stringify(event('a'))}\n{"id": "b",\nnull\n"text"\n[1]\n`),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
      Buffer.from(`${JSON.stringify(event('c'))}\n`),
    ]);
    const lines = await readPipe(text, { format: 'ndjson' });
    expect(raws(lines)).toEqual([event('a'), 'not valid JSON', null, 'text', [1], 'not valid UTF-8', event('c')]);
    expect(lines[1]).toMatchObject({ line: 2, unreadable: '{"id": "b",' });
    expect(lineNumbers(lines)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('a line of 10 MB is refused with its number, without being kept', async () => {
    const long = JSON.stringify({ ...event('x'), properties: { text: 'y'.repeat(10 * MEBIBYTE) } });
    const lines = await readFile(
      'long.ndjson',
      `${JSON.stringify(event('a'))}\n${long}\n${JSON.stringify(event('b'))}`,
    );
    expect(lineNumbers(lines)).toEqual([1, 2, 3]);
    expect(raws(lines)[1]).toMatch(/^104\d{5} bytes; a line may have 1048576$/);
    const refused = lines[1];
    expect(refused !== undefined && 'unreadable' in refused && refused.unreadable.length).toBe(4097);
  });

  test('a file that is one endless line does not fill memory', async () => {
    async function* endless() {
      const chunk = Buffer.alloc(MEBIBYTE, 'x');
      for (let count = 0; count < 200; count += 1) yield chunk;
    }
    const lines = await collect(readEvents('-', { format: 'ndjson', stdin: Readable.from(endless()) }));
    expect(lines).toHaveLength(1);
    expect(raws(lines)[0]).toContain('209715200 bytes');
  });

  test('JSON nested so deep that it could not be written again is refused', async () => {
    const lines = await readPipe(`${'['.repeat(50_000)}${']'.repeat(50_000)}\n{"a":"${'['.repeat(500)}"}`, {
      format: 'ndjson',
    });
    expect(raws(lines)).toEqual(['nested deeper than 64 levels', { a: '['.repeat(500) }]);
  });

  test('aliases are read, unknown fields stay for the rejection to name', async () => {
    const { occurredAt, ...rest } = event('a');
    const [line] = await readPipe(JSON.stringify({ ...rest, timestamp: occurredAt, seq: 4, color: 'red' }));
    expect(line).toEqual({ line: 1, raw: { ...rest, occurredAt, sequence: 4, color: 'red' } });
    const [both] = await readPipe(JSON.stringify({ ...event('a'), timestamp: 'other' }));
    expect(both).toEqual({ line: 1, raw: { ...event('a'), timestamp: 'other' } });
  });

  test('with a mapping, other fields become properties', async () => {
    const { occurredAt, account, ...rest } = event('a');
    const raw = { ...rest, ts: occurredAt, customer: account, region: 'eu', properties: { region: 'us', key: 'k' } };
    const [line] = await readPipe(JSON.stringify(raw), { map: parseMapping('occurredAt=ts, account=customer') });
    expect(line).toEqual({ line: 1, raw: { ...event('a'), properties: { region: 'us', key: 'k' } } });
  });

  test('__proto__ is data', async () => {
    const [line] = await readPipe('{"__proto__": {"admin": true}, "seq": 1}', { map: {} });
    expect(JSON.stringify(line)).toBe('{"line":1,"raw":{"sequence":1,"properties":{"__proto__":{"admin":true}}}}');
  });

  test('a JSON array is named as such', async () => {
    const error = await failure(readFile('array.json', '[\n{"id":"a"},\n{"id":"b"}\n]\n'));
    expect(error.message).toContain('is one JSON array');
    expect(error.fix).toContain("jq -c '.[]'");
  });
});

describe('CSV', () => {
  const header = 'id,source,account,meter,quantity,timestamp,seq,region,properties.received_at\n';
  const row = (id: string) => `${id},gw,acct_1,tokens,3,2026-03-03T10:00:00Z,7,eu,2026-03-03T10:00:01Z\n`;
  const read = (id: string) => ({
    ...event(id),
    sequence: 7,
    properties: { region: 'eu', received_at: '2026-03-03T10:00:01Z' },
  });

  test('columns become fields, the others properties; empty cells are absent', async () => {
    const text = `\ufeff${header}${row('a')}\n${row('b').replace(',eu,', ',,').trimEnd()}`.replaceAll('\n', '\r\n');
    for (const lines of [await readFile('a.csv', text), await readPipe(text, {}, 1)]) {
      expect(raws(lines)).toEqual([read('a'), { ...read('b'), properties: { received_at: '2026-03-03T10:00:01Z' } }]);
      expect(lineNumbers(lines)).toEqual([2, 4]);
    }
  });

  test('quotes, doubled quotes and line breaks inside a cell', async () => {
    const quoted = `"a","g""w","acct,1",tokens,3,1772532000000,7,"two\nlines",\n${row('b')}`;
    const lines = await readPipe(header + quoted);
    expect(lines[0]).toEqual({
      line: 2,
      raw: {
        ...event('a'),
        source: 'g"w',
        account: 'acct,1',
        occurredAt: 1772532000000,
        sequence: 7,
        properties: { region: 'two\nlines' },
      },
    });
    expect(lines[1]).toEqual({ line: 4, raw: read('b') });
  });

  test('a stray quote costs its line, not the rest of the file', async () => {
    const rows = Array.from({ length: 300 }, (_, index) => row(`e${index}`));
    rows[10] = `"open${rows[10] ?? ''}`;
    const lines = await readFile('stray.csv', header + rows.join(''));
    expect(lines).toHaveLength(300);
    expect(lines[10]).toMatchObject({ line: 12, reason: 'a quote is opened and not closed' });
    expect(raws(lines)[299]).toEqual(read('e299'));
  });

  test('two stray quotes cost their two lines', async () => {
    const lines = await readPipe(`${header}${row('a')}"b${row('b')}${row('c')}"d${row('d')}${row('e')}`);
    expect(lines.map((line) => ('raw' in line ? 'ok' : line.line))).toEqual(['ok', 3, 'ok', 5, 'ok']);
  });

  test('wrong numbers of cells, broken quotes, invalid UTF-8 and long lines are refused by number', async () => {
    const text = Buffer.concat([
      Buffer.from(`${header}${row('a')}short,row\n"x"y,gw,acct_1,tokens,3,2026-03-03T10:00:00Z,7,eu,"\n`),
      Buffer.from([0xff, 0x0a]),
      Buffer.from(`${'z'.repeat(10 * MEBIBYTE)}\n${row('b')}`),
    ]);
    const lines = await readFile('bad.csv', text);
    expect(raws(lines)).toEqual([
      read('a'),
      '2 cells under 9 columns',
      'a quote is opened and not closed',
      'not valid UTF-8',
      '10485760 bytes; a line may have 1048576',
      read('b'),
    ]);
    expect(lineNumbers(lines)).toEqual([2, 3, 4, 5, 6, 7]);
  });

  test('a header without the required columns says which are missing and how to map them', async () => {
    const error = await failure(readPipe('id,source,customer,meter,quantity,ts\n'));
    expect(error.code).toBe('CLI_USAGE');
    expect(error.message).toContain('no column for account, occurredAt. Its columns are "id", "source", "customer"');
    expect(error.fix).toBe('Add --map account=COLUMN,occurredAt=COLUMN.');
    const lines = await readPipe('id,source,customer,meter,quantity,ts\na,gw,acct_1,tokens,3,2026-03-03T10:00:00Z\n', {
      map: parseMapping('occurredAt=ts,account=customer'),
    });
    expect(raws(lines)).toEqual([event('a')]);
  });

  test('two columns of one name are refused', async () => {
    expect((await failure(readPipe(`${header.trim()},region\n`))).message).toContain('two columns are named "region"');
  });

  test('a properties column holds JSON; columns named like object members stay data', async () => {
    const text =
      'id,source,account,meter,quantity,occurredAt,properties,__proto__\na,gw,acct_1,tokens,3,2026-03-03T10:00:00Z,"{""key"":""k""}",p\n';
    const [line] = await readPipe(text);
    expect(JSON.stringify(line)).toContain('"properties":{"key":"k","__proto__":"p"}');
    const [bad] = await readPipe(text.replace('"{""key"":""k""}"', '[1]'));
    expect(bad).toMatchObject({ reason: 'properties is not a JSON object' });
  });

  test('any cells survive being quoted, whatever the chunks', async () => {
    const cell = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r]/.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        async (pairs, size) => {
          const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
          const body = pairs.map(([id, note]) => `${quote(id)},gw,a,m,1,0,${quote(note)}\n`).join('');
          const lines = await readPipe(`id,source,account,meter,quantity,occurredAt,note\n${body}`, {}, size);
          const found = raws(lines).map((raw) => JSON.stringify(raw));
          const wanted = pairs.map(([id, note]) =>
            JSON.stringify({
              id,
              source: 'gw',
              account: 'a',
              meter: 'm',
              quantity: '1',
              occurredAt: 0,
              properties: { note },
            }),
          );
          expect(found).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('gzip', () => {
  const text = `${Array.from({ length: 2_000 }, (_, index) => JSON.stringify(event(`e${index}`))).join('\n')}\n`;

  test('is unpacked by content, from a file or a pipe', async () => {
    expect(await readFile('a.ndjson.gz', gzipSync(text))).toHaveLength(2_000);
    expect(await readFile('no-suffix', gzipSync(text))).toHaveLength(2_000);
    expect(await readPipe(gzipSync(text), {}, 1)).toHaveLength(2_000);
    const csv = 'id,source,account,meter,quantity,occurredAt\na,gw,acct_1,tokens,3,2026-03-03T10:00:00Z\n';
    expect(raws(await readFile('a.csv.gz', gzipSync(csv)))).toEqual([event('a')]);
  });

  test('truncated: everything before the end is read, then the file is named', async () => {
    const path = join(dir, 'cut.ndjson.gz');
    const whole = gzipSync(text, { level: 0 });
    writeFileSync(path, whole.subarray(0, Math.floor(whole.length / 2)));
    const read: IngestLine[] = [];
    const error = await failure(
      (async () => {
        for await (const line of readEvents(path)) read.push(line);
      })(),
    );
    expect(error.code).toBe('FILE_DAMAGED');
    expect(error.message).toContain('cut.ndjson.gz ends in the middle of its gzip data');
    expect(read.length).toBeGreaterThan(500);
  });

  test('damaged, empty and mislabelled files are named', async () => {
    const damaged = gzipSync(text);
    damaged.fill(0x55, 200, 260);
    expect((await failure(readFile('bad.ndjson.gz', damaged))).message).toContain('damaged');
    expect((await failure(readFile('empty.ndjson.gz', ''))).message).toContain('is empty');
    expect((await failure(readFile('plain.ndjson.gz', text))).message).toContain('is not gzip data');
  });
});

describe('files that cannot be read', () => {
  test('are named with the reason', async () => {
    expect((await failure(collect(readEvents(join(dir, 'missing.csv'))))).message).toContain('does not exist');
    expect((await failure(collect(readEvents(dir)))).message).toContain('is a directory');
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('{"a":1}', 'utf16le')]);
    expect((await failure(readFile('wide.ndjson', utf16))).message).toContain('is UTF-16');
  });

  test('an empty file has no events', async () => {
    expect(await readFile('empty.ndjson', '')).toEqual([]);
    expect(await readFile('empty.csv', '')).toEqual([]);
    expect(await readPipe('')).toEqual([]);
  });

  test('leaving early closes the file', async () => {
    const path = join(dir, 'early.ndjson.gz');
    writeFileSync(path, gzipSync(`${JSON.stringify(event('a'))}\n`.repeat(50_000)));
    for await (const line of readEvents(path)) {
      expect(line.line).toBe(1);
      break;
    }
  });
});

test('--map is read or refused with the list of fields', () => {
  expect(parseMapping('occurredAt=ts,account=customer id')).toEqual({ occurredAt: 'ts', account: 'customer id' });
  for (const bad of ['', 'occurredAt', 'when=ts', 'id=']) {
    expect(() => parseMapping(bad)).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }));
  }
});
