import { type Command, InvalidArgumentError, Option } from 'commander';
import { addressOf } from '../../domain/ids.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { formatWindow } from '../../domain/rules/say.ts';
import { parseDuration } from '../../domain/rules/units.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { AutoTopUp, MoneyStore } from '../../pipeline/stripe/money-store.ts';
import { setAutoTopUp } from '../../pipeline/stripe/set-auto-top-up.ts';
import type { CliContext } from '../context.ts';
import { amount, type CommonOptions, wholeNumber, withCommon } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

interface AutoOptions extends CommonOptions {
  readonly below?: string;
  readonly amount?: string;
  readonly dailyCap?: string;
  readonly burst?: number;
  readonly burstWindow?: number;
  readonly currency?: string;
  readonly off?: boolean;
  readonly resume?: boolean;
}

/** `topup auto [ACCOUNT]` */
export function registerTopUpAuto(topup: Command, context: CliContext): void {
  const command = topup
    .command('auto')
    .description('charge the saved card when a balance runs low; without options, show what is set')
    .argument('[account]', 'an account; all of them when left out')
    .option('--below <amount>', 'top up when less than this is available')
    .option('--amount <amount>', 'how much')
    .option('--daily-cap <amount>', 'at most so much in 24 hours; ten amounts unless given')
    .addOption(
      new Option('--burst <count>', 'so many within the window are an alarm').argParser((text) =>
        wholeNumber(text, 1, 1_000),
      ),
    )
    .addOption(new Option('--burst-window <duration>', 'such as 1h').argParser(duration))
    .option('--currency <code>', 'the currency of the wallet; that of the books unless given')
    .option('--off', 'charge nothing any more')
    .option('--resume', 'go on after an alarm, or after a card was refused for good');
  withCommon(command, [
    'tollkeeper topup auto acme --below "10.00 USD" --amount "50.00 USD" --daily-cap "200.00 USD"',
    'tollkeeper topup auto acme --resume',
    'tollkeeper topup auto',
  ]).action(async (account: string | undefined, options: AutoOptions) => {
    if (account === undefined) return showAll(context, options);
    const { pricing } = await rulesInForce(context);
    const policy = await withBooks(context, ({ money }) =>
      change(money, account, options, { currency: pricing.currency, by: context.actor, nowMs: context.now() }),
    );
    print(context, options.json, { json: autoJson(policy), text: autoText(policy) });
  });
}

async function change(
  money: MoneyStore,
  account: string,
  options: AutoOptions,
  { currency: books, by, nowMs }: { readonly currency: string; readonly by: string; readonly nowMs: number },
): Promise<AutoTopUp> {
  const typed = [options.below, options.amount, options.dailyCap].map((text) =>
    text === undefined ? undefined : amount(text, text === options.below ? 'not_negative' : 'positive'),
  );
  const named = new Set([options.currency, ...typed.map((one) => one?.currency)].filter((code) => code !== undefined));
  if (named.size > 1) throw new AppError('CLI_USAGE', `A wallet is not in ${[...named].join(' and ')} at once.`);
  const currency = [...named][0] ?? books;
  const { walletId } = addressOf(options.tenant, account, currency);
  const known = await money.auto.read(walletId);
  const [below, charge, cap] = typed;
  const isChange =
    typed.some((one) => one !== undefined) || options.burst !== undefined || options.burstWindow !== undefined;
  if (!isChange && known === undefined) {
    throw new AppError('WALLET_NOT_FOUND', `No automatic top-up is set for ${account} in ${currency}.`, {
      fix: 'Set one: --below "10.00 USD" --amount "50.00 USD".',
    });
  }
  if (isChange || options.off === true) {
    const thresholdNanos = below?.nanos ?? known?.thresholdNanos;
    const amountNanos = charge?.nanos ?? known?.amountNanos;
    if (thresholdNanos === undefined || amountNanos === undefined) {
      throw new AppError('CLI_USAGE', 'A new automatic top-up needs --below and --amount.');
    }
    const dailyCapNanos = cap?.nanos ?? known?.dailyCapNanos;
    const burstMax = options.burst ?? known?.burstMax;
    const burstWindowMs = options.burstWindow ?? known?.burstWindowMs;
    await setAutoTopUp(
      money,
      {
        tenant: options.tenant,
        account,
        currency,
        thresholdNanos,
        amountNanos,
        isOn: options.off !== true,
        by,
        ...(dailyCapNanos === undefined ? {} : { dailyCapNanos }),
        ...(burstMax === undefined ? {} : { burstMax }),
        ...(burstWindowMs === undefined ? {} : { burstWindowMs }),
      },
      nowMs,
    );
  }
  if (options.resume === true) await money.auto.resume(walletId, by, nowMs);
  const after = await money.auto.read(walletId);
  if (after === undefined) throw new AppError('WALLET_NOT_FOUND', `No automatic top-up is set for ${account}.`);
  return after;
}

async function showAll(context: CliContext, { json, tenant }: AutoOptions): Promise<void> {
  const policies = await withBooks(context, ({ money }) => money.auto.list({ tenant, limit: 500 }));
  print(context, json, {
    json: { auto: policies.map(autoJson) },
    text: policies.length === 0 ? 'No automatic top-ups are set.' : autoTable(policies),
  });
}

function duration(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  throw new InvalidArgumentError('Give a duration such as 30min or 1h.');
}

function autoJson(policy: AutoTopUp) {
  return {
    tenant: policy.tenant,
    account: policy.account,
    currency: policy.currency,
    on: policy.isOn,
    ...moneyFields('below', policy.thresholdNanos),
    ...moneyFields('amount', policy.amountNanos),
    ...moneyFields('dailyCap', policy.dailyCapNanos),
    burst: policy.burstMax,
    burstWindowMs: policy.burstWindowMs,
    declines: policy.declines,
    pausedUntil: timeField(policy.pausedUntilMs),
    stoppedBecause: policy.stoppedBecause,
    updatedAt: timeField(policy.updatedAtMs),
    updatedBy: policy.updatedBy,
  };
}

function state({ isOn, stoppedBecause, pausedUntilMs }: AutoTopUp): string {
  if (!isOn) return 'off';
  if (stoppedBecause !== null) return `stopped: ${cleanText(stoppedBecause)}`;
  return pausedUntilMs === null ? 'on' : `waits until ${time(pausedUntilMs)}`;
}

function autoTable(policies: readonly AutoTopUp[]): string {
  return table(
    [
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'BELOW', align: 'right', cell: ({ thresholdNanos, currency }) => formatMoney(thresholdNanos, currency) },
      { head: 'AMOUNT', align: 'right', cell: ({ amountNanos, currency }) => formatMoney(amountNanos, currency) },
      { head: 'A DAY', align: 'right', cell: ({ dailyCapNanos, currency }) => formatMoney(dailyCapNanos, currency) },
      { head: 'STATE', cell: state },
    ],
    policies,
  );
}

function autoText(policy: AutoTopUp): string {
  const money = (nanos: bigint) => formatMoney(nanos, policy.currency);
  return facts([
    ['Account', cleanText(policy.account)],
    ['State', state(policy)],
    ['Below', money(policy.thresholdNanos)],
    ['Amount', money(policy.amountNanos)],
    ['In 24 hours', `at most ${money(policy.dailyCapNanos)}`],
    ['Alarm', `${policy.burstMax} within ${formatWindow(policy.burstWindowMs)}`],
    ['Declines in a row', policy.declines === 0 ? undefined : String(policy.declines)],
    ['Set', `${time(policy.updatedAtMs)} by ${cleanText(policy.updatedBy)}`],
  ]);
}
