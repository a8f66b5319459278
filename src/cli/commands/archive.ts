import type { Command } from 'commander';
import { formatDay, parseDay } from '../../domain/archive/day.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import { exportDays, keepDays } from '../../pipeline/archive/export-days.ts';
import { restoreDay } from '../../pipeline/archive/restore-day.ts';
import { type VerifiedFile, verifyAll, verifyFile } from '../../pipeline/archive/verify-archive.ts';
import type { CliContext, OpenArchive } from '../context.ts';
import { wholeNumber, withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';
import { dayJson, daysTable, exportedJson, exportText } from './archive-view.ts';

interface ExportOptions {
  readonly json?: boolean;
  readonly before?: string;
  readonly keepDays?: number;
  readonly dir?: string;
  readonly dryRun?: boolean;
}

/** `archive …` */
export function registerArchive(program: Command, context: CliContext): void {
  const archive = program.command('archive').description('old days of entries as files: list, export, verify, restore');
  registerList(archive, context);
  registerExport(archive, context);
  registerVerify(archive, context);
  registerRestore(archive, context);
}

function registerList(archive: Command, context: CliContext): void {
  const command = archive.command('list').description('days of entries: open, closed or archived, with rows and size');
  withJson(command, ['tollkeeper archive list', 'tollkeeper archive list --json']).action(
    async ({ json }: { readonly json?: boolean }) => {
      const days = await withArchive(context, undefined, ({ store }) => store.days());
      print(context, json, { json: { days: days.map(dayJson) }, text: daysTable(days) });
    },
  );
}

function registerExport(archive: Command, context: CliContext): void {
  const command = archive
    .command('export')
    .description('close the days that can get no more entries, and move those before a date into files')
    .option('--before <date>', 'days before this one, as 2026-03-02; default: every day that may be')
    .option('--keep-days <count>', 'the days before the last so many', (text) => wholeNumber(text, 0, 100_000))
    .option('--dir <directory>', 'where to write; default: TOLLKEEPER_ARCHIVE_DIR')
    .option('--dry-run', 'only list what would be exported');
  withJson(command, [
    'tollkeeper archive export --keep-days 90 --dry-run',
    'tollkeeper archive export --before 2026-01-01 --dir /srv/archive',
  ]).action(async ({ json, before, keepDays: keep, dir, dryRun = false }: ExportOptions) => {
    if (before !== undefined && keep !== undefined) {
      throw new AppError('CLI_USAGE', '--before and --keep-days say the same thing in two ways.', { fix: 'Give one.' });
    }
    const nowMs = context.now();
    const beforeMs = before !== undefined ? day(before) : keep !== undefined ? keepDays(nowMs, keep) : undefined;
    const result = await withArchive(context, dir, ({ store, files, directory, lateWindowMs }) =>
      exportDays(store, files, { nowMs, lateWindowMs, beforeMs, directory, dryRun }),
    );
    print(context, json, { json: { dryRun, ...exportedJson(result) }, text: exportText(result, dryRun) });
  });
}

function registerVerify(archive: Command, context: CliContext): void {
  const command = archive
    .command('verify')
    .description('read files to their last byte and compare them with their manifests; exit 1 when one differs')
    .argument('[file]', 'one file, with its manifest beside it; needs no database')
    .option('--all', 'the file of every archived day, against the ledger too')
    .option('--dir <directory>', 'where else to look for the files');
  withJson(command, ['tollkeeper archive verify entry-2026-01-01.tsv.gz', 'tollkeeper archive verify --all']).action(
    async (
      file: string | undefined,
      options: { readonly json?: boolean; readonly all?: boolean; readonly dir?: string },
    ) => {
      if ((file === undefined) === (options.all !== true)) {
        throw new AppError('CLI_USAGE', 'archive verify takes a file or --all.');
      }
      const checks =
        file === undefined
          ? await withArchive(context, options.dir, ({ store, files }) => verifyAll(store, files))
          : [await verifyFile(context.archive.files(), file)];
      const ok = checks.every(({ faults }) => faults.length === 0);
      print(context, options.json, {
        json: { ok, files: checks },
        text: checks.length === 0 ? 'No day is archived.' : checks.map(verifiedLine).join('\n'),
      });
      if (!ok) context.setExitCode(1);
    },
  );
}

function registerRestore(archive: Command, context: CliContext): void {
  const command = archive
    .command('restore')
    .description('put an archived day back into the database from its file; it stays closed')
    .argument('<day>', 'as 2026-03-02')
    .option('--dir <directory>', 'where else to look for the file');
  withJson(command, ['tollkeeper archive restore 2026-01-01']).action(
    async (text: string, { json, dir }: { readonly json?: boolean; readonly dir?: string }) => {
      const dayMs = day(text);
      const restored = await withArchive(context, dir, ({ store, files }) => restoreDay(store, files, dayMs));
      const { rows, sums } = restored;
      print(context, json, {
        json: { day: formatDay(dayMs), rows, sums },
        text: `${formatDay(dayMs)} is back: ${count(rows, 'row')}, ${money(sums)}. It stays closed; export it again when done.`,
      });
    },
  );
}

function day(text: string): number {
  const dayMs = parseDay(text);
  if (dayMs !== undefined) return dayMs;
  throw new AppError('CLI_USAGE', `${JSON.stringify(text)} is not a day.`, { fix: 'Write it like 2026-03-02.' });
}

function verifiedLine({ path, rows, sums, faults }: VerifiedFile): string {
  if (faults.length === 0) return `ok    ${path}  ${count(rows, 'row')}, ${money(sums)}`;
  return [`wrong ${path}`, ...faults.map((fault) => `      ${fault}`)].join('\n');
}

function money(sums: Readonly<Record<string, string>>): string {
  const parts = Object.entries(sums).map(([currency, nanos]) => formatMoney(BigInt(nanos), currency));
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

async function withArchive<T>(
  context: CliContext,
  directory: string | undefined,
  work: (archive: OpenArchive) => Promise<T>,
): Promise<T> {
  const archive = await context.archive.open(directory);
  try {
    return await work(archive);
  } finally {
    await archive.close();
  }
}
