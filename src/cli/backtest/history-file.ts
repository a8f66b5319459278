import { isAscii } from 'node:buffer';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { AppError } from '../../errors.ts';
import type { History, HistoryBlock, HistoryEvent, UnreadableEvent } from '../../pipeline/backtest/history-event.ts';
import { LINE_BYTES_MAX } from '../ingest/ingest-line.ts';
import { type Input, openInput } from '../ingest/open-input.ts';
import { readCsv } from '../ingest/read-csv.ts';
import { formatOf } from '../ingest/read-events.ts';
import { LineReader } from './line-reader.ts';

/** A history on disk, with what a progress bar needs. */
export interface FileHistory extends History {
  /** Size on disk; undefined for stdin. */
  readonly bytesTotal: number | undefined;
  /** How much of it has been read so far. */
  readonly bytesRead: () => number;
}

export interface HistoryFileOptions {
  readonly format?: 'ndjson' | 'csv';
  /** Event field → name in the file, as `parseMapping` reads it from `--map`. */
  readonly map?: Readonly<Record<string, string>>;
  readonly stdin?: Readable;
}

const LINE_FEED = 0x0a;

/**
 * A file of usage events (NDJSON or CSV, gzip or not; `-` for stdin) as history, in the order of its lines. NDJSON of our
 * own format takes a short way: 150,000 lines a second have no time for a generator's turn per line.
 */
export async function openHistoryFile(path: string, options: HistoryFileOptions = {}): Promise<FileHistory> {
  const input = await openInput(path, options.stdin);
  const format = options.format ?? formatOf(input);
  return {
    name: input.name,
    eventsExpected: undefined,
    bytesTotal: path === '-' ? undefined : (await stat(path)).size,
    bytesRead: input.bytesRead ?? (() => 0),
    blocks: () => (format === 'csv' ? csvBlocks(input, options.map) : ndjsonBlocks(input, options.map)),
  };
}

async function* ndjsonBlocks(
  input: Input,
  map: Readonly<Record<string, string>> | undefined,
): AsyncGenerator<HistoryBlock> {
  const reader = new LineReader(map);
  let line = 0;
  let isFirst = true;
  for await (const block of wholeLines(input.chunks)) {
    const events: HistoryEvent[] = [];
    const unreadable: UnreadableEvent[] = [];
    const isPlain = isAscii(block);
    const text = block.toString('utf8');
    let start = isFirst && text.startsWith('\ufeff') ? 1 : 0;
    while (start < text.length) {
      const found = text.indexOf('\n', start);
      const end = found === -1 ? text.length : found;
      const read = reader.read(text.slice(start, end), line, isPlain);
      if (read !== undefined && 'reason' in read) {
        if (isFirst && events.length === 0 && text.slice(start, end).trim() === '[') throw isArrayFile(input.name);
        unreadable.push(read);
      } else if (read !== undefined) events.push(read);
      line++;
      start = end + 1;
    }
    isFirst = false;
    yield { events, unreadable };
  }
}

/** Bytes that end with a line break (the last ones end with the file). Of a line without end only the start is kept. */
async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let isSkipping = false;
  for await (const chunk of chunks) {
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last === -1) {
      if (isSkipping) continue;
      pending.push(chunk);
      pendingBytes += chunk.length;
      isSkipping = pendingBytes > LINE_BYTES_MAX;
      continue;
    }
    isSkipping = false;
    const head = chunk.subarray(0, last + 1);
    yield pending.length === 0 ? head : Buffer.concat([...pending, head]);
    pending = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : [];
    pendingBytes = chunk.length - last - 1;
  }
  if (pending.length > 0) yield Buffer.concat(pending);
}

/** How many records of a CSV file are handed over at a time. */
const BLOCK_EVENTS = 2_000;

async function* csvBlocks(
  input: Input,
  map: Readonly<Record<string, string>> | undefined,
): AsyncGenerator<HistoryBlock> {
  const reader = new LineReader(map);
  let events: HistoryEvent[] = [];
  let unreadable: UnreadableEvent[] = [];
  let index = 0;
  for await (const record of readCsv(input, map)) {
    if ('raw' in record) {
      const read = reader.readFields(record.raw, index);
      if ('reason' in read) unreadable.push({ ...read, line: record.line });
      else events.push(read);
    } else unreadable.push({ line: record.line, code: record.code, reason: record.reason });
    index++;
    if (events.length + unreadable.length < BLOCK_EVENTS) continue;
    yield { events, unreadable };
    events = [];
    unreadable = [];
  }
  yield { events, unreadable };
}

function isArrayFile(name: string): AppError {
  const fix = "Write one event per line, for example with jq -c '.[]'.";
  return new AppError('FILE_UNREADABLE', `${name} is one JSON array, not one event per line.`, { fix });
}
