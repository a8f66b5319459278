import { parseMoney } from '../../domain/money/nanos.ts';
import { parseDate } from '../../domain/rules/units.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { DAY_MS, parseRfc3339 } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { SetItem } from '../../pipeline/admin/post-set.ts';
import { type ByteLine, splitLines } from './byte-lines.ts';
import { type CsvRecord, takeRecords } from './csv-records.ts';
import type { UnreadableLine } from './ingest-line.ts';
import type { Input } from './open-input.ts';

/** A charge or credit, and the line it stands on. */
export interface SetLine {
  readonly line: number;
  readonly item: SetItem;
}

/** What is wrong with a line. */
export interface SetProblem {
  readonly line: number;
  readonly id: string | null;
  readonly account: string | null;
  readonly code: 'unreadable' | 'id' | 'account' | 'amount' | 'at' | 'twice';
  /** The value that is wrong, and what would be right. */
  readonly why: string;
}

/** What a file must be read with. */
export interface SetTerms {
  readonly currency: string;
  /** When rows without a date of their own take effect; undefined when each must have one. */
  readonly atMs: number | undefined;
  readonly nowMs: number;
}

const COLUMNS = ['id', 'account', 'amount', 'at'] as const;
/** More are several files: the memory for one is bounded. */
const ROWS_MAX = 1_000_000;
const CHARACTERS_MAX = 256;
const PAST_MS_MAX = 366 * DAY_MS;
// Control characters and text direction overrides, and halves of surrogate pairs, which PostgreSQL refuses.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the purpose.
const TEXT = /^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+$/u;

/**
 * Charges and credits of a CSV file with the columns id, account, amount and, unless one date is given for all, at. Every
 * line is read, so that all that is wrong is named at once.
 */
export async function readSet(
  input: Input,
  terms: SetTerms,
): Promise<{ readonly lines: readonly SetLine[]; readonly problems: readonly SetProblem[] }> {
  const [lines, problems]: [SetLine[], SetProblem[]] = [[], []];
  const seen = new Map<string, number>();
  let header: readonly string[] | undefined;
  for await (const record of recordsOf(input)) {
    if (header === undefined) {
      header = readHeader(record, input.name, terms);
      continue;
    }
    const read = readLine(record, header, terms);
    if ('code' in read) {
      problems.push(read);
      continue;
    }
    const name = `${read.item.atMs} ${read.item.id}`;
    const before = seen.get(name);
    if (before !== undefined) {
      const { id, account } = read.item;
      const why = `the id ${JSON.stringify(id)} stands on line ${before} already; give each row its own`;
      problems.push({ line: read.line, id, account, code: 'twice', why });
      continue;
    }
    seen.set(name, read.line);
    lines.push(read);
    if (lines.length > ROWS_MAX) {
      throw new AppError('FILE_UNREADABLE', `${input.name} has more than ${ROWS_MAX} rows.`, { fix: 'Split it.' });
    }
  }
  if (header === undefined) throw new AppError('FILE_UNREADABLE', `${input.name} is empty.`);
  return { lines, problems };
}

async function* recordsOf(input: Input): AsyncGenerator<CsvRecord | UnreadableLine, void, undefined> {
  let rest: readonly ByteLine[] = [];
  for await (const lines of splitLines(input.chunks)) {
    const taken = takeRecords([...rest, ...lines], false);
    rest = taken.rest;
    yield* taken.records;
  }
  yield* takeRecords(rest, true).records;
}

function readHeader(record: CsvRecord | UnreadableLine, file: string, { atMs }: SetTerms): readonly string[] {
  if (!('cells' in record)) {
    throw new AppError('FILE_UNREADABLE', `${file}: the header cannot be read: ${record.reason}.`);
  }
  const names = record.cells.map((cell) => cell.trim().toLowerCase());
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new AppError('FILE_UNREADABLE', `${file}: two columns are named ${JSON.stringify(cleanText(twice))}.`);
  }
  const missing = COLUMNS.filter((name) => !names.includes(name) && !(name === 'at' && atMs !== undefined));
  if (missing.length === 0) return names;
  const fix =
    missing.includes('at') && missing.length === 1 ? 'Add the column, or --at with one date for all rows.' : '';
  throw new AppError('FILE_UNREADABLE', `${file}: no column for ${missing.join(', ')}.`, {
    fix: fix || 'The first line names the columns: id,account,amount,at.',
  });
}

function readLine(
  record: CsvRecord | UnreadableLine,
  header: readonly string[],
  terms: SetTerms,
): SetLine | SetProblem {
  const { line } = record;
  const nobody = { line, id: null, account: null };
  if (!('cells' in record)) return { ...nobody, code: 'unreadable', why: record.reason };
  const { cells } = record;
  if (cells.length !== header.length) {
    return { ...nobody, code: 'unreadable', why: `${cells.length} cells under ${header.length} columns` };
  }
  const cell = (name: (typeof COLUMNS)[number]) => cells[header.indexOf(name)]?.trim() ?? '';
  const [id, account, amount, at] = [cell('id'), cell('account'), cell('amount'), cell('at')];
  const problem = (code: SetProblem['code'], value: string, fix: string): SetProblem => ({
    line,
    id: shown(id),
    account: shown(account),
    code,
    why: `${JSON.stringify(shown(value))}: ${fix}`,
  });
  if (!isName(id)) return problem('id', id, `give 1 to ${CHARACTERS_MAX} characters, stable across retries`);
  if (!isName(account)) return problem('account', account, `give 1 to ${CHARACTERS_MAX} characters`);
  const money = parseMoney(amount.replace(/^−/, '-'));
  if (money === undefined || money.nanos === 0n) {
    return problem('amount', amount, 'give 5.00 to credit or -5.00 to charge: not zero, at most nine decimals');
  }
  if ((money.currency ?? terms.currency) !== terms.currency) {
    return problem('amount', amount, `these books are kept in ${terms.currency}`);
  }
  const atMs = at === '' ? terms.atMs : momentOf(at);
  if (atMs === undefined) return problem('at', at, 'give a date such as 2026-03-01, or a moment with its offset');
  if (atMs > terms.nowMs || atMs < terms.nowMs - PAST_MS_MAX) {
    return problem('at', at, 'it must lie in the last 366 days');
  }
  return { line, item: { id, account, amount: money.nanos, atMs } };
}

/** Midnight UTC of a date, or a moment with its offset. */
function momentOf(text: string): number | undefined {
  const date = parseDate(text);
  return date.ok ? date.value : parseRfc3339(text);
}

function isName(text: string): boolean {
  return text.length <= CHARACTERS_MAX && TEXT.test(text);
}

function shown(text: string): string {
  return cleanText(text).slice(0, 60);
}
