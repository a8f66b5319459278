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
      text: `${thawText(result, dryRun && !result.isRepeated)}\n${closing(change)}`,
    });
  });
}

/** What was done; of a dry run, with the same figures, what would be. */
function thawText(result: ThawOutcome, isOnlyTried: boolean): string {
  const worth = ({ events, amount }: UsageTotal) =>
    `${count(events, 'event')} worth ${formatMoney(amount, result.currency)}`;
  const say = (done: string, tried: string) => (isOnlyTried ? tried : done);
  const balance = formatMoney(result.balance, result.currency);
  const { posted, voided, overLimit, throttled, kept } = result;
  const lines = [
    `${cleanText(result.account)} (${result.wallet}) ${say('is active. Balance', 'would be active, with a balance of')} ${balance}.`,
  ];
  if (posted.events > 0) lines.push(`${say('Posted', 'Would post')} ${worth(posted)}.`);
  if (voided.events > 0) {
    lines.push(`${say('Voided', 'Would void')} ${worth(voided)}: never charged.`);
  }
  if (overLimit.events > 0) {
    lines.push(`${worth(overLimit)} ${say('did', 'would')} not fit the balance: the next top-up pays for it first.`);
  }
  if (throttled.events > 0) {
    lines.push(
      `${worth(throttled)} ${say('exceed', 'would exceed')} the spending limit: posted in the periods that follow.`,
    );
  }
  if (kept.events > 0) {
    const stay = say(kept.events === 1 ? 'stays' : 'stay', 'would stay');
    lines.push(`${worth(kept)} ${stay} in quarantine. Settle with --usage post or --usage void.`);
  }
  return lines.join('\n');
}
