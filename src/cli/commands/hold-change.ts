import { type Command, Option } from 'commander';
import { captureMaxOf, HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX, isCaptureMax } from '../../domain/ledger/hold.ts';
import { formatExactMoney, parseMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError, ERROR_CATALOGUE, type ErrorCode } from '../../errors.ts';
import { changeHold } from '../../pipeline/holds/change-hold.ts';
import type { HoldAnswer, HoldView } from '../../pipeline/holds/hold-answer.ts';
import { type HoldAsk, type HoldRequest, holdRequest, holdRequestOf } from '../../pipeline/holds/hold-request.ts';
import type { Books, CliContext } from '../context.ts';
import { type CommonOptions, positiveAmount, wholeNumber, withCommon } from '../options.ts';
import { print } from '../output/print.ts';
import { time } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';
import { type ChangeOptions, withChange } from './change-view.ts';

type HoldOptions = CommonOptions & ChangeOptions;

const ID_CHARACTERS_MAX = 200;

function secondsOption(text: string): Option {
  return new Option('--seconds <count>', text).argParser((count) => wholeNumber(count, 1, HOLD_SECONDS_MAX));
}

/** `hold place HOLD ACCOUNT AMOUNT` */
export function registerHoldPlace(parent: Command, context: CliContext): void {
  const command = parent
    .command('place')
    .description('reserve money; it stays the account’s and cannot be spent otherwise')
    .argument('<hold>', 'your id of the hold, unique for ever')
    .argument('<account>', 'the account')
    .argument('<amount>', 'for example "0.50 USD"')
    .option('--capture-max <amount>', 'what may be captured at most, up to twice the amount (default: a tenth more)')
    .addOption(secondsOption('how long it lasts').default(HOLD_SECONDS_DEFAULT));
  withCommon(withChange(command), [
    'tollkeeper hold place req_01HV acme "0.50 USD"',
    'tollkeeper hold place req_01HV acme 0.50 --seconds 3600 --capture-max 0.75',
  ]).action(
    async (
      hold: string,
      account: string,
      amountText: string,
      options: HoldOptions & { readonly seconds: number; readonly captureMax?: string },
    ) => {
      const ruleset = await rulesInForce(context);
      const { currency } = ruleset.pricing;
      const amount = positiveAmount(amountText, currency);
      const captureMax =
        options.captureMax === undefined ? captureMaxOf(amount) : positiveAmount(options.captureMax, currency);
      if (!isCaptureMax(amount, captureMax)) {
        throw new AppError(
          'HOLD_INVALID',
          `--capture-max ${options.captureMax} is not within the amount and twice it.`,
        );
      }
      const ask = { do: 'place', amount, captureMax, seconds: options.seconds } as const;
      const request = holdRequest({ ...commonOf(context, options), holdId: idOf(hold), account, currency, ask });
      await withBooks(context, (books) => carryOut(context, books, request, options, ruleset.overdraftNanos));
    },
  );
}

/** `hold extend HOLD` */
export function registerHoldExtend(parent: Command, context: CliContext): void {
  const command = parent
    .command('extend')
    .description('keep a hold longer, reserve more, or both')
    .argument('<hold>', 'the hold')
    .option('--amount <amount>', 'the new amount in all; not less than before')
    .addOption(secondsOption('how long it lasts from now; it never ends earlier than before'));
  withCommon(withChange(command), [
    'tollkeeper hold extend req_01HV --seconds 600',
    'tollkeeper hold extend req_01HV --amount "0.80 USD"',
  ]).action((hold: string, options: HoldOptions & { readonly seconds?: number; readonly amount?: string }) => {
    const { amount, seconds } = options;
    if (amount === undefined && seconds === undefined) {
      throw new AppError('HOLD_INVALID', 'Nothing to extend is named.', { fix: 'Give --seconds, --amount, or both.' });
    }
    return changeKnown(context, hold, options, (currency) => ({
      do: 'extend',
      amount: amount === undefined ? undefined : positiveAmount(amount, currency),
      seconds,
    }));
  });
}

