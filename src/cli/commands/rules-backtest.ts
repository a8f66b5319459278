import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import { buildReport } from '../../pipeline/backtest/build-report.ts';
import { joinLabels, labelsFromCases } from '../../pipeline/backtest/case-labels.ts';
import { Collector } from '../../pipeline/backtest/collector.ts';
import { FraudLedger } from '../../pipeline/backtest/fraud-ledger.ts';
import type { LabelSet } from '../../pipeline/backtest/labels.ts';
import { QuickPricer } from '../../pipeline/backtest/quick-price.ts';
import { Replay } from '../../pipeline/backtest/replay.ts';
import type { BacktestReport } from '../../pipeline/backtest/report.ts';
import { runBacktest } from '../../pipeline/backtest/run-backtest.ts';
import { AlertsFile } from '../backtest/alerts-file.ts';
import { readLabels } from '../backtest/read-labels.ts';
import { renderHtml } from '../backtest/render-html.ts';
import { renderMarkdown } from '../backtest/render-markdown.ts';
import { renderBacktest } from '../backtest/render-terminal.ts';
import {
  type HistoryOptions,
  isFile,
  requireEvents,
  rulesetOf,
  withHistory,
  withHistoryOptions,
} from '../backtest/with-history.ts';
import { writeReport } from '../backtest/write-report.ts';
import type { CliContext } from '../context.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { withBooks } from '../with-books.ts';

/** What `backtest` can be asked for. */
export interface BacktestOptions extends HistoryOptions {
  readonly alerts?: string;
  readonly labels?: string;
  readonly cases?: boolean;
  readonly markdown?: string;
  readonly html?: string;
}

const COLUMNS_PIPED = 100;

/** `rules backtest` */
export function registerBacktest(rules: Command, context: CliContext): void {
  const command = withHistoryOptions(
    rules
      .command('backtest')
      .description('play past usage to the rules, in one pass in arrival order, and report what they would have done')
      .argument('[directory]', 'default: the rules in force'),
  )
    .option('--alerts <file>', 'write every hit of live and shadow rules as {account, at, score, rule} lines')
    .option('--labels <file>', 'attacks that are known (labels.csv): adds precision, recall, loss and friction')
    .option('--cases', 'closed alerts and labels of the database as labels, alone or beside --labels')
    .option('--markdown <file>', 'write the report for a pull request')
    .option('--html <file>', 'write the report with plots, as one page that needs nothing else');
  withJson(command, [
    'tollkeeper rules backtest',
    'tollkeeper rules backtest --events usage.ndjson.gz --alerts alerts.ndjson',
    'tollkeeper rules backtest ./rules --events usage.ndjson --labels labels.csv --html report.html',
    'tollkeeper rules backtest --cases',
    'tollkeeper rules backtest --events export.csv --map id=event_id,account=customer --json',
  ]).action(async (directory: string | undefined, options: BacktestOptions) => {
    const report = await backtest(context, directory, options);
    if (options.markdown !== undefined) await writeReport(options.markdown, renderMarkdown(report));
    if (options.html !== undefined) await writeReport(options.html, renderHtml(report));
    const text = renderBacktest(report, context.output.columns ?? COLUMNS_PIPED);
    print(context, options.json, { json: { ...report }, text });
  });
}

/** What is known of the history: a file of labels, the database's closed cases, or both; undefined when nothing was asked for. */
async function labelsOf(context: CliContext, options: BacktestOptions): Promise<LabelSet | undefined> {
  const read = options.labels === undefined ? undefined : await readLabels(options.labels, isFile(options));
  if (options.cases !== true) return read?.labels;
  const known = labelsFromCases(await withBooks(context, ({ cases }) => cases(options.tenant)));
  if (read !== undefined) return joinLabels(read.labels, known);
  if (known.attacks.length + known.benign.length > 0) return known;
  throw new AppError('LABELS_INVALID', 'No case is closed yet, and no account is labelled.', {
    fix: 'Close alerts with `tollkeeper alert close`, or bring labels with `tollkeeper labels import`.',
  });
}

/** Plays the history to the rules and reports. */
export async function backtest(
  context: CliContext,
  directory: string | undefined,
  options: BacktestOptions,
): Promise<BacktestReport> {
  const ruleset = await rulesetOf(context, directory);
  const labels = await labelsOf(context, options);
  const ledger = labels === undefined ? undefined : new FraudLedger(labels, new QuickPricer(ruleset.pricing));
  return withHistory(context, options, async (history, tell) => {
    const alerts = options.alerts === undefined ? undefined : await AlertsFile.open(options.alerts);
    const collector = new Collector({
      ruleset,
      ledger,
      withSightings: true,
      ...(alerts === undefined ? {} : { onSighting: (sighting) => alerts.add(sighting) }),
    });
    const replay = new Replay(ruleset, collector.listener());
    const tally = await runBacktest(history, [replay], {
      ...(ledger === undefined ? {} : { observe: (event, isDuplicate) => ledger.book(event, isDuplicate) }),
      progress: (events) => {
        collector.tick(replay);
        tell(events);
      },
    });
    collector.tick(replay, true);
    await alerts?.close();
    requireEvents(history, tally);
    const labelled = labels === undefined || ledger === undefined ? undefined : { labels, ledger };
    return buildReport({ ruleset, historyName: history.name, tally, replay, collector, labelled });
  });
}
