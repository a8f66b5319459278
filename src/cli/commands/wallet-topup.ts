import type { Command } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { TopUpOutcome } from '../../pipeline/admin/results.ts';
import { topUp } from '../../pipeline/admin/top-up.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, notAnAmount, positiveAmount, withCommon } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';
import { type ChangeOptions, changeJson, closing, totalJson, withChange } from './change-view.ts';

interface TopUpOptions extends CommonOptions, ChangeOptions {
  readonly promotional?: boolean;
}

const BELOW_ZERO = /^-[^-a-z]*\d/i;

/** `wallet topup ACCOUNT AMOUNT` */
export function registerTopUp(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('topup')
    .description('credit an account; opens it when it is unknown, and posts usage that waited for credit')
    .argument('<account>', 'the account')
    .argument('<amount>', 'for example "20.00 USD"')
    .option('--promotional', 'a gift of ours, not money received')
    .exitOverride((error) => {
      // No option has a digit in it: a word like "-1 USD" is an amount below zero, and `unknown option` would mislead.
      const isUnknown = error.code === 'commander.unknownOption';
      const amount = isUnknown ? command.args.find((word) => BELOW_ZERO.test(word)) : undefined;
      throw amount === undefined ? error : notAnAmount(amount);
    });
  withCommon(withChange(command), [
    'tollkeeper wallet topup acme "20.00 USD"',
    'tollkeeper wallet topup acme 5 --promotional --reason "goodwill, case 118"',
    'tollkeeper wallet topup acme 50 --key stripe-pi_3Nx --dry-run',
  ]).action(async (account: string, text: string, options: TopUpOptions) => {
    const ruleset = await rulesInForce(context);
    const { currency } = ruleset.pricing;
    const amount = positiveAmount(text, currency);
    const key = options.key ?? context.newKey();
    const dryRun = options.dryRun === true;
    const result = await withBooks(context, ({ admin }) =>
      topUp(admin, {
        tenant: options.tenant,
        account,
        currency,
        amount,
        source: options.promotional === true ? 'promotional' : 'paid',
        overdraftNanos: ruleset.overdraftNanos,
        key,
        actor: context.actor,
        reason: options.reason ?? null,
        nowMs: context.now(),
        dryRun,
      }),
    );
    const change = { key, dryRun, isRepeated: result.isRepeated };
    print(context, options.json, { json: topUpJson(result, change), text: `${topUpText(result)}\n${closing(change)}` });
  });
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

function topUpText(result: TopUpOutcome): string {
  const money = (nanos: bigint) => formatMoney(nanos, result.currency);
  const { released, waiting } = result;
  const lines = [
    `${cleanText(result.account)} (${result.wallet}): ${money(result.amount)} ${result.source}. Balance ${money(result.balanceBefore)} → ${money(result.balance)}.`,
  ];
  if (result.isOpened) lines.push('The account was unknown and is now open and confirmed.');
  if (released.events > 0) {
    lines.push(`Posted ${count(released.events, 'event')} worth ${money(released.amount)} that waited for credit.`);
  }
  if (waiting.events > 0) {
    const why = result.status === 'active' ? 'do not fit the balance' : 'wait, because the wallet is frozen';
    lines.push(`${count(waiting.events, 'event')} worth ${money(waiting.amount)} still ${why}.`);
  }
  return lines.join('\n');
}
