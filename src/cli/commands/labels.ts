import { type Command, Option } from 'commander';
import { cleanLabel, cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import {
  LABEL_CAUSES,
  LABELS,
  type Label,
  type LabelAccountResult,
  type LabelCause,
  labelAccount,
} from '../../pipeline/admin/label-account.ts';
import type { CliContext } from '../context.ts';
import { amount, type CommonOptions, timeOption, withCommon } from '../options.ts';
import { print } from '../output/print.ts';
import { count, inWords } from '../output/words.ts';
import { readLabelRows } from '../read-label-rows.ts';
import { withBooks } from '../with-books.ts';

/** `labels …` */
export function registerLabels(program: Command, context: CliContext): void {
  const labels = program
    .command('labels')
    .description('what became known of accounts after the fact: disputes, fraud warnings, unpaid top-ups, reviews');
  registerImport(labels, context);
  registerAdd(labels, context);
}

interface ImportOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly strict?: boolean;
}

/** What became of one row. */
interface RowResult {
  readonly line: number;
  readonly account: string;
  readonly status: 'labelled' | 'repeated' | 'unknown_account' | 'invalid';
  readonly problem: string | null;
  readonly closed: readonly string[];
  readonly duplicates: readonly string[];
  readonly contradicted: readonly string[];
}

/** Rows that were not taken, shown to people; `--json` has all. */
const SHOWN_MAX = 50;

function registerImport(labels: Command, context: CliContext): void {
  const command = labels
    .command('import')
    .description(
      'take labels from a CSV file; a row taken before changes nothing, and one that cannot be taken is named',
    )
    .argument('<file>', 'columns account, label (confirmed_fraud or benign), at; also cause, until, loss, key, note')
    .option('--dry-run', 'do everything, then roll it back')
    .option('--strict', 'exit 1 when any row was not taken');
  withCommon(command, [
    'tollkeeper labels import chargebacks.csv',
    'tollkeeper labels import chargebacks.csv --dry-run --json',
  ]).action(async (file: string, { tenant, json, dryRun = false, strict }: ImportOptions) => {
    const rows = await readLabelRows(file, tenant);
    if (rows.length === 0) throw new AppError('LABELS_INVALID', `${file} has no rows.`);
    const results = await withBooks(context, async ({ admin }) => {
      const done: RowResult[] = [];
      for (const read of rows) {
        const { line, account } = read;
        if ('problem' in read) {
          done.push({ ...NOTHING, line, account, status: 'invalid', problem: read.problem });
          continue;
        }
        const request = { ...read.row, tenant, actor: context.actor, nowMs: context.now(), dryRun };
        done.push({ line, account, ...(await outcomeOf(() => labelAccount(admin, request))) });
      }
      return done;
    });
    const refused = results.filter(({ problem }) => problem !== null);
    print(context, json, {
      json: { ...tally(results), dryRun, rows: results },
      text: importText(results, dryRun),
    });
    if (strict === true && refused.length > 0) context.setExitCode(1);
  });
}

const NOTHING = { closed: [], duplicates: [], contradicted: [] } as const;

// One row that cannot be taken must not keep the others out.
async function outcomeOf(work: () => Promise<LabelAccountResult>): Promise<Omit<RowResult, 'line' | 'account'>> {
  try {
    const result = await work();
    if (result.status === 'unknown_account') {
      const problem = 'nobody knows this account; send the row again once it has sent usage';
      return { ...NOTHING, status: 'unknown_account', problem };
    }
    const { isRepeated, closed, duplicates, contradicted } = result;
    return { status: isRepeated ? 'repeated' : 'labelled', problem: null, closed, duplicates, contradicted };
  } catch (error) {
    if (!(error instanceof AppError) || !['LABELS_INVALID', 'IDEMPOTENCY_CONFLICT'].includes(error.code)) throw error;
    return { ...NOTHING, status: 'invalid', problem: error.message };
  }
}

function tally(results: readonly RowResult[]) {
  const number = (status: RowResult['status']) => results.filter((result) => result.status === status).length;
  return {
    labelled: number('labelled'),
    repeated: number('repeated'),
    unknownAccounts: number('unknown_account'),
    invalid: number('invalid'),
    // A row that was known before tells again what it closed then.
    alertsClosed: results.reduce(
      (sum, { status, closed, duplicates }) => (status === 'labelled' ? sum + closed.length + duplicates.length : sum),
      0,
    ),
    contradicted: results.flatMap(({ contradicted }) => contradicted),
  };
}

