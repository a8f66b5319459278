import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import { type ScorecardRow, scorecardOf } from '../../pipeline/backtest/scorecard.ts';
import { rangeText, shareText } from '../backtest/report-text.ts';
import { withHistoryOptions } from '../backtest/with-history.ts';
import type { CliContext } from '../context.ts';
import { money } from '../demo/report-values.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { type BacktestOptions, backtest } from './rules-backtest.ts';

/** `rules scorecard` */
export function registerScorecard(rules: Command, context: CliContext): void {
  const command = withHistoryOptions(
    rules
      .command('scorecard')
      .description("each rule's precision and recall against known attacks, in cases and money: keep, tune or retire")
      .argument('[directory]', 'default: the rules in force'),
  )
    .option('--labels <file>', 'attacks that are known (labels.csv)')
    .option('--cases', 'closed alerts and labels of the database as labels, alone or beside --labels');
  withJson(command, [
    'tollkeeper rules scorecard --cases',
    'tollkeeper rules scorecard ./rules --events usage.ndjson.gz --labels labels.csv --json',
  ]).action(async (directory: string | undefined, options: BacktestOptions) => {
    if (options.labels === undefined && options.cases !== true)
      throw new AppError('CLI_USAGE', 'Give --cases, or --labels with a file.');
    const report = await backtest(context, directory, options);
    // With labels and at least one event there always is a score.
    const score = report.labels?.budgets.at(-1);
    const rows = score === undefined ? [] : scorecardOf(report, score);
    const { history, from, to, currency, warnings } = report;
    const notes = warnings.map(({ code, message }) => `warning ${code}: ${message}`);
    print(context, options.json, {
      json: {
        v: 1,
        history,
        from,
        to,
        currency,
        warnings,
        attacks: report.labels?.attacks ?? 0,
        budget: score?.budget ?? null,
        rules: rows,
      },
      text: [...notes, scorecardTable(rows, currency)].join('\n'),
    });
  });
}

function scorecardTable(rows: readonly ScorecardRow[], currency: string): string {
  return table(
    [
      { head: 'rule', cell: ({ rule }) => rule },
      { head: 'mode', cell: ({ mode }) => mode },
      { head: 'precision', align: 'right', cell: ({ precision }) => shareText(precision) },
      { head: 'plausibly', align: 'right', cell: ({ precision }) => rangeText(precision) },
      { head: 'recall', align: 'right', cell: ({ recall }) => shareText(recall) },
      { head: 'plausibly', align: 'right', cell: ({ recall }) => rangeText(recall) },
      { head: 'saved', align: 'right', cell: ({ saved }) => money(saved, currency) },
      { head: 'verdict', cell: ({ verdict }) => verdict },
      { head: 'why', columnsMax: 80, cell: ({ why }) => why },
    ],
    rows,
  );
}
