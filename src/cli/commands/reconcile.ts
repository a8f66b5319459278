import { type Command, Option } from 'commander';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import { reconcile } from '../../pipeline/reconcile/reconcile.ts';
import { type ReconcileReport, reportJson } from '../../pipeline/reconcile/report.ts';
import { writeReport } from '../backtest/write-report.ts';
import type { CliContext } from '../context.ts';
import { timeOption, withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { reportCsv, reportHtml } from '../reconcile/render-files.ts';
import { reportText } from '../reconcile/render-terminal.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

interface ReconcileOptions {
  readonly json?: boolean;
  readonly from?: number;
  readonly to?: number;
  readonly dryRun?: boolean;
  readonly csv?: string;
  readonly html?: string;
}

/** What is compared when nobody says otherwise. */
const DAYS = 3;
/** Stripe's lists go back for good; a window beyond this is a slip of the keyboard. */
const WINDOW_DAYS_MAX = 3_660;

/** `reconcile` */
export function registerReconcile(program: Command, context: CliContext): void {
  const command = program
    .command('reconcile')
    .description("compare Stripe's balance with the ledger; post what webhooks lost, open cases for the rest")
    .addOption(
      new Option('--from <time>', `a day or a time in RFC 3339; default: ${DAYS} days before the end`).argParser(
        timeOption,
      ),
    )
    .addOption(new Option('--to <time>', 'compare up to here; default: now').argParser(timeOption))
    .option('--dry-run', 'report only: post nothing, open no case')
    .option('--csv <file>', 'write the differences as CSV')
    .option('--html <file>', 'write the report as a page');
  withJson(command, [
    'tollkeeper reconcile --from 2026-03-01 --to 2026-03-02 --dry-run',
    'tollkeeper reconcile --csv differences.csv --html drift.html',
  ]).action(async ({ json, from, to, dryRun = false, csv, html }: ReconcileOptions) => {
    const { fromMs, toMs } = windowOf(from, to, context.now());
    const rules = await rulesInForce(context);
    const report = await withBooks(context, (books) => reconcile(books.reconciling(rules), { fromMs, toMs, dryRun }));
    if (csv !== undefined) await writeReport(csv, reportCsv(report));
    if (html !== undefined) await writeReport(html, reportHtml(report));
    print(context, json, { json: reportJson(report), text: reportText(report) });
    if (isOff(report)) context.setExitCode(1);
  });
}

function windowOf(from: number | undefined, to: number | undefined, nowMs: number) {
  const toMs = Math.min(to ?? nowMs, nowMs);
  const fromMs = from ?? toMs - DAYS * DAY_MS;
  if (fromMs >= toMs) throw new AppError('CLI_USAGE', '--from is not before --to, or both are in the future.');
  if (toMs - fromMs > WINDOW_DAYS_MAX * DAY_MS) {
    throw new AppError('CLI_USAGE', `The window is longer than ${WINDOW_DAYS_MAX} days.`, {
      fix: 'Give a later --from.',
    });
  }
  return { fromMs, toMs };
}

/** Something is left that neither time nor this run has mended. */
function isOff({ left, items, unlooked }: ReconcileReport): boolean {
  const isOpen = items.some(({ outcome }) => outcome !== 'healed' && outcome !== 'noted');
  return isOpen || unlooked > 0 || [...left.values()].some((nanos) => nanos !== 0n);
}
