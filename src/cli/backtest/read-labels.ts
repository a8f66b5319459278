import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { parseRfc3339 } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { Attack, BenignStretch, FraudEvent, LabelSet } from '../../pipeline/backtest/labels.ts';

/** Problems shown at once; the rest is counted. */
const PROBLEMS_SHOWN = 8;

const NEEDED = ['attack_id', 'family', 'accounts', 'start', 'end'] as const;

/** What stands beside labels.csv and is taken along. */
const FRAUD_FILE = 'fraud.csv';
const BENIGN_FILE = 'benign.csv';
const META_FILE = 'meta.json';

/** Labels, and the files they came from. */
export interface LabelFiles {
  readonly labels: LabelSet;
  readonly files: readonly string[];
}

/**
 * Reads labels: one attack a row (`attack_id,family,accounts,sources,start,end,loss_usd`; accounts and sources separated by
 * semicolons). Beside it may stand `fraud.csv` (`line,attack_id,loss_usd`: which lines of the events file were stolen,
 * from 0), `benign.csv` (`kind,account,start,end`) and `meta.json` (`scoreFrom`, `end`, `accounts`).
 *
 * @param withFraud whether lines mean anything: the history is a file.
 */
export async function readLabels(path: string, withFraud: boolean): Promise<LabelFiles> {
  const problems = new Problems(path);
  const rows = await readTable(path, NEEDED);
  if (rows.length === 0) throw new AppError('LABELS_INVALID', `${path} has no rows.`);
  const attacks = rows.map((row) => readAttack(row, problems));
  const ids = new Map<string, number>();
  for (const [index, { id }] of attacks.entries()) {
    if (ids.has(id)) problems.add(rows[index], `attack_id ${id} is listed above as well`);
    ids.set(id, index);
  }
  problems.throwIfAny();
  const folder = dirname(path);
  const files = [path];
  const beside = async <T>(name: string, read: (file: string) => Promise<T>): Promise<T | undefined> => {
    const file = join(folder, name);
    try {
      const value = await read(file);
      files.push(file);
      return value;
    } catch (error) {
      if (error instanceof AppError && error.code === 'FILE_UNREADABLE') return undefined;
      throw error;
    }
  };
  const fraudEvents = withFraud ? await beside(FRAUD_FILE, (file) => readFraud(file, ids)) : undefined;
  const benign = await beside(BENIGN_FILE, readBenign);
  const scope = await beside(META_FILE, readMeta);
  return { labels: { attacks, fraudEvents, benign: benign ?? [], scope: scope ?? {} }, files };
}

interface Row {
  readonly line: number;
  readonly cells: { readonly [column: string]: string };
}

class Problems {
  readonly #path: string;
  readonly #found: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  add(row: Row | undefined, what: string): void {
    this.#found.push(`${this.#path}:${row?.line ?? 0}: ${what}`);
  }

  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const more = this.#found.length - PROBLEMS_SHOWN;
    const lines = [...this.#found.slice(0, PROBLEMS_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])];
    throw new AppError('LABELS_INVALID', ['The labels cannot be used.', ...lines].join('\n'));
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `${path} cannot be read.`, { cause });
  }
}

async function readTable(path: string, needed: readonly string[]): Promise<readonly Row[]> {
  const text = await readText(path);
  let columns: readonly string[] = [];
  let records: readonly { readonly record: { readonly [column: string]: string }; readonly info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      columns: (header: string[]) => {
        columns = header.map((name) => name.trim());
        return [...columns];
      },
      info: true,
      skip_empty_lines: true,
      trim: true,
      relax_quotes: true,
    });
  } catch (error) {
    const what = error instanceof CsvError ? error.message : 'it is not CSV';
    throw new AppError('LABELS_INVALID', `${path} cannot be read: ${what}`, { cause: error });
  }
  const missing = needed.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    const found = columns.length === 0 ? 'is empty' : `has the columns ${columns.join(', ').slice(0, 200)}`;
    throw new AppError('LABELS_INVALID', `${path} ${found}; it needs ${missing.join(', ')}.`, {
      fix: `Name the columns ${needed.join(', ')}; docs/backtest.md has an example.`,
    });
  }
  return records.map(({ record, info }) => ({ line: info.lines, cells: record }));
}

