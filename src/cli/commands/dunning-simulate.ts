import { type Command, Option } from 'commander';
import type { CliContext } from '../context.ts';
import { createRandom } from '../demo/random.ts';
import type { HourReading } from '../dunning/hour-reading.ts';
import { makeUpPayers } from '../dunning/made-up-payers.ts';
import { playPolicies } from '../dunning/play-policies.ts';
import { comparisons, reportText, totals } from '../dunning/policy-report.ts';
import { readPayers } from '../dunning/read-payers.ts';
import { wholeNumber, withJson } from '../options.ts';
import { print } from '../output/print.ts';

interface SimulateOptions {
  readonly json?: boolean;
  readonly payers?: string;
  readonly count: number;
  readonly seed: number;
  readonly hours?: string;
}

const READINGS: Readonly<Record<string, HourReading>> = {
  'local-monday': { zone: 'local', firstDay: 'monday' },
  'local-sunday': { zone: 'local', firstDay: 'sunday' },
  'utc-monday': { zone: 'utc', firstDay: 'monday' },
  'utc-sunday': { zone: 'utc', firstDay: 'sunday' },
};

/** `dunning simulate` */
export function registerDunningSimulate(dunning: Command, context: CliContext): void {
  const command = dunning
    .command('simulate')
    .description('compare when to try failed top-ups again: predicted hours, a fixed ladder, and eight even tries')
    .option('--payers <file>', 'payers as NDJSON (also .gz, - for standard input); without it, made-up ones')
    .option('--count <number>', 'made-up payers', (text) => wholeNumber(text, 1, 100_000), 5_000)
    .option('--seed <number>', 'draws outcomes, and made-up payers', (text) => wholeNumber(text, 0, 2 ** 53 - 1), 1)
    .addOption(
      new Option('--hours <reading>', 'whose week the 168 numbers are; found out when not given').choices(
        Object.keys(READINGS),
      ),
    );
  withJson(command, [
    'tollkeeper dunning simulate --seed 7',
    'tollkeeper dunning simulate --payers payers.ndjson --json',
  ]).action((options: SimulateOptions) => simulate(context, options));
}

async function simulate(context: CliContext, options: SimulateOptions): Promise<void> {
  const { seed } = options;
  const secrets = options.payers === undefined ? makeUpPayers(seed, options.count) : await readPayers(options.payers);
  const reading = options.hours === undefined ? undefined : READINGS[options.hours];
  // One draw for a payer and an hour, whichever policy asks: differences between policies are then not chance.
  const fate = (payer: number, hour: number) => createRandom(seed + payer * 1_000_003, hour).next();
  const played = playPolicies(secrets, { fate, reading });
  print(context, options.json, {
    json: {
      seed,
      payers: played.payers.length,
      source: options.payers ?? 'made up',
      hours: { ...played.reading, isSure: played.readingIsSure },
      notes: played.notes,
      policies: totals(played),
      comparisons: comparisons(played),
    },
    text: reportText(played),
  });
}
