import { type Command, InvalidArgumentError, Option } from 'commander';
import { OVERDRAFT_UNLIMITED } from '../../domain/ledger/wallet.ts';
import { parseDuration } from '../../domain/rules/units.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { LimitsOutcome } from '../../pipeline/admin/results.ts';
import { setLimits } from '../../pipeline/admin/set-limits.ts';
import type { CliContext } from '../context.ts';
import { amount, type CommonOptions, type TypedAmount, walletReference, withCommon } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { overdraftText, spendLimitText } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { carryOut, releasedLines } from './carry-out.ts';
import { type ChangeOptions, changeJson, totalJson, withChange } from './change-view.ts';
import { overdraftWord } from './wallet-view.ts';

interface LimitOptions extends CommonOptions, ChangeOptions {
  readonly currency?: string;
  readonly overdraft?: string;
  /** false: `--no-spend-limit` was given. */
  readonly spendLimit: boolean;
  readonly spend?: string;
  readonly per?: number;
  readonly lift?: boolean;
  readonly reason: string;
}

/** `wallet limit ACCOUNT` */
export function registerLimit(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('limit')
    .description('how far below zero a wallet may go, and how much it may spend per period')
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .option('--overdraft <limit>', 'none, unlimited, default (of ruleset.yaml), or an amount')
    .option('--spend <amount>', 'spend at most so much per period; what is over it waits in quarantine')
    .addOption(new Option('--per <period>', 'length of that period: 1h, 30min, 1d').argParser(period))
    .option('--no-spend-limit', 'spend as much as there is')
    .option('--lift', "end what rules have set before its date; the wallet's own limits stay")
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(withChange(command, 'required'), [
    'tollkeeper wallet limit acme --overdraft none --reason "no credit, case 118"',
    'tollkeeper wallet limit acme --overdraft "250.00 USD" --reason "pays by invoice"',
    'tollkeeper wallet limit acme --spend "20.00 USD" --per 1h --reason "new customer" --dry-run',
    'tollkeeper wallet limit acme --no-spend-limit --reason "known customer"',
    'tollkeeper wallet limit acme --lift --reason "their own usage, alt_7f3a"',
  ]).action(async (name: string, options: LimitOptions) => {
    const asked = limitsOf(options);
    const reference = walletReference(options.tenant, name, [...asked.currencies, options.currency]);
    const { overdraftNanos } = await rulesInForce(context);
    await carryOut(context, options, {
      work: ({ admin }, request) =>
        setLimits(admin, { ...request, wallet: reference, ...asked.limits, overdraftNanos, reason: options.reason }),
      answer: (result, change) => ({
        json: {
          ...changeJson(result, change),
          overdraft: overdraftWord(result.overdraftLimit),
          ...moneyFields('overdraftLimit', result.overdraftLimit),
          ...moneyFields('spendLimit', result.spendLimit),
          periodMs: result.periodMs,
          released: totalJson(result.released),
        },
        text: limitText(result),
      }),
    });
  });
}

/** What was asked for, with the currencies it names. */
function limitsOf(options: LimitOptions) {
  const { overdraft, spend, per, spendLimit, lift } = options;
  if ((spend === undefined) !== (per === undefined)) {
    throw new AppError('CLI_USAGE', 'A spending limit is an amount and a period.', {
      fix: 'Give both, for example --spend "20.00 USD" --per 1h.',
    });
  }
  if (spend !== undefined && !spendLimit) {
    throw new AppError('CLI_USAGE', 'A spending limit is either set or taken away.', {
      fix: 'Give --spend with --per, or --no-spend-limit.',
    });
  }
  if (overdraft === undefined && spend === undefined && spendLimit && lift !== true) {
    throw new AppError('CLI_USAGE', 'No limit is named.', {
      fix: 'Give --overdraft, --spend with --per, --no-spend-limit, or --lift.',
    });
  }
  const below = overdraft === undefined ? undefined : readOverdraft(overdraft);
  const most = spend === undefined ? undefined : amount(spend, 'not_negative');
  const throttle = !spendLimit ? null : most && per !== undefined ? { limit: most.nanos, periodMs: per } : undefined;
  return {
    currencies: [below?.currency, most?.currency],
    limits: {
      ...(below === undefined ? {} : { overdraftLimit: below.nanos }),
      ...(throttle === undefined ? {} : { throttle }),
      ...(lift === true ? { lift: 'now' as const } : {}),
    },
  };
}

function readOverdraft(text: string): { readonly nanos: bigint | null; readonly currency?: string } {
  if (text === 'default') return { nanos: null };
  if (text === 'none') return { nanos: 0n };
  if (text === 'unlimited') return { nanos: OVERDRAFT_UNLIMITED };
  const limit: TypedAmount = amount(text, 'not_negative');
  return limit;
}

function period(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(`${parsed.message} Give ${parsed.fix}.`);
}

function limitText(result: LimitsOutcome): string {
  const { currency, overdraftLimit, spendLimit, periodMs, released } = result;
  return [
    `${cleanText(result.account)} (${result.wallet}) may fall to ${overdraftText(overdraftLimit, currency)}, and spend ${spendLimitText(spendLimit, periodMs, currency)}.`,
    ...releasedLines(released, currency),
  ].join('\n');
}
