import { z } from 'zod';
import { formatWalletId } from '../../domain/ids.ts';
import { HOLD_STATES, type Hold, type HoldRefusal } from '../../domain/ledger/hold.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { formatDecimal, formatExactMoney } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../../errors.ts';

const money = z.string().describe('Exact decimal in major units of the currency.');

/** A hold as callers see it. Stored with the request, so it must survive JSON. */
export const holdViewSchema = z.object({
  hold: z.string(),
  tenant: z.string(),
  account: z.string(),
  wallet: z.string(),
  currency: z.string(),
  state: z.enum(HOLD_STATES),
  amount: money,
  captureMax: money,
  captured: money,
  available: money.describe('What the wallet has left: posted − held, before its overdraft limit.'),
  placedAt: z.string(),
  expiresAt: z.string(),
  closedAt: z.string().nullable(),
});
export type HoldView = z.infer<typeof holdViewSchema>;

/** What a request got: the hold as it is now, or a coded refusal. Both are answers, neither is a failure. */
export const holdAnswerSchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    repeated: z.boolean().describe('The request had been carried out before; this is its answer of then.'),
    hold: holdViewSchema,
  }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string(), fix: z.string() }),
]);
export type HoldAnswer = z.infer<typeof holdAnswerSchema>;

/** A hold and what it leaves of its wallet. `available` is the wallet's, after whatever was done. */
export function holdView(hold: Hold, wallet: WalletHead, available: bigint): HoldView {
  return {
    hold: hold.holdId,
    tenant: hold.tenant,
    account: wallet.account,
    wallet: formatWalletId(hold.walletId),
    currency: wallet.currency,
    state: hold.state,
    amount: formatDecimal(hold.amount),
    captureMax: formatDecimal(hold.captureMax),
    captured: formatDecimal(hold.captured),
    available: formatDecimal(available),
    placedAt: formatIso(hold.placedAtMs),
    expiresAt: formatIso(hold.expiresAtMs),
    closedAt: hold.closedAtMs === null ? null : formatIso(hold.closedAtMs),
  };
}

/** A coded refusal. */
export function refuse(code: ErrorCode, message: string): HoldAnswer {
  return { ok: false, code, message, fix: ERROR_CATALOGUE[code].fix };
}

/** A refusal of the domain in words. */
export function refusalAnswer(
  reason: HoldRefusal,
  about: {
    readonly holdId: string;
    readonly wallet: WalletHead;
    readonly hold: Hold | undefined;
    readonly asked: bigint | undefined;
  },
): HoldAnswer {
  const { holdId, wallet, hold, asked = 0n } = about;
  const name = JSON.stringify(holdId);
  const amount = (nanos: bigint) => formatExactMoney(nanos, wallet.currency);
  switch (reason) {
    case 'wallet_not_active':
      return refuse('WALLET_FROZEN', `The wallet of ${wallet.account} is ${wallet.status}.`);
    case 'insufficient_funds':
      return refuse(
        'INSUFFICIENT_FUNDS',
        `${amount(asked - (hold?.amount ?? 0n))} more do not fit: ${wallet.account} has ${amount(wallet.posted - wallet.held)} available (balance ${amount(wallet.posted)}, held ${amount(wallet.held)}).`,
      );
    case 'throttled':
      return refuse(
        'SPEND_LIMIT_REACHED',
        `${amount(asked)} is more than ${wallet.account} may still spend in this period (limit ${amount(wallet.throttle?.limit ?? 0n)}).`,
      );
    case 'captured':
      return refuse('HOLD_CLOSED', `The hold ${name} was captured with ${amount(hold?.captured ?? 0n)}.`);
    case 'released':
      return refuse('HOLD_CLOSED', `The hold ${name} was released.`);
    case 'expired':
      return refuse('HOLD_EXPIRED', `The hold ${name} ended at ${formatIso(hold?.expiresAtMs ?? 0)}.`);
    case 'capture_too_large':
      return refuse(
        'CAPTURE_TOO_LARGE',
        `${amount(asked)} is more than the ${amount(hold?.captureMax ?? 0n)} that the hold ${name} may be captured with.`,
      );
    case 'smaller_than_before':
      return refuse(
        'HOLD_INVALID',
        `amount: ${amount(asked)} is less than the ${amount(hold?.amount ?? 0n)} that the hold ${name} reserves; an extension never shrinks it.`,
      );
  }
}
