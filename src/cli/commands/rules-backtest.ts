import { type Command, Option } from 'commander';
import { formatRuleLoadError, type Ruleset } from '../../domain/rules/ruleset.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { Replay } from '../../pipeline/backtest/replay.ts';
import { type HistoryTally, runBacktest } from '../../pipeline/backtest/run-backtest.ts';
import { AlertsFile } from '../backtest/alerts-file.ts';
import { openHistoryFile } from '../backtest/history-file.ts';
import type { CliContext } from '../context.ts';
import { parseMapping } from '../ingest/field-map.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { createProgress } from '../output/progress.ts';
import { count } from '../output/words.ts';

interface BacktestOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly events: string;
  readonly format?: 'ndjson' | 'csv';
  readonly map?: Readonly<Record<string, string>>;
  readonly alerts?: string;
}

/** `rules backtest` */
export function registerBacktest(rules: Command, context: CliContext): void {
  const command = rules
    .command('backtest')
    .description('play past usage to the rules, in one pass in arrival order, and report what they would have done')
    .argument('[directory]', 'default: the rules in force')
    .requiredOption('--events <file>', 'usage events (NDJSON or CSV, also .gz)')
    .addOption(new Option('--format <name>', 'default: by the name or the content').choices(['ndjson', 'csv']))
    .option('--map <pairs>', 'field names in the file: id=event_id,account=customer', parseMapping)
    .option('--alerts <file>', 'write every hit of live and shadow rules as {account, at, score, rule, source?} lines')
    .option('--quiet', 'no progress');
  withJson(command, [
    'tollkeeper rules backtest --events usage.ndjson.gz --alerts alerts.ndjson',
    'tollkeeper rules backtest ./rules --events export.csv --map id=event_id,account=customer --json',
  ]).action(async (directory: string | undefined, options: BacktestOptions) => {
    const ruleset = await rulesetOf(context, directory);
    const { format, map } = options;
    const history = await openHistoryFile(options.events, {
      ...(format === undefined ? {} : { format }),
      ...(map === undefined ? {} : { map }),
    });
    const alerts = options.alerts === undefined ? undefined : await AlertsFile.open(options.alerts);
    const replay = new Replay(ruleset, {
      ...(alerts === undefined
        ? {}
        : { sighting: (sighting, { account, atMs }) => alerts.add(sighting, account.account, atMs) }),
    });
    const progress = createProgress({
      label: 'replaying',
      total: history.bytesTotal,
      stream: process.stderr,
      silent: options.json === true || options.quiet === true,
      unit: 'bytes',
    });
    const tally = await runBacktest(history, [replay], { progress: () => progress.update(history.bytesRead()) });
    progress.finish();
    await alerts?.close();
    print(context, options.json, {
      json: { ...tally, alerts: alerts?.lines ?? null },
      text: tallyText(tally, alerts?.lines),
    });
  });
}

async function rulesetOf(context: CliContext, directory: string | undefined): Promise<Ruleset> {
  const { result, directory: place } = await context.readRules(directory, { runTests: false });
  if (result.ok) return result.ruleset;
  const lines = result.errors.map(formatRuleLoadError);
  throw new AppError('RULES_INVALID', [`The rules in ${cleanText(place)} do not load.`, ...lines].join('\n'));
}

function tallyText(tally: HistoryTally, lines: number | undefined): string {
  const wrote = lines === undefined ? '' : `, ${count(lines, 'alert line')}`;
  return `${count(tally.events, 'event')}, ${count(tally.duplicates, 'duplicate')}${wrote}`;
}
