import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse/sync';
import { parseMoney } from '../domain/money/nanos.ts';
import { parseRfc3339 } from '../domain/time.ts';
import { AppError } from '../errors.ts';
import { LABEL_CAUSES, LABELS, type LabelAccountRequest } from '../pipeline/admin/label-account.ts';

/** A label as a row of a file has it. */
export type LabelRow = Pick<
  LabelAccountRequest,
  'account' | 'label' | 'cause' | 'atMs' | 'untilMs' | 'lossNanos' | 'note' | 'idempotencyKey'
>;

/** One line of the file: a label, or why it is none. */
export type ReadLabelRow =
  | { readonly line: number; readonly account: string; readonly row: LabelRow }
  | { readonly line: number; readonly account: string; readonly problem: string };

const NEEDED = ['account', 'label', 'at'] as const;
const KNOWN = [...NEEDED, 'cause', 'until', 'loss', 'key', 'note'];
const NOTE_CHARACTERS_MAX = 500;
const KEY_CHARACTERS_MAX = 200;

/** Reads labels from CSV with a header: `account,label,at`, and if you like `cause,until,loss,key,note`. */
export async function readLabelRows(path: string, tenant: string): Promise<readonly ReadLabelRow[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('FILE_UNREADABLE', `${path} cannot be read.`, { cause });
  });
  return parseRows(path, text).map(({ record, info }) => readRow(record, info.lines, tenant));
}

interface ParsedRow {
  readonly record: { readonly [column: string]: string };
  readonly info: { readonly lines: number };
}

function parseRows(path: string, text: string): readonly ParsedRow[] {
  let columns: readonly string[] = [];
  try {
    const rows = parse(text, {
      bom: true,
      columns: (header: string[]) => {
        columns = header.map((name) => name.trim());
        return [...columns];
      },
      info: true,
      skip_empty_lines: true,
      trim: true,
      relax_quotes: true,
      relax_column_count: true,
    }) as unknown as readonly ParsedRow[];
    const missing = NEEDED.filter((name) => !columns.includes(name));
    const unknown = columns.filter((name) => !KNOWN.includes(name));
    if (missing.length === 0 && unknown.length === 0) return rows;
    const what = missing.length > 0 ? `it lacks ${missing.join(', ')}` : `${unknown.join(', ').slice(0, 100)} is none`;
    throw new AppError('LABELS_INVALID', `${path} has other columns than labels have: ${what}.`, {
      fix: `Name the columns ${NEEDED.join(', ')} and, if you like, ${KNOWN.slice(NEEDED.length).join(', ')}.`,
    });
  } catch (error) {
    if (error instanceof AppError) throw error;
    const what = error instanceof CsvError ? error.message : 'it is not CSV';
    throw new AppError('LABELS_INVALID', `${path} cannot be read: ${what}`, { cause: error });
  }
}

function readRow(cells: ParsedRow['record'], line: number, tenant: string): ReadLabelRow {
  const { account = '', label: labelText = '', cause: causeText = '', at = '', until = '', loss = '' } = cells;
  const { note = '', key = '' } = cells;
  const label = LABELS.find((known) => known === labelText);
  const cause = causeText === '' ? 'review' : LABEL_CAUSES.find((known) => known === causeText);
  const [atMs, untilMs] = [timeOf(at), until === '' ? undefined : timeOf(until)];
  const lossNanos = loss === '' ? undefined : parseMoney(loss)?.nanos;
  const no = (problem: string): ReadLabelRow => ({ line, account, problem });
  if (account === '') return no('account is empty');
  if (label === undefined) return no(`label is ${JSON.stringify(labelText)}, not ${LABELS.join(' or ')}`);
  if (cause === undefined) return no(`cause is ${JSON.stringify(causeText)}, not one of ${LABEL_CAUSES.join(', ')}`);
  if (atMs === undefined) return no(`at is ${JSON.stringify(at)}, not a time like 2026-03-01T12:00:00Z`);
  if (until !== '' && untilMs === undefined) return no(`until is ${JSON.stringify(until)}, not a time`);
  if (untilMs !== undefined && untilMs < atMs) return no('until lies before at');
  if (loss !== '' && (lossNanos === undefined || lossNanos < 0n))
    return no(`loss is ${JSON.stringify(loss)}, not an amount`);
  if (note.length > NOTE_CHARACTERS_MAX) return no(`note is longer than ${NOTE_CHARACTERS_MAX} characters`);
  if (key.length > KEY_CHARACTERS_MAX) return no(`key is longer than ${KEY_CHARACTERS_MAX} characters`);
  const said = [tenant, account, label, cause, String(atMs), String(untilMs ?? ''), String(lossNanos ?? '')];
  return {
    line,
    account,
    row: {
      account,
      label,
      cause,
      atMs,
      ...(untilMs === undefined ? {} : { untilMs }),
      ...(lossNanos === undefined ? {} : { lossNanos }),
      ...(note === '' ? {} : { note }),
      // The same row is the same label, in whichever file it comes again.
      idempotencyKey: key === '' ? `label-${hash('sha256', JSON.stringify(said), 'hex').slice(0, 40)}` : `label-${key}`,
    },
  };
}

function timeOf(text: string): number | undefined {
  return parseRfc3339(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
}
