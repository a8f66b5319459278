import { parseSeriesTime } from '../../domain/series/series-time.ts';
import { isMissingValue, parseSeriesValue } from '../../domain/series/series-value.ts';
import { cleanLabel } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { cellText, type Delimiter, splitCells } from './cells.ts';
import type { Row } from './rows.ts';

/** Where a file keeps its series. */
export interface Columns {
  /** Names by position; made up when the file has no header. */
  readonly names: readonly string[];
  readonly hasHeader: boolean;
  /** Undefined when no column holds times: rows are then taken as evenly spaced. */
  readonly timestamp: number | undefined;
  readonly value: number;
  /** Which of the two nobody named. */
  readonly guessed: readonly ('timestamp' | 'value')[];
}

/** What the caller wants. */
export interface ColumnChoice {
  /** For messages. */
  readonly file: string;
  readonly timestamp: string | undefined;
  readonly value: string | undefined;
}

/** Columns that `detect` adds. */
export const ADDED_COLUMNS = ['anomaly_score', 'expected', 'lower', 'upper'] as const;
/** Columns that it adds besides when both channels are asked for. */
export const CHANNEL_COLUMNS = ['anomaly_score_fast', 'anomaly_score_slow'] as const;

const BYTE_ORDER_MARK = /^\u00ef\u00bb\u00bf/;
const TIME_NAMES = ['timestamp', 'time', 'ts', 'datetime', 'date', 'occurredat', 'occurred_at', 'at'];
const VALUE_NAMES = ['value', 'quantity', 'amount', 'count', 'val', 'y'];
/** Verdicts and ids look like numbers and are no measurements. */
const NO_VALUE = /^(?:is_)?(?:label|anomaly|outlier|id|index|row|line)s?$/;

/**
 * Finds the two columns by name, or by the first rows when no name is given: a usual name that holds what it says, else
 * the first column that does. Numbers are believed to be times only under a usual name.
 */
export function chooseColumns(first: readonly Row[], delimiter: Delimiter, choice: ColumnChoice): Columns {
  const [head, ...others] = first.filter(({ text }) => text.replace(BYTE_ORDER_MARK, '').trim() !== '');
  if (head === undefined) {
    throw new AppError('FILE_UNREADABLE', `${choice.file} is empty.`, { fix: 'Give a CSV file with a header.' });
  }
  const headCells = splitCells(head.text.replace(BYTE_ORDER_MARK, ''), delimiter).map(cellText);
  const hasHeader = !headCells.every(
    (cell) => parseSeriesValue(cell) !== undefined || parseSeriesTime(cell) !== undefined,
  );
  const names = hasHeader ? headCells.map(utf8) : headCells.map((_, index) => `column_${index + 1}`);
  if (hasHeader) refuseOwnColumns(names, choice.file);
  const rows = (hasHeader ? others : [head, ...others]).map(({ text }) =>
    splitCells(text.replace(BYTE_ORDER_MARK, ''), delimiter).map(cellText),
  );
  const timestamp = choice.timestamp === undefined ? guessTime(names, rows) : named(names, 'timestamp', choice);
  const value = choice.value === undefined ? guessValue(names, rows, timestamp) : named(names, 'value', choice);
  if (value === undefined) {
    throw new AppError('CLI_USAGE', `${choice.file}: no column holds numbers. Its columns are ${shown(names)}.`, {
      fix: 'Name the column to score with --value COLUMN.',
    });
  }
  const guessed = (['timestamp', 'value'] as const).filter((which) => choice[which] === undefined);
  return { names, hasHeader, timestamp, value, guessed };
}

function refuseOwnColumns(names: readonly string[], file: string): void {
  const own: readonly string[] = [...ADDED_COLUMNS, ...CHANNEL_COLUMNS];
  const taken = names.find((name) => own.includes(name));
  if (taken === undefined) return;
  throw new AppError('CLI_USAGE', `${file} has a column ${taken} already.`, {
    fix: `Rename or drop it: detect adds columns of the names ${own.join(', ')}.`,
  });
}

function named(names: readonly string[], which: 'timestamp' | 'value', choice: ColumnChoice): number {
  const wanted = choice[which] ?? '';
  const found = names.flatMap((name, index) => (name === wanted ? [index] : []));
  const [index] = found;
  if (index === undefined) {
    throw new AppError(
      'CLI_USAGE',
      `${choice.file} has no column ${quoted(wanted)}. Its columns are ${shown(names)}.`,
      {
        fix: `Name one of them with --${which}.`,
      },
    );
  }
  if (found.length > 1) {
    throw new AppError('CLI_USAGE', `${choice.file} has ${found.length} columns named ${quoted(wanted)}.`, {
      fix: 'Rename all but one.',
    });
  }
  return index;
}

type Rows = readonly (readonly string[])[];
type Parse = (text: string) => number | undefined;

function guessTime(names: readonly string[], rows: Rows): number | undefined {
  const byName = bestNamed(names, TIME_NAMES, (index) => shareOf(rows, index, parseSeriesTime) > 0);
  if (byName !== undefined) return byName;
  const isoOnly: Parse = (text) => (/^[\d.-]*$/.test(text) ? undefined : parseSeriesTime(text));
  const index = names.findIndex((_, at) => rows.length > 0 && shareOf(rows, at, isoOnly) > 0.5);
  return index === -1 ? undefined : index;
}

function guessValue(names: readonly string[], rows: Rows, timestamp: number | undefined): number | undefined {
  const share = (index: number) => (index === timestamp ? 0 : shareOf(rows, index, parseSeriesValue));
  const byName = bestNamed(names, VALUE_NAMES, (index) => share(index) > 0);
  if (byName !== undefined) return byName;
  const index = names.findIndex((name, at) => share(at) > 0.5 && !NO_VALUE.test(name.toLowerCase()));
  return index === -1 ? undefined : index;
}

function bestNamed(
  names: readonly string[],
  usual: readonly string[],
  holds: (index: number) => boolean,
): number | undefined {
  const lower = names.map((name) => name.toLowerCase());
  return usual.map((name) => lower.indexOf(name)).find((index) => index !== -1 && holds(index));
}

/** How many of a column's filled cells hold what is looked for. A file without rows contradicts nothing. */
function shareOf(rows: Rows, index: number, parse: Parse): number {
  const filled = rows.map((row) => row[index] ?? '').filter((cell) => !isMissingValue(cell));
  if (filled.length === 0) return rows.length === 0 ? 1 : 0;
  return filled.filter((cell) => parse(cell) !== undefined).length / filled.length;
}

function shown(names: readonly string[]): string {
  return names.map(quoted).join(', ');
}

function quoted(name: string): string {
  return JSON.stringify(cleanLabel(name, 60));
}

/** A header cell as text: rows are kept byte by byte. */
function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
