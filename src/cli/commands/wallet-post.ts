import { type Command, Option } from 'commander';
import type { SetRefusal, SetStatus } from '../../domain/ledger/judge-set.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { CliContext } from '../context.ts';
import { openInput } from '../ingest/open-input.ts';
import { readSet, type SetLine, type SetProblem } from '../ingest/read-set.ts';
import { type CommonOptions, timeOption, withCommon } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

interface PostOptions extends CommonOptions {
  readonly at?: number;
  readonly promotional?: boolean;
  readonly partial?: boolean;
  readonly reason: string;
  readonly dryRun?: boolean;
}

/** A row that was not posted, or of a file that was not. */
type Refused = Omit<SetProblem, 'code'> & { readonly code: SetProblem['code'] | SetRefusal };

/** What became of a file. */
interface Posted {
  readonly rows: number;
  readonly posted: number;
  readonly duplicate: number;
  readonly charged: bigint;
  readonly credited: bigint;
  readonly refused: readonly Refused[];
}

/** Lines shown to people; `--json` has all of them. */
const SHOWN_MAX = 50;

const WHY: Readonly<Record<SetRefusal, string>> = {
  frozen: 'the wallet is frozen and takes no charge',
  short: 'the charge does not fit the balance and the overdraft limit',
  balance_too_large: 'a wallet cannot hold that much',
  unknown_wallet: 'nobody has opened this account; `tollkeeper wallet topup` does',
  conflict: 'the id was posted with another amount or account',
  too_late: 'the day is archived',
  has_grants: 'the wallet has grants; use `tollkeeper wallet topup` or `wallet correct`',
  has_throttle: 'the wallet has a spending limit; use `tollkeeper wallet topup` or `wallet correct`',
};

/** `wallet post FILE` */
export function registerPost(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('post')
    .description('post a file of charges and credits of many accounts; all rows or, when one is bad, none')
    .argument('<file>', 'CSV with the columns id, account, amount and at; - for stdin; may be gzipped')
    .addOption(new Option('--at <date>', 'when rows without `at` take effect: 2026-03-01').argParser(timeOption))
    .option('--promotional', 'credits are gifts of ours, not money received')
    .option('--partial', 'post the rows that fit, and name the others')
    .addOption(new Option('--reason <text>', 'kept in the audit log').makeOptionMandatory())
    .option('--dry-run', 'judge every row, post nothing');
  withCommon(command, [
    'tollkeeper wallet post fees.csv --at 2026-03-01 --reason "platform fee, March" --dry-run',
    'tollkeeper wallet post fees.csv --at 2026-03-01 --reason "platform fee, March"',
    'tollkeeper wallet post goodwill.csv.gz --promotional --partial --reason "outage of 2 March" --json',
  ]).action(async (file: string, options: PostOptions) => {
    const ruleset = await rulesInForce(context);
    const { currency } = ruleset.pricing;
    const nowMs = context.now();
    const { lines, problems } = await readSet(await openInput(file), { currency, atMs: options.at, nowMs });
    const dryRun = options.dryRun === true;
    const post = (of: readonly SetLine[], isTried: boolean) =>
      withBooks(context, ({ sets }) =>
        sets.post({
          tenant: options.tenant,
          items: of.map(({ item }) => item),
          currency,
          source: options.promotional === true ? 'promotional' : 'paid',
          overdraftNanos: ruleset.overdraftNanos,
          actor: context.actor,
          reason: options.reason,
          nowMs,
          dryRun: isTried,
        }),
      );
    const partial = options.partial === true;
    const tried = dryRun || !partial ? resultOf(lines, problems, await post(lines, true)) : undefined;
    const isWhole = partial || tried?.refused.length === 0;
    const result = dryRun || !isWhole ? tried : resultOf(lines, problems, await post(lines, false));
    if (result === undefined) throw new RangeError('a file is tried or posted');
    const isPosted = !dryRun && isWhole;
    print(context, options.json, {
      json: {
        rows: result.rows,
        posted: isPosted ? result.posted : 0,
        fit: result.posted,
        duplicate: result.duplicate,
        refused: result.refused.length,
        ...moneyFields('charged', result.charged),
        ...moneyFields('credited', result.credited),
        currency,
        dryRun,
        partial,
        problems: result.refused,
      },
      text: textOf(result, { currency, dryRun, isPosted, partial }),
    });
    if (result.refused.length > 0) context.setExitCode(1);
  });
}

function resultOf(lines: readonly SetLine[], problems: readonly SetProblem[], statuses: readonly SetStatus[]): Posted {
  let [posted, duplicate, charged, credited] = [0, 0, 0n, 0n];
  const refused: Refused[] = [...problems];
  for (const [index, { line, item }] of lines.entries()) {
    const status = statuses[index];
    if (status === undefined) throw new RangeError('one status per row');
    if (status.status === 'refused') {
      const { id, account } = item;
      refused.push({ line, id, account, code: status.reason, why: WHY[status.reason] });
    } else if (status.status === 'duplicate') {
      duplicate++;
    } else {
      posted++;
      if (item.amount < 0n) charged -= item.amount;
      else credited += item.amount;
    }
  }
  refused.sort((left, right) => left.line - right.line);
  return { rows: lines.length + problems.length, posted, duplicate, charged, credited, refused };
}

function textOf(
  { rows, posted, duplicate, charged, credited, refused }: Posted,
  how: { readonly currency: string; readonly dryRun: boolean; readonly isPosted: boolean; readonly partial: boolean },
): string {
  const money = (nanos: bigint) => formatMoney(nanos, how.currency);
  const lines = refused.slice(0, SHOWN_MAX).map(({ line, account, code, why }) => {
    const who = account === null ? '' : ` ${cleanText(account)}`;
    return `line ${line}${who}: ${code}: ${cleanText(why)}`;
  });
  if (refused.length > SHOWN_MAX) lines.push(`and ${refused.length - SHOWN_MAX} more; --json names all`);
  const verb = how.isPosted ? 'Posted' : 'Would post';
  lines.push(
    `${verb} ${posted} of ${count(rows, 'row')}: ${money(charged)} charged, ${money(credited)} credited${duplicate === 0 ? '' : `; ${duplicate} posted before`}.`,
  );
  if (how.dryRun) lines.push('Dry run: nothing was changed.');
  else if (!how.isPosted)
    lines.push('Nothing was changed. Correct the lines above, or post the others with --partial.');
  else lines.push('Posting the same file again changes nothing.');
  return lines.join('\n');
}
