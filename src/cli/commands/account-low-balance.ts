import { type Command, Option } from 'commander';
import { lowBalance, lowBalanceMessage } from '../../domain/summaries/low-balance.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { amount, type CommonOptions, wholeNumber, withCommon } from '../options.ts';
import { type PreviewOptions, readerOf, showMessage, withPreview } from '../preview/show-message.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

interface LowOptions extends CommonOptions, PreviewOptions {
  readonly days: number;
  readonly below?: string;
  readonly currency?: string;
  readonly payUrl?: string;
}

/** `account low-balance ACCOUNT` */
export function registerLowBalance(account: Command, context: CliContext): void {
  const command = withPreview(
    account
      .command('low-balance')
      .description('how long a balance lasts, and the message its customer would get; sends nothing')
      .argument('<account>', 'the account')
      .addOption(
        new Option('--days <count>', 'low is what lasts no longer than this at the usual pace')
          .argParser((text: string) => wholeNumber(text, 0, 365))
          .default(3),
      )
      .option('--below <amount>', 'low is also what is below this')
      .option('--currency <code>', 'which wallet, when the account has several')
      .option('--pay-url <address>', 'where the customer pays'),
  );
  withCommon(command, [
    'tollkeeper account low-balance acme',
    'tollkeeper account low-balance acme --days 5 --lang de --form html --open',
  ]).action(async (name: string, options: LowOptions) => {
    const { overdraftNanos } = await rulesInForce(context);
    const at = { nowMs: context.now(), overdraftNanos };
    const balances = await withBooks(context, ({ stories }) => stories.balances(options.tenant, name, at));
    const fitting = balances.filter(
      ({ facts }) => options.currency === undefined || facts.currency === options.currency,
    );
    const [found, other] = fitting;
    if (found === undefined) throw new AppError('WALLET_NOT_FOUND', `${JSON.stringify(name)} has no such wallet.`);
    if (other !== undefined)
      throw new AppError('CLI_USAGE', `${cleanText(name)} has several wallets; name one with --currency.`);
    const facts = { ...found.facts, payUrl: options.payUrl ?? null };
    const belowNanos = options.below === undefined ? 0n : amount(options.below, 'not_negative').nanos;
    const balance = lowBalance(facts, { daysMax: options.days, belowNanos });
    if (!balance.isLow) context.output.note('The balance is not low now; this is what the message would look like.');
    const { language, timeZone } = found.contact;
    const message = lowBalanceMessage(facts, balance, readerOf(options, { language, timeZone }));
    await showMessage(context, message, options);
  });
}
