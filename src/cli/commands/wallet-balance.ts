import { type Command, Option } from 'commander';
import { formatWalletId } from '../../domain/ids.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, timeOption, withCommon } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

interface BalanceOptions extends CommonOptions {
  readonly at?: number;
  readonly currency?: string;
}

/** `wallet balance ACCOUNT` */
export function registerWalletBalance(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('balance')
    .description('the balance now, or as it was posted by a time')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .addOption(new Option('--at <time>', 'a day or a time in RFC 3339; default: now').argParser(timeOption))
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(command, [
    'tollkeeper wallet balance acme --at 2026-03-01',
    'tollkeeper wallet balance acme --at 2026-03-01T14:00:00Z --json',
  ]).action(async (name: string, { json, tenant, currency, at }: BalanceOptions) => {
    const reference = { tenant, name, ...(currency === undefined ? {} : { currency }) };
    const found = await withBooks(context, ({ history }) => history.balanceAt(reference, at));
    const { wallet: whose, point, postedAtMs } = found;
    const atMs = at ?? context.now();
    const last =
      postedAtMs === null
        ? 'Nothing had been posted by then.'
        : `Entry ${point.sequence}, posted ${time(postedAtMs)}, left it.`;
    print(context, json, {
      json: {
        wallet: formatWalletId(whose.walletId),
        tenant: whose.tenant,
        account: whose.account,
        currency: whose.currency,
        at: timeField(atMs),
        ...moneyFields('balance', point.balance),
        sequence: point.sequence.toString(),
        postedAt: timeField(postedAtMs),
      },
      text: `${cleanText(whose.account)} had ${formatMoney(point.balance, whose.currency)} at ${time(atMs)}.\n${last}`,
    });
  });
}
