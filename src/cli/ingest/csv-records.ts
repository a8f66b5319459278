import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import type { ByteLine } from './byte-lines.ts';
import { LINE_BYTES_MAX, tooLong, type UnreadableLine, unreadable } from './ingest-line.ts';

/** A record of a CSV file; `line` is where it begins. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
  /** The record as it stands in the file, in case its cells turn out to be wrong. */
  readonly text: string;
}

/** A quoted cell may spread over this many lines; after that its quote was a mistake. */
const RECORD_LINES_MAX = 100;
const QUOTE = 0x22;

interface Draft {
  readonly line: number;
  readonly lines: readonly ByteLine[];
  readonly text: string;
}

/**
 * Takes the complete records from the front of some lines and returns the lines that are left. Which lines belong
 * together is found here, by counting quotes, so that one stray quote costs one line: csv-parse alone would swallow
 * the rest of the file with it. The cells are csv-parse's.
 */
export function takeRecords(
  lines: readonly ByteLine[],
  isEnd: boolean,
): { readonly records: readonly (CsvRecord | UnreadableLine)[]; readonly rest: readonly ByteLine[] } {
  const drafts: (Draft | UnreadableLine)[] = [];
  let index = 0;
  for (;;) {
    const first = lines[index];
    if (first === undefined) break;
    const end = endOfRecord(lines, index, isEnd);
    if (end === 'unknown') break;
    if (end === 'never') {
      drafts.push(refuse(first));
      index += 1;
      continue;
    }
    const own = lines.slice(index, end);
    index = end;
    const draft = draftOf(own);
    if (draft !== undefined) drafts.push(draft);
  }
  return { records: readCells(drafts), rest: lines.slice(index) };
}

/** Index after the record that starts here. */
function endOfRecord(lines: readonly ByteLine[], start: number, isEnd: boolean): number | 'unknown' | 'never' {
  let isOpen = false;
  let bytes = 0;
  for (let index = start; index < start + RECORD_LINES_MAX; index++) {
    const line = lines[index];
    if (line === undefined) return isEnd ? 'never' : 'unknown';
    bytes += line.bytesTotal;
    if (bytes > LINE_BYTES_MAX) return 'never';
    if (hasOddQuotes(line.bytes)) isOpen = !isOpen;
    if (!isOpen) return index + 1;
  }
  return 'never';
}

function hasOddQuotes(bytes: Buffer): boolean {
  let odd = false;
  for (let at = bytes.indexOf(QUOTE); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) odd = !odd;
  return odd;
}

function refuse(line: ByteLine): UnreadableLine {
  if (line.bytesTotal > LINE_BYTES_MAX) return tooLong(line.line, line.bytes, line.bytesTotal);
  return unreadable(line.line, textOf([line]), 'a quote is opened and not closed');
}

/** Undefined for an empty line. */
function draftOf(lines: readonly ByteLine[]): Draft | UnreadableLine | undefined {
  const line = lines[0]?.line ?? 0;
  const text = textOf(lines);
  if (!lines.every(({ bytes }) => isUtf8(bytes))) return unreadable(line, text, 'not valid UTF-8');
  return text.trim() === '' ? undefined : { line, lines, text };
}

function textOf(lines: readonly ByteLine[]): string {
  return lines.map(({ bytes }) => bytes.toString('utf8')).join('\n');
}

/** All records in one call, because csv-parse's set-up costs more than a record; one by one when any is broken. */
function readCells(drafts: readonly (Draft | UnreadableLine)[]): (CsvRecord | UnreadableLine)[] {
  const readable = drafts.filter((draft) => 'text' in draft);
  const rows = parseRows(readable.map(({ text }) => text).join('\n'));
  if (rows === undefined || rows.length !== readable.length) return drafts.flatMap(readAlone);
  let next = 0;
  return drafts.map((draft) => {
    if (!('text' in draft)) return draft;
    const cells = rows[next] ?? [];
    next += 1;
    return { line: draft.line, cells, text: draft.text };
  });
}

function readAlone(draft: Draft | UnreadableLine): (CsvRecord | UnreadableLine)[] {
  if (!('text' in draft)) return [draft];
  const rows = parseRows(draft.text);
  const cells = rows?.[0];
  if (cells !== undefined && rows?.length === 1) return [{ line: draft.line, cells, text: draft.text }];
  // Two stray quotes can join lines that have nothing to do with each other; each is then judged by itself.
  if (draft.lines.length > 1) return draft.lines.flatMap(lineAlone);
  return [unreadable(draft.line, draft.text, 'its quotes do not add up to cells')];
}

function lineAlone(line: ByteLine): (CsvRecord | UnreadableLine)[] {
  const draft = draftOf([line]);
  if (draft === undefined) return [];
  if (hasOddQuotes(line.bytes)) return [refuse(line)];
  return readAlone(draft);
}

function parseRows(text: string): string[][] | undefined {
  try {
    return parse(text, { relax_column_count: true, record_delimiter: '\n' });
  } catch {
    return undefined;
  }
}
