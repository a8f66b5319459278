import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import { QuickPricer } from '../../pipeline/backtest/quick-price.ts';
import { ATTACKS, planAttacks } from '../attacks/plan-attacks.ts';
import { profileHistory } from '../attacks/profile.ts';
import { writeAttacked } from '../attacks/write-attacked.ts';
import { rulesetOf, withHistory } from '../backtest/with-history.ts';
import type { CliContext } from '../context.ts';
import { createRandom } from '../demo/random.ts';
import { parseMapping } from '../ingest/field-map.ts';
import { wholeNumber, withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { count } from '../output/words.ts';

interface AttackOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly events: string;
  readonly out: string;
  readonly map?: Readonly<Record<string, string>>;
  readonly family?: readonly string[];
  readonly attacks: number;
  readonly seed: number;
  readonly difficulty: number;
  readonly warmUpDays: number;
}

/** `simulate-attack` */
export function registerSimulateAttack(program: Command, context: CliContext): void {
  const names = ATTACKS.map(({ name }) => name);
  const command = program
    .command('simulate-attack')
    .description('write a copy of past usage with attacks in it, and what is known of them, to try rules on')
    .requiredOption('--events <file>', 'past usage that is honest as far as you know (NDJSON or CSV, also .gz)')
    .requiredOption('--out <directory>', 'where events.ndjson.gz, labels.csv, fraud.csv, benign.csv and meta.json go')
    .option('--map <pairs>', 'field names in the file: id=event_id,account=customer', parseMapping)
    .addOption(new Option('--family <names...>', 'only these attacks').choices(names))
    .option('--attacks <count>', 'of each family', (text) => wholeNumber(text, 1, 100), 3)
    .option('--seed <number>', 'the same number draws the same attacks', (text) => wholeNumber(text, 0, 999_999_999), 1)
    .option('--difficulty <share>', '0 is plain to see, 1 hides among honest usage', difficulty, 0.4)
    .option('--warm-up-days <count>', 'nothing happens before', (text) => wholeNumber(text, 0, 365), 10)
    .option('--quiet', 'no progress');
  withJson(command, [
    'tollkeeper simulate-attack --events usage.ndjson.gz --out attacked',
    'tollkeeper simulate-attack --events usage.csv --out attacked --family stolen_key_drain slow_drip --difficulty 0.7 --seed 8',
  ]).action((options: AttackOptions) => simulate(context, options));
}

async function simulate(context: CliContext, options: AttackOptions): Promise<void> {
  if (options.events === '-') throw new AppError('CLI_USAGE', 'The history is read twice, so it has to be a file.');
  const { pricing } = await rulesetOf(context, undefined);
  const pricer = new QuickPricer(pricing);
  const read = { events: options.events, tenant: 'default', ...pick(options) };
  const profile = await withHistory(context, read, (history, tell) =>
    profileHistory(
      history,
      ({ meter }) => pricing.meters.get(meter)?.kind === 'usage',
      createRandom(options.seed, -1),
      tell,
    ),
  );
  if (profile.events === 0) throw new AppError('HISTORY_EMPTY', `There are no events in ${options.events}.`);
  const chosen = options.family;
  const { schemes, unsuited } = planAttacks(profile, {
    families: chosen === undefined ? ATTACKS : ATTACKS.filter(({ name }) => chosen.includes(name)),
    perFamily: options.attacks,
    seed: options.seed,
    difficulty: options.difficulty,
    warmUpDays: options.warmUpDays,
    priceOf: ({ account, meter, quantity, occurredAtMs }) => pricer.price(account, meter, quantity, occurredAtMs) ?? 0,
  });
  const attacks = schemes.filter(({ isHonest }) => !isHonest);
  if (attacks.length === 0) {
    throw new AppError(
      'HISTORY_EMPTY',
      `No account of ${options.events} has enough priced usage before and after ${options.warmUpDays} days to be attacked.`,
      { fix: 'Give a longer history, fewer --warm-up-days, or prices for its meters.' },
    );
  }
  const settings = {
    seed: options.seed,
    difficulty: options.difficulty,
    scoreFromMs: profile.firstMs + options.warmUpDays * DAY_MS,
  };
  const written = await withHistory(context, read, (history, tell) =>
    writeAttacked(options.out, history, profile, schemes, settings, tell),
  );
  const families = countBy(attacks.map(({ family }) => family));
  const lookAlikes = countBy(schemes.filter(({ isHonest }) => isHonest).map(({ family }) => family));
  print(context, options.json, {
    json: { directory: options.out, ...settings, ...written, attacks: families, lookAlikes, unsuited },
    text: [
      table(
        [
          { head: 'ATTACK', cell: ({ name }) => name },
          { head: 'TIMES', align: 'right', cell: ({ times }) => String(times) },
          { head: 'WHAT IT IS', columnsMax: 120, cell: ({ about }) => about },
        ],
        ATTACKS.flatMap(({ name, about }) =>
          families[name] === undefined ? [] : [{ name, about, times: families[name] }],
        ),
      ),
      `${count(written.events, 'event')}: ${count(written.injected, 'event')} injected, ${written.changed} changed, ${written.dropped} gone; ${formatMoney(BigInt(Math.round(written.lossNanos)), pricing.currency)} stolen.`,
      `${count(schemes.length - attacks.length, 'honest look-alike')} beside them: ${Object.keys(lookAlikes).join(', ')}.`,
      ...(unsuited.length === 0 ? [] : [`No suitable account was left for: ${unsuited.join(', ')}.`]),
      `Try the rules: tollkeeper rules backtest --events ${options.out}/events.ndjson.gz --labels ${options.out}/labels.csv`,
    ].join('\n'),
  });
}

function pick({ map, quiet, json }: AttackOptions) {
  return {
    ...(map === undefined ? {} : { map }),
    ...(quiet === undefined ? {} : { quiet }),
    ...(json === undefined ? {} : { json }),
  };
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function difficulty(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Give a number from 0 to 1.');
}
