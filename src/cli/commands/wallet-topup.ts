import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { parseDate } from '../../domain/rules/units.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import type { TopUpOutcome } from '../../pipeline/admin/results.ts';
import { topUp } from '../../pipeline/admin/top-up.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, notAnAmount, positiveAmount, wholeNumber, withCommon } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { count } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { carryOut, releasedLines } from './carry-out.ts';
import { type ChangeOptions, changeJson, totalJson, withChange } from './change-view.ts';

interface TopUpOptions extends CommonOptions, ChangeOptions {
  readonly promotional?: boolean;
  readonly priority?: number;
  readonly expires?: number;
}

const BELOW_ZERO = /^-[^-a-z]*\d/i;

/** `wallet topup ACCOUNT AMOUNT` */
export function registerTopUp(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('topup')
    .description('credit an account; opens it when it is unknown, and posts usage that waited for credit')
    .argument('<account>', 'the account')
    .argument('<amount>', 'for example "20.00 USD"')
    .option('--promotional', 'a gift of ours, not money received; spent before paid credit')
    .addOption(
      new Option('--priority <number>', 'when it is spent: 0 first, 100 last; paid credit has 50, a gift 20').argParser(
        (text) => wholeNumber(text, 0, PRIORITY_MAX),
      ),
    )
    .addOption(new Option('--expires <date>', 'when what is left of it ends: 2027-03-01 (0:00 UTC)').argParser(moment))
    .exitOverride((error) => {
      // No option has a digit in it: a word like "-1 USD" is an amount below zero, and `unknown option` would mislead.
      const isUnknown = error.code === 'commander.unknownOption';
      const amount = isUnknown ? command.args.find((word) => BELOW_ZERO.test(word)) : undefined;
      throw amount === undefined ? error : notAnAmount(amount);
    });
  withCommon(withChange(command), [
    'tollkeeper wallet topup acme "20.00 USD"',
    'tollkeeper wallet topup acme 5 --promotional --reason "goodwill, case 118"',
    'tollkeeper wallet topup acme 25 --promotional --expires 2027-03-01',
    'tollkeeper wallet topup acme 50 --key stripe-pi_3Nx --dry-run',
  ]).action(async (account: string, text: string, options: TopUpOptions) => {
    const ruleset = await rulesInForce(context);
    const { currency } = ruleset.pricing;
    const amount = positiveAmount(text, currency);
    await carryOut(context, options, {
      work: ({ admin }, request) =>
        topUp(admin, {
          ...request,
          tenant: options.tenant,
          account,
          currency,
          amount,
          source: options.promotional === true ? 'promotional' : 'paid',
          ...(options.priority === undefined ? {} : { priority: options.priority }),
          ...(options.expires === undefined ? {} : { expiresAtMs: options.expires }),
          overdraftNanos: ruleset.overdraftNanos,
        }),
      answer: (result, change) => ({
        json: topUpJson(result, change),
        text: topUpText(result, change.dryRun && !result.isRepeated),
      }),
    });
  });
}

/** The last place in burn order. */
const PRIORITY_MAX = 100;

/** Midnight UTC of a date, or a moment with its offset. */
function moment(text: string): number {
  const date = parseDate(text);
  const ms = date.ok ? date.value : parseRfc3339(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Give a date such as 2027-03-01, or a moment such as 2027-03-01T12:00:00Z.');
}

function topUpJson(result: TopUpOutcome, change: Parameters<typeof changeJson>[1]) {
  return {
    ...changeJson(result, change),
    ...moneyFields('amount', result.amount),
    source: result.source,
    ...moneyFields('balanceBefore', result.balanceBefore),
    opened: result.isOpened,
    released: totalJson(result.released),
    waiting: totalJson(result.waiting),
  };
}

/** What was done; of a dry run, with the same figures, what would be. */
function topUpText(result: TopUpOutcome, isOnlyTried: boolean): string {
  const money = (nanos: bigint) => formatMoney(nanos, result.currency);
  const { released, waiting } = result;
  const lines = [
    `${cleanText(result.account)} (${result.wallet}): ${money(result.amount)} ${result.source}. ${isOnlyTried ? 'The balance would go' : 'Balance'} ${money(result.balanceBefore)} → ${money(result.balance)}.`,
  ];
  if (result.isOpened) {
    lines.push(`The account ${isOnlyTried ? 'is unknown and would be' : 'was unknown and is now'} open and confirmed.`);
  }
  lines.push(...releasedLines(released, result.currency, { waitedFor: ' for credit', isOnlyTried }));
  if (waiting.events > 0) {
    const why = result.status === 'active' ? 'do not fit the balance' : 'wait, because the wallet is frozen';
    lines.push(
      `${count(waiting.events, 'event')} worth ${money(waiting.amount)} ${isOnlyTried ? 'would still' : 'still'} ${why}.`,
    );
  }
  return lines.join('\n');
}
