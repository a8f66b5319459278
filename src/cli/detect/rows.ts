import { AppError } from '../../errors.ts';
import type { Input } from '../ingest/open-input.ts';
import { type Delimiter, guessDelimiter, isOpenAtEnd } from './cells.ts';

/**
 * A row as it stands in the file. Each character of `text` is one byte (latin1), whatever the encoding, so that what is
 * written back is what was read.
 */
export interface Row {
  /** Line of the file it begins on. */
  readonly line: number;
  readonly text: string;
  /** Its line break; empty at the end of a file that does not end in one. */
  readonly end: string;
}

/** Rows of a file, one batch per chunk of it, and what separates their cells. */
export interface RowBatch {
  readonly delimiter: Delimiter;
  readonly rows: readonly Row[];
}

/** A longer row is no row of a series. */
const ROW_BYTES_MAX = 1024 * 1024;
/** A quoted cell may spread over this many lines; after that its quote was a mistake. */
const ROW_LINES_MAX = 100;
const CARRIAGE_RETURN = 13;

/** Reads rows with bounded memory. A byte order mark stays part of the first row. */
export async function* readRows(input: Input): AsyncGenerator<RowBatch, void, undefined> {
  let delimiter: Delimiter | undefined;
  let rest = '';
  /** Lines of a quoted cell that has not ended yet. */
  let open: readonly Row[] = [];
  let line = 1;
  for await (const chunk of input.chunks) {
    const text = rest + chunk.toString('latin1');
    const lines: Row[] = [...open];
    let start = 0;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', start)) {
      const isCrLf = at > start && text.charCodeAt(at - 1) === CARRIAGE_RETURN;
      lines.push({ line, text: text.slice(start, isCrLf ? at - 1 : at), end: isCrLf ? '\r\n' : '\n' });
      line++;
      start = at + 1;
    }
    rest = text.slice(start);
    if (rest.length > ROW_BYTES_MAX) throw tooLong(input.name, line);
    delimiter ??= guessDelimiter(lines.find(({ text: own }) => own !== '')?.text);
    if (delimiter === undefined) continue;
    const joined =
      text.includes('"') || open.length > 0 ? joinQuoted(lines, delimiter, false) : { rows: lines, open: [] };
    open = joined.open;
    if (joined.rows.length > 0) yield { delimiter, rows: joined.rows };
  }
  const last: readonly Row[] = rest === '' ? open : [...open, { line, text: rest, end: '' }];
  delimiter ??= guessDelimiter(rest) ?? ',';
  if (last.length > 0) yield { delimiter, rows: joinQuoted(last, delimiter, true).rows };
}

/** Puts the lines of quoted cells together again. A quote that never ends costs its own line, not the rest of the file. */
function joinQuoted(
  lines: readonly Row[],
  delimiter: Delimiter,
  isEnd: boolean,
): { readonly rows: readonly Row[]; readonly open: readonly Row[] } {
  const rows: Row[] = [];
  for (let index = 0; index < lines.length; ) {
    const first = lines[index];
    if (first === undefined) break;
    const end = endOfRow(lines, index, delimiter);
    if (end === undefined && !isEnd && lines.length - index < ROW_LINES_MAX) return { rows, open: lines.slice(index) };
    if (end === undefined || end === index + 1) {
      rows.push(first);
      index++;
      continue;
    }
    const own = lines.slice(index, end);
    const text = own.map((row, at) => row.text + (at === own.length - 1 ? '' : row.end)).join('');
    rows.push({ line: first.line, text, end: own.at(-1)?.end ?? '' });
    index = end;
  }
  return { rows, open: [] };
}

/** Index after the row that starts here; undefined when its quote does not end within a hundred lines. */
function endOfRow(lines: readonly Row[], start: number, delimiter: Delimiter): number | undefined {
  let isOpen = false;
  for (let index = start; index < Math.min(lines.length, start + ROW_LINES_MAX); index++) {
    isOpen = isOpenAtEnd(lines[index]?.text ?? '', delimiter, isOpen);
    if (!isOpen) return index + 1;
  }
  return undefined;
}

function tooLong(name: string, line: number): AppError {
  return new AppError('FILE_UNREADABLE', `${name}: line ${line} is longer than ${ROW_BYTES_MAX} bytes.`, {
    fix: 'Give a file with one row per line.',
  });
}
