import { type Command, Option } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { UsageTotal } from '../../pipeline/admin/admin-store.ts';
import type { ThawOutcome } from '../../pipeline/admin/results.ts';
import { thaw } from '../../pipeline/admin/thaw.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';
import { type ChangeOptions, changeJson, closing, totalJson, withChange } from './change-view.ts';

interface ThawOptions extends CommonOptions, ChangeOptions {
  readonly usage: 'keep' | 'post' | 'void';
  readonly currency?: string;
}

/** `wallet thaw ACCOUNT` */
export function registerThaw(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('thaw')
    .description('let a frozen wallet pay again; refused usage is charged only when you say so')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .addOption(
      new Option('--usage <what>', 'usage refused during the freeze: keep it in quarantine, post it, or void it')
        .choices(['keep', 'post', 'void'])
        .default('keep'),
    )
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(withChange(command), [
    'tollkeeper wallet thaw acme',
    'tollkeeper wallet thaw acme --usage post --reason "customer confirmed"',
    'tollkeeper wallet thaw acme --usage void --reason "fraud, case 118" --dry-run',
  ]).action(async (name: string, options: ThawOptions) => {
    const { overdraftNanos } = await rulesInForce(context);
    const key = options.key ?? context.newKey();
    const dryRun = options.dryRun === true;
    const { tenant, currency, usage } = options;
    const result = await withBooks(context, ({ admin }) =>
      thaw(admin, {
        wallet: { tenant, name, ...(currency === undefined ? {} : { currency }) },
        usage,
        overdraftNanos,
        key,
        actor: context.actor,
        reason: options.reason ?? null,
        nowMs: context.now(),
        dryRun,
      }),
    );
    const change = { key, dryRun, isRepeated: result.isRepeated };
    const totals = {
      posted: totalJson(result.posted),
      voided: totalJson(result.voided),
      overLimit: totalJson(result.overLimit),
      throttled: totalJson(result.throttled),
      kept: totalJson(result.kept),
    };
    print(context, options.json, {
      json: { ...changeJson(result, change), usage, ...totals },
      text: `${thawText(result)}\n${closing(change)}`,
    });
  });
}

function thawText(result: ThawOutcome): string {
  const worth = ({ events, amount }: UsageTotal) =>
    `${count(events, 'event')} worth ${formatMoney(amount, result.currency)}`;
  const lines = [
    `${cleanText(result.account)} (${result.wallet}) is active. Balance ${formatMoney(result.balance, result.currency)}.`,
  ];
  if (result.posted.events > 0) lines.push(`Posted ${worth(result.posted)}.`);
  if (result.voided.events > 0) lines.push(`Voided ${worth(result.voided)}: never charged.`);
  if (result.overLimit.events > 0)
    lines.push(`${worth(result.overLimit)} did not fit the balance: the next top-up pays first.`);
  if (result.throttled.events > 0)
    lines.push(`${worth(result.throttled)} exceed the spending limit: posted in the periods that follow.`);
  if (result.kept.events > 0) {
    lines.push(`${worth(result.kept)} stay in quarantine. Settle them with --usage post or --usage void.`);
  }
  return lines.join('\n');
}
