import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatRuleLoadError } from '../../domain/rules/ruleset.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { replaceScalar } from '../../pipeline/rule-lab/edit-yaml.ts';
import { chooseWithin, planTune, tune } from '../../pipeline/rule-lab/tune.ts';
import { type HistoryOptions, requireEvents, withHistory, withHistoryOptions } from '../backtest/with-history.ts';
import { writeReport } from '../backtest/write-report.ts';
import type { CliContext } from '../context.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';

interface TuneOptions extends HistoryOptions {
  readonly budget: number;
  readonly write?: boolean;
}

const BUDGET = 5;

/** `rules tune RULE` */
export function registerTune(rules: Command, context: CliContext): void {
  const command = withHistoryOptions(
    rules
      .command('tune')
      .description('the threshold of a rule from an alert budget, with what other thresholds would cost')
      .argument('<rule>', 'its id')
      .argument('[directory]', 'default: the rules in force'),
  )
    .addOption(
      new Option('--budget <incidents>', 'incidents per 1,000 account-days that people can look at')
        .default(BUDGET)
        .argParser(budgetOf),
    )
    .option('--write', 'put the threshold into the file; nothing else in it changes');
  withJson(command, [
    'tollkeeper rules tune slow-drain --budget 2',
    'tollkeeper rules tune slow-drain ./rules --events usage.ndjson.gz --write',
  ]).action(async (rule: string, directory: string | undefined, options: TuneOptions) => {
    const { directory: place, files } = await context.readRuleTexts(directory);
    const plan = planTune(files, rule);
    if (!plan.ok) {
      const code = plan.errors.length > 0 ? 'RULES_INVALID' : 'CLI_USAGE';
      throw new AppError(code, [cleanText(plan.reason), ...plan.errors.map(formatRuleLoadError)].join('\n'));
    }
    const { points, accountDays } = await withHistory(context, options, async (history, tell) => {
      const tuned = await tune(history, plan.variants, tell);
      requireEvents(history, tuned.tally);
      return tuned;
    });
    const chosen = chooseWithin(points, options.budget);
    const isWritten = options.write === true && chosen !== undefined && !chosen.isPresent;
    if (isWritten) {
      const path = join(place, plan.file.path.split('/').at(-1) ?? '');
      await writeReport(path, replaceScalar(plan.file.text, plan.scalar, chosen.written));
    }
    const key = plan.scalar.place.join('.');
    const { budget } = options;
    const curve = table(
      [
        { head: key, align: 'right', cell: ({ written, isPresent }) => `${written}${isPresent ? ' (now)' : ''}` },
        { head: 'incidents', align: 'right', cell: ({ incidents }) => String(incidents) },
        { head: 'per 1,000 account-days', align: 'right', cell: (point) => point.per1000AccountDays.toFixed(2) },
        { head: 'accounts', align: 'right', cell: ({ accounts }) => String(accounts) },
      ],
      points,
    );
    const advice =
      chosen === undefined
        ? `Even the strictest of these is above ${budget}: the rule needs another window or floor.`
        : `${key}: ${chosen.written} is the most sensitive within ${budget} incidents per 1,000 account-days.`;
    print(context, options.json, {
      json: { v: 1, rule, key, budget, accountDays, chosen: chosen?.written ?? null, isWritten, points },
      text: [curve, '', `${advice}${isWritten ? ' It is written.' : ''}`].join('\n'),
    });
  });
}

function budgetOf(text: string): number {
  const value = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('Give a number above zero, such as 5.');
}