function readAttack(row: Row, problems: Problems): Attack {
  const { attack_id: id = '', family = '', accounts = '', sources = '', loss_usd: loss } = row.cells;
  if (id === '') problems.add(row, 'attack_id is empty');
  if (family === '') problems.add(row, 'family is empty');
  const attack = {
    id,
    family,
    accounts: new Set(listOf(accounts)),
    sources: new Set(listOf(sources)),
    ...readSpan(row, problems),
    lossNanos: readLoss(row, loss, problems),
  };
  if (attack.accounts.size === 0 && attack.sources.size === 0) problems.add(row, 'neither accounts nor sources');
  return attack;
}

function listOf(text: string): string[] {
  return text
    .split(';')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function readSpan(row: Row, problems: Problems): { readonly startMs: number; readonly endMs: number } {
  const startMs = readTime(row, 'start', problems);
  const endMs = readTime(row, 'end', problems);
  if (endMs < startMs) problems.add(row, 'end lies before start');
  return { startMs, endMs };
}

function readTime(row: Row, column: string, problems: Problems): number {
  const text = row.cells[column] ?? '';
  const ms = parseRfc3339(text);
  if (ms === undefined) problems.add(row, `${column} is ${JSON.stringify(text)}, not a time like 2026-03-01T12:00:00Z`);
  return ms ?? 0;
}

function readLoss(row: Row, text: string | undefined, problems: Problems): number {
  if (text === undefined || text === '') return 0;
  const amount = Number(text);
  if (Number.isFinite(amount) && amount >= 0 && amount < 1e6) return Math.round(amount * 1e9);
  problems.add(row, `loss_usd is ${JSON.stringify(text)}, not an amount`);
  return 0;
}

async function readFraud(path: string, ids: ReadonlyMap<string, number>): Promise<ReadonlyMap<number, FraudEvent>> {
  const problems = new Problems(path);
  const events = new Map<number, FraudEvent>();
  for (const row of await readTable(path, ['line', 'attack_id', 'loss_usd'])) {
    const line = Number(row.cells.line);
    const attack = ids.get(row.cells.attack_id ?? '');
    if (!Number.isSafeInteger(line) || line < 0) problems.add(row, `line is ${JSON.stringify(row.cells.line)}`);
    if (attack === undefined) problems.add(row, `${JSON.stringify(row.cells.attack_id)} is no attack of the labels`);
    const lossNanos = readLoss(row, row.cells.loss_usd, problems);
    if (attack !== undefined) events.set(line, { attack, lossNanos });
  }
  problems.throwIfAny();
  return events;
}

async function readBenign(path: string): Promise<readonly BenignStretch[]> {
  const problems = new Problems(path);
  const rows = await readTable(path, ['kind', 'account', 'start', 'end']);
  const stretches = rows.map((row) => {
    return { kind: row.cells.kind ?? '', account: row.cells.account ?? '', ...readSpan(row, problems) };
  });
  problems.throwIfAny();
  return stretches;
}

async function readMeta(path: string): Promise<LabelSet['scope']> {
  const text = await readText(path);
  let meta: unknown;
  try {
    meta = JSON.parse(text);
  } catch (cause) {
    throw new AppError('LABELS_INVALID', `${path} is not JSON.`, { cause });
  }
  if (typeof meta !== 'object' || meta === null) return {};
  const time = (value: unknown) => (typeof value === 'string' ? parseRfc3339(value) : undefined);
  const fromMs = 'scoreFrom' in meta ? time(meta.scoreFrom) : undefined;
  const toMs = 'end' in meta ? time(meta.end) : undefined;
  const accounts = 'accounts' in meta && typeof meta.accounts === 'number' ? meta.accounts : undefined;
  return {
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(accounts === undefined ? {} : { accounts }),
  };
}