/** `hold capture HOLD AMOUNT` */
export function registerHoldCapture(parent: Command, context: CliContext): void {
  const command = parent
    .command('capture')
    .description('charge what the call cost and free the rest')
    .argument('<hold>', 'the hold')
    .argument('<amount>', 'what it cost, for example "0.31 USD"');
  withCommon(withChange(command), [
    'tollkeeper hold capture req_01HV "0.31 USD"',
    'tollkeeper hold capture req_01HV 0.31 --dry-run',
  ]).action((hold: string, amount: string, options: HoldOptions) =>
    changeKnown(context, hold, options, (currency) => ({ do: 'capture', amount: positiveAmount(amount, currency) })),
  );
}

/** `hold release HOLD` */
export function registerHoldRelease(parent: Command, context: CliContext): void {
  const command = parent
    .command('release')
    .description('free a hold without charging anything; a frozen wallet’s too')
    .argument('<hold>', 'the hold');
  withCommon(withChange(command), ['tollkeeper hold release req_01HV --reason "the call failed"']).action(
    (hold: string, options: HoldOptions) => changeKnown(context, hold, options, () => ({ do: 'release' })),
  );
}

/** A change of a hold that exists: its wallet is known from it. */
async function changeKnown(
  context: CliContext,
  holdId: string,
  options: HoldOptions,
  askIn: (currency: string) => HoldAsk,
): Promise<void> {
  const { overdraftNanos, pricing } = await rulesInForce(context);
  const ask = askIn(pricing.currency);
  await withBooks(context, async (books) => {
    const detail = await books.queries.hold(options.tenant, holdId);
    if (detail === undefined) throw new AppError('HOLD_NOT_FOUND', `There is no hold ${JSON.stringify(holdId)}.`);
    const { walletId, shard } = detail.hold;
    const request = holdRequestOf({ ...commonOf(context, options), holdId, walletId, shard, ask });
    await carryOut(context, books, request, options, overdraftNanos);
  });
}

function commonOf(context: CliContext, { tenant, key, reason }: HoldOptions) {
  return { tenant, key, actor: context.actor, reason: reason ?? null, nowMs: context.now() };
}

function idOf(hold: string): string {
  if (hold !== '' && hold.length <= ID_CHARACTERS_MAX && cleanText(hold) === hold) return hold;
  throw new AppError('HOLD_INVALID', `hold: ${JSON.stringify(hold)} cannot be an id.`, {
    fix: `Give 1 to ${ID_CHARACTERS_MAX} visible characters.`,
  });
}

async function carryOut(
  context: CliContext,
  { admin }: Books,
  request: HoldRequest,
  options: HoldOptions,
  overdraftNanos: bigint,
): Promise<void> {
  const dryRun = options.dryRun === true;
  const answer = await changeHold(admin, request, { overdraftNanos, dryRun });
  if (!answer.ok) throw errorOf(answer);
  const { hold, repeated } = answer;
  print(context, options.json, {
    json: { ...hold, key: request.key, dryRun, repeated },
    text: `${holdText(hold)}\n${closing(request.key, dryRun, repeated)}`,
  });
}

function holdText(hold: HoldView): string {
  const { currency } = hold;
  const name = cleanText(hold.hold);
  const money = (text: string) => {
    const nanos = parseMoney(text)?.nanos;
    return nanos === undefined ? `${text} ${currency}` : formatExactMoney(nanos, currency);
  };
  const left = `${cleanText(hold.account)} has ${money(hold.available)} available.`;
  if (hold.state === 'captured') return `${name}: charged ${money(hold.captured)}. ${left}`;
  if (hold.state !== 'open') return `${name} is ${hold.state}; nothing was charged. ${left}`;
  const until = time(Date.parse(hold.expiresAt));
  return `${name} holds ${money(hold.amount)} until ${until}, and may be captured with up to ${money(hold.captureMax)}. ${left}`;
}

function closing(key: string, dryRun: boolean, repeated: boolean): string {
  if (dryRun) return 'Dry run: nothing was changed.';
  if (repeated) return `This request had been carried out before; nothing was changed now. (key ${cleanText(key)})`;
  return 'Sending it again changes nothing.';
}

/** A refusal as an error of the command. */
function errorOf({ code, message, fix }: Extract<HoldAnswer, { ok: false }>): AppError {
  if (!isErrorCode(code)) throw new RangeError(`no error is called ${code}`);
  return new AppError(code, message, { fix });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code);
}
