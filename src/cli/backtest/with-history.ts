import { type Command, Option } from 'commander';
import { formatRuleLoadError, type Ruleset } from '../../domain/rules/ruleset.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { History } from '../../pipeline/backtest/history-event.ts';
import type { HistoryTally } from '../../pipeline/backtest/run-backtest.ts';
import type { CliContext } from '../context.ts';
import { parseMapping } from '../ingest/field-map.ts';
import { createProgress } from '../output/progress.ts';
import { type FileHistory, openHistoryFile } from './history-file.ts';

/** Where a command's history comes from. */
export interface HistoryOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly tenant: string;
  readonly events?: string;
  readonly format?: 'ndjson' | 'csv';
  readonly map?: Readonly<Record<string, string>>;
}

/** Adds the options that choose a history. */
export function withHistoryOptions(command: Command): Command {
  return command
    .option('--events <file>', 'past usage (NDJSON or CSV, also .gz, - for stdin); default: what the database holds')
    .addOption(new Option('--format <name>', 'default: by the name or the content').choices(['ndjson', 'csv']))
    .option('--map <pairs>', 'field names in the file: id=event_id,account=customer', parseMapping)
    .addOption(new Option('--tenant <name>', 'whose usage, of the database').default('default'))
    .option('--quiet', 'no progress');
}

/** Whether the history is a file, whose lines labels may name. */
export function isFile(options: HistoryOptions): boolean {
  return options.events !== undefined;
}

/**
 * Opens the history for as long as the work takes: a file, without starting anything, or the database. `tell` is to be
 * called with the number of events done.
 */
export async function withHistory<T>(
  context: CliContext,
  options: HistoryOptions,
  work: (history: History, tell: (events: number) => void) => Promise<T>,
): Promise<T> {
  const silent = options.json === true || options.quiet === true;
  if (options.events !== undefined) {
    const file = await openHistoryFile(options.events, readOptions(options));
    return withFileProgress(file, silent, (tell) => work(file, tell));
  }
  const books = await context.openBooks();
  try {
    const history = await books.usage(options.tenant);
    const progress = createProgress({
      label: 'replaying',
      total: history.eventsExpected,
      // Events of other tenants are counted and left out.
      isAbout: true,
      stream: process.stderr,
      silent,
    });
    const result = await work(history, (events) => progress.update(events));
    progress.finish();
    return result;
  } finally {
    await books.close();
  }
}

async function withFileProgress<T>(
  file: FileHistory,
  silent: boolean,
  work: (tell: (events: number) => void) => Promise<T>,
): Promise<T> {
  const { bytesTotal } = file;
  // Bytes and not events: how many lines a compressed file holds is known only at its end.
  const progress = createProgress({
    label: 'replaying',
    total: bytesTotal === undefined ? undefined : kilobytes(bytesTotal),
    stream: process.stderr,
    silent,
    unit: bytesTotal === undefined ? 'events' : 'kB',
  });
  const result = await work((events) => {
    progress.update(bytesTotal === undefined ? events : kilobytes(file.bytesRead()));
  });
  progress.finish();
  return result;
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1000);
}

function readOptions({ format, map }: HistoryOptions) {
  return { ...(format === undefined ? {} : { format }), ...(map === undefined ? {} : { map }) };
}

/** The rules of a directory, or those in force; `AppError(RULES_INVALID)` lists everything that is wrong with them. */
export async function rulesetOf(context: CliContext, directory: string | undefined): Promise<Ruleset> {
  const { result, directory: place } = await context.readRules(directory, { runTests: false });
  if (result.ok) return result.ruleset;
  const lines = result.errors.map(formatRuleLoadError);
  throw new AppError('RULES_INVALID', [`The rules in ${cleanText(place)} do not load.`, ...lines].join('\n'));
}

/** Throws `HISTORY_EMPTY` when there was nothing to judge: figures of nothing would look like a calm month. */
export function requireEvents(history: History, { events, unreadable, unreadableExamples }: HistoryTally): void {
  if (events > 0) return;
  const [example] = unreadableExamples;
  if (example === undefined) throw new AppError('HISTORY_EMPTY', `There are no events in ${history.name}.`);
  const first = `the first is line ${example.line}: ${example.code}, ${cleanText(example.reason)}`;
  throw new AppError('HISTORY_EMPTY', `None of the ${unreadable} lines of ${history.name} is an event; ${first}.`);
}
