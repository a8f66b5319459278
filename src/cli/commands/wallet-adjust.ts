import type { Command } from 'commander';
import type { AdjustmentKind } from '../../domain/ledger/adjust-wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { adjust } from '../../pipeline/admin/adjust.ts';
import type { AdjustOutcome } from '../../pipeline/admin/results.ts';
import type { CliContext } from '../context.ts';
import { amount, type CommonOptions, walletReference, withCommon } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { carryOut, releasedLines } from './carry-out.ts';
import { type ChangeOptions, changeJson, totalJson, withChange } from './change-view.ts';

interface AdjustOptions extends CommonOptions, ChangeOptions {
  readonly currency?: string;
  readonly reason: string;
}

interface Adjustment {
  readonly kind: AdjustmentKind;
  readonly description: string;
  readonly sum: string;
  readonly examples: readonly string[];
  readonly done: string;
}

const ADJUSTMENTS: readonly Adjustment[] = [
  {
    kind: 'refund',
    description: 'money given back to the customer: at most the paid credit that is neither spent nor held',
    sum: 'for example "20.00 USD"',
    examples: [
      'tollkeeper wallet refund acme "20.00 USD" --reason "cancelled, case 118"',
      'tollkeeper wallet refund acme 20 --reason "cancelled" --key stripe-re_3Nx --dry-run',
    ],
    done: 'refunded',
  },
  {
    kind: 'dispute',
    description: 'money the bank took back from us; may take the wallet below zero, whatever its limit',
    sum: 'for example "20.00 USD"',
    examples: ['tollkeeper wallet dispute acme "20.00 USD" --reason "chargeback" --key stripe-dp_1Nx'],
    done: 'disputed',
  },
  {
    kind: 'reinstate',
    description: 'a dispute that was won: the money is back',
    sum: 'for example "20.00 USD"',
    examples: ['tollkeeper wallet reinstate acme "20.00 USD" --reason "dispute won" --key stripe-dp_1Nx-won'],
    done: 'reinstated',
  },
  {
    kind: 'correct',
    description: 'put a mistake of ours right: 5 gives, -5 takes, below zero if need be',
    sum: '"5.00 USD" to give, "-5.00 USD" to take',
    examples: [
      'tollkeeper wallet correct acme "5.00 USD" --reason "charged twice by the gateway, case 118"',
      'tollkeeper wallet correct acme "-5.00 USD" --reason "credited twice" --dry-run',
    ],
    done: 'corrected',
  },
];

/** `wallet refund`, `dispute`, `reinstate` and `correct`. */
export function registerAdjust(wallet: Command, context: CliContext): void {
  for (const adjustment of ADJUSTMENTS) registerOne(wallet, context, adjustment);
}

function registerOne(wallet: Command, context: CliContext, adjustment: Adjustment): void {
  const { kind, description, sum, examples } = adjustment;
  const command = wallet
    .command(kind)
    .description(description)
    .argument('<account>', 'an account, or a wallet id (wal_…)')
    .argument('<amount>', sum)
    .option('--currency <code>', 'when the account has wallets in several');
  withCommon(withChange(command, 'required'), examples).action(
    async (name: string, text: string, options: AdjustOptions) => {
      const { nanos, currency } = amount(text, kind === 'correct' ? 'signed' : 'positive');
      const reference = walletReference(options.tenant, name, [currency, options.currency]);
      const { overdraftNanos } = await rulesInForce(context);
      await carryOut(context, options, {
        work: ({ admin }, request) =>
          adjust(admin, { ...request, wallet: reference, kind, amount: nanos, overdraftNanos, reason: options.reason }),
        answer: (result, change) => ({
          json: {
            ...changeJson(result, change),
            kind,
            ...moneyFields('amount', result.amount),
            ...moneyFields('balanceBefore', result.balanceBefore),
            released: totalJson(result.released),
          },
          text: adjustText(result, adjustment.done),
        }),
      });
    },
  );
}

function adjustText(result: AdjustOutcome, done: string): string {
  const money = (nanos: bigint) => formatMoney(nanos, result.currency);
  const line = `${cleanText(result.account)} (${result.wallet}): ${money(result.amount)} ${done}. Balance ${money(result.balanceBefore)} → ${money(result.balance)}.`;
  return [line, ...releasedLines(result.released, result.currency, { waitedFor: ' for credit' })].join('\n');
}