function importText(results: readonly RowResult[], dryRun: boolean): string {
  const { labelled, repeated, unknownAccounts, invalid, alertsClosed, contradicted } = tally(results);
  const refused = results.filter(({ problem }) => problem !== null);
  const more = refused.length - SHOWN_MAX;
  return [
    ...refused
      .slice(0, SHOWN_MAX)
      .map(({ line, account, problem }) => `line ${line}: ${cleanLabel(account, 40)}: ${cleanText(problem ?? '')}`),
    ...(more > 0 ? [`and ${more} more; --json has them all`] : []),
    ...contradictedLines(contradicted),
    `${count(results.length, 'row')}: ${labelled} labelled, ${repeated} known before, ${unknownAccounts} of unknown accounts, ${invalid} invalid. ${count(alertsClosed, 'alert')} closed.`,
    ...(dryRun ? ['Dry run: nothing was changed.'] : []),
  ].join('\n');
}

function contradictedLines(alerts: readonly string[]): readonly string[] {
  if (alerts.length === 0) return [];
  return [
    `Closed the other way by a person, which stands until \`tollkeeper alert close\` says otherwise: ${alerts.join(', ')}.`,
  ];
}

interface AddOptions extends CommonOptions {
  readonly as: Label;
  readonly cause: LabelCause;
  readonly at: number;
  readonly until?: number;
  readonly loss?: string;
  readonly note?: string;
  readonly key?: string;
  readonly dryRun?: boolean;
}

function registerAdd(labels: Command, context: CliContext): void {
  const command = labels
    .command('add')
    .description('say what became known of one account; closes the open alerts it is about')
    .argument('<account>', 'the account')
    .addOption(new Option('--as <label>', 'what is known').choices(LABELS).makeOptionMandatory())
    .addOption(new Option('--cause <cause>', 'how it became known').choices(LABEL_CAUSES).default('review'))
    .addOption(
      new Option('--at <time>', 'when it began: of a dispute, the payment').argParser(timeOption).makeOptionMandatory(),
    )
    .addOption(new Option('--until <time>', 'when it ended').argParser(timeOption))
    .option('--loss <amount>', 'what was lost in all')
    .option('--note <text>', 'kept with the label')
    .option('--key <key>', 'idempotency key: the same label sent again with it changes nothing')
    .option('--dry-run', 'do everything, then roll it back');
  withCommon(command, [
    'tollkeeper labels add acme --as confirmed_fraud --cause dispute --at 2026-03-01T14:00:00Z --loss 50.00',
    'tollkeeper labels add acme --as benign --at 2026-03-01 --until 2026-03-03 --note "load test"',
  ]).action(async (account: string, options: AddOptions) => {
    const { tenant, json, as, cause, at, until, loss, note, dryRun = false } = options;
    const key = options.key ?? context.newKey();
    const result = await withBooks(context, ({ admin }) =>
      labelAccount(admin, {
        ...{ tenant, account, label: as, cause, atMs: at, idempotencyKey: key, actor: context.actor, dryRun },
        ...(until === undefined ? {} : { untilMs: until }),
        ...(loss === undefined ? {} : { lossNanos: amount(loss, 'not_negative').nanos }),
        ...(note === undefined ? {} : { note }),
        nowMs: context.now(),
      }),
    );
    if (result.status === 'unknown_account')
      throw new AppError('WALLET_NOT_FOUND', `Nobody knows the account ${JSON.stringify(account)}.`);
    print(context, json, {
      json: { ...result, label: as, cause, key, dryRun },
      text: addText(result, { as, key, dryRun }),
    });
  });
}

function addText(
  { account, closed, duplicates, contradicted, isRepeated }: Extract<LabelAccountResult, { status: 'labelled' }>,
  { as, key, dryRun }: { readonly as: Label; readonly key: string; readonly dryRun: boolean },
): string {
  return [
    `${cleanLabel(account, 60)} ${dryRun ? 'would be' : 'is'} labelled ${inWords(as)}; ${count(closed.length, 'case')} closed with it${duplicates.length === 0 ? '' : `, and ${count(duplicates.length, 'duplicate')}`}.`,
    ...contradictedLines(contradicted),
    isRepeated
      ? `This label was known before; nothing was changed now. (key ${key})`
      : dryRun
        ? 'Dry run: nothing was changed.'
        : `Key ${key}: sending it again with --key changes nothing.`,
  ].join('\n');
}
