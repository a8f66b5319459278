import type { Command } from 'commander';
import { RulesetDiff } from '../../pipeline/backtest/diff.ts';
import { buildDiffReport, type DiffReport } from '../../pipeline/backtest/diff-report.ts';
import { FraudLedger } from '../../pipeline/backtest/fraud-ledger.ts';
import { QuickPricer } from '../../pipeline/backtest/quick-price.ts';
import { runBacktest } from '../../pipeline/backtest/run-backtest.ts';
import { readLabels } from '../backtest/read-labels.ts';
import { renderDiff, renderDiffMarkdown } from '../backtest/render-diff.ts';
import { renderDiffHtml } from '../backtest/render-diff-html.ts';
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

interface DiffOptions extends HistoryOptions {
  readonly labels?: string;
  readonly markdown?: string;
  readonly html?: string;
}

const COLUMNS_PIPED = 100;

/** `rules diff A B` */
export function registerDiff(rules: Command, context: CliContext): void {
  const command = withHistoryOptions(
    rules
      .command('diff')
      .description('play past usage to two sets of rules at once, and compare what they decide, in money')
      .argument('<a>', 'the rules as they are: a directory, or a git revision and a directory such as main:rules')
      .argument('<b>', 'the rules as they would be'),
  )
    .option('--labels <file>', 'attacks that are known (labels.csv): adds precision, recall and friction')
    .option('--markdown <file>', 'write the comparison for a pull request')
    .option('--html <file>', 'write it with plots, as one page that needs nothing else');
  withJson(command, [
    'tollkeeper rules diff main:rules ./rules',
    'tollkeeper rules diff ./rules ./rules-next --events usage.ndjson.gz --labels labels.csv --html diff.html',
    'tollkeeper rules diff main:rules HEAD:rules --markdown comment.md --quiet',
  ]).action(async (a: string, b: string, options: DiffOptions) => {
    const report = await compare(context, { a, b }, options);
    if (options.markdown !== undefined) await writeReport(options.markdown, renderDiffMarkdown(report));
    if (options.html !== undefined) await writeReport(options.html, renderDiffHtml(report));
    const text = renderDiff(report, context.output.columns ?? COLUMNS_PIPED);
    print(context, options.json, { json: { ...report }, text });
  });
}

async function compare(
  context: CliContext,
  names: { readonly a: string; readonly b: string },
  options: DiffOptions,
): Promise<DiffReport> {
  const [a, b] = [await rulesetOf(context, names.a), await rulesetOf(context, names.b)];
  const labels = options.labels === undefined ? undefined : (await readLabels(options.labels, isFile(options))).labels;
  const ledger = labels === undefined ? undefined : new FraudLedger(labels, new QuickPricer(b.pricing));
  const diff = new RulesetDiff(a, b, ledger);
  return withHistory(context, options, async (history, tell) => {
    // Equal rules decide equally: reading a month of usage would only prove it again.
    const isSame = a.hash === b.hash;
    const source = isSame ? { ...history, blocks: nothing } : history;
    const tally = await runBacktest(source, [diff.a.replay, diff.b.replay], {
      ...(ledger === undefined ? {} : { observe: (event, isDuplicate) => ledger.book(event, isDuplicate) }),
      after: () => diff.after(),
      progress: tell,
    });
    if (!isSame) requireEvents(history, tally);
    const labelled = labels === undefined || ledger === undefined || isSame ? undefined : { labels, ledger };
    return buildDiffReport({ diff, names, historyName: history.name, tally, labelled });
  });
}

async function* nothing() {
  // No block at all.
}
