import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseMoney } from '../domain/money/nanos.ts';
import { parseRfc3339 } from '../domain/time.ts';
import { AppError } from '../errors.ts';
import type { WalletReference } from '../pipeline/admin/admin-store.ts';

/** Options every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly tenant: string;
}

/** Adds `--json` and `--tenant`, and the examples under the command's help. */
export function withCommon(command: Command, examples: readonly string[]): Command {
  return command
    .addOption(new Option('--tenant <name>', 'whose books').default('default'))
    .option('--json', 'print exactly one JSON object')
    .addHelpText('after', examplesText(examples));
}

/** Adds `--json` and the examples, for commands that are not about one tenant. */
export function withJson(command: Command, examples: readonly string[]): Command {
  return command.option('--json', 'print exactly one JSON object').addHelpText('after', examplesText(examples));
}

function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`;
}

/** What lists can be narrowed by. */
export interface ListOptions extends CommonOptions {
  readonly limit: number;
  readonly account?: string;
  readonly status?: string;
}

/** Rows a list shows unless told otherwise, and at most. */
export const LIMIT = 50;
export const LIMIT_MAX = 10_000;

/** Adds `--limit`, `--account` and `--status`. */
export function withList(command: Command, statuses: readonly string[]): Command {
  return withLimit(command)
    .option('--account <name>', 'only this account')
    .addOption(new Option('--status <word>', 'only with this status').choices(statuses));
}

/** A time from an option: a day (its beginning in UTC) or RFC 3339. */
export function timeOption(text: string): number {
  const ms = parseRfc3339(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Give a day like 2026-03-01, or a time like 2026-03-01T14:00:00Z.');
}

/** Adds `--limit`. */
export function withLimit(command: Command): Command {
  return command.addOption(
    new Option('--limit <count>', `at most so many rows, up to ${LIMIT_MAX}`).default(LIMIT).argParser(limit),
  );
}

function limit(text: string): number {
  return wholeNumber(text, 1, LIMIT_MAX);
}

/** A whole number from an option or argument. */
export function wholeNumber(text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
}

/** A positive amount in the currency of the books: `20`, `20.00` or `20.00 USD`. */
export function positiveAmount(text: string, currency: string): bigint {
  const money = amount(text);
  if (money.currency !== undefined && money.currency !== currency) {
    throw new AppError('AMOUNT_INVALID', `${text} is in ${money.currency}; these books are kept in ${currency}.`, {
      fix: `Give the amount in ${currency}.`,
    });
  }
  return money.nanos;
}

/** Something in the place of an amount that is none, or not above zero. */
export function notAnAmount(text: string): AppError {
  return new AppError('AMOUNT_INVALID', `${JSON.stringify(text)} is not a positive amount.`);
}

/** An amount as it was typed; its currency is the wallet's own when none is named. */
export interface TypedAmount {
  readonly nanos: bigint;
  readonly currency?: string;
}

/** An amount in any currency: above zero, at least zero, or of either sign but not zero. */
export function amount(text: string, sign: 'positive' | 'not_negative' | 'signed' = 'positive'): TypedAmount {
  const typed = text.replace(/^−/, '-');
  const money = parseMoney(typed);
  const isInRange =
    money !== undefined &&
    (sign === 'signed' ? money.nanos !== 0n : money.nanos > 0n || (sign === 'not_negative' && money.nanos === 0n));
  if (isInRange) return money;
  const what = { positive: 'a positive amount', not_negative: 'zero or a positive amount', signed: 'an amount' }[sign];
  const fix =
    sign === 'signed'
      ? { fix: 'Write it as 5.00 USD to give or "-5.00 USD" to take: not zero, at most nine decimals.' }
      : {};
  throw new AppError('AMOUNT_INVALID', `${JSON.stringify(typed)} is not ${what}.`, fix);
}

/** The wallet that is meant: amounts and `--currency` name one currency or none. */
export function walletReference(
  tenant: string,
  name: string,
  currencies: readonly (string | undefined)[],
): WalletReference {
  const named = [...new Set(currencies.filter((currency) => currency !== undefined))];
  const [currency, other] = named;
  if (other !== undefined) throw new AppError('CLI_USAGE', `A wallet is not in ${currency} and ${other} at once.`);
  return { tenant, name, ...(currency === undefined ? {} : { currency }) };
}

/** A status option as the type that its choices have made it. */
export function oneOf<const T extends string>(values: readonly T[], text: string | undefined): T | undefined {
  return values.find((value) => value === text);
}
