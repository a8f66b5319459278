import { type AdjustmentKind, adjustWallet } from '../../domain/ledger/adjust-wallet.ts';
import { formatExactMoney } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, WalletReference } from './admin-store.ts';
import { recordOf, requestKey, walletOutcome } from './change-record.ts';
import { settleBreakage } from './expire-credit.ts';
import { releaseRest, releaseWaiting } from './release-waiting.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type AdjustOutcome, adjustResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface AdjustRequest extends AdminRequest {
  readonly wallet: WalletReference;
  readonly kind: AdjustmentKind;
  /** Nano-units, positive; a correction may be negative. */
  readonly amount: bigint;
  readonly reason: string;
  /** The money has left already, as with a refund that was made in Stripe's Dashboard: no limit holds it. */
  readonly isOutside?: boolean;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: bigint;
}

type Answer = AdjustOutcome & { readonly isRepeated: boolean };

/**
 * Posts a refund, a dispute, its reversal or a correction, as one ledger transaction. Money that comes in pays for usage
 * that waited for credit, like a top-up.
 */
export async function adjust(store: AdminStore, request: AdjustRequest): Promise<Answer> {
  const { walletId, shard, tenant, account, currency } = await walletOf(store, request.wallet);
  const { key, kind, amount, reason, nowMs, dryRun } = request;
  const scope = { walletId, shard, nowMs, dryRun };
  const first = await store.transact(scope, async (transaction): Promise<{ answer: Answer; isMore: boolean }> => {
    const hash = requestHash({ do: kind, wallet: walletId.toString(), amount: amount.toString(), reason });
    const known = await answeredBefore(transaction, { key, hash }, adjustResultSchema);
    if (known !== undefined) return { answer: { ...known, isRepeated: true }, isMore: true };

    const { atMs } = transaction;
    const stored = await transaction.wallet();
    if (stored === undefined) throw new AppError('WALLET_NOT_FOUND', `${account} has no wallet.`);
    const before = await settleBreakage(transaction, stored);
    const adjusted = adjustWallet(before, {
      kind,
      key: requestKey(tenant, key, atMs),
      amount,
      isOutside: request.isOutside ?? false,
    });
    if (!adjusted.ok) {
      if (adjusted.reason === 'balance_too_large')
        throw new AppError('AMOUNT_INVALID', 'The balance would be larger than a wallet can hold.');
      const left = formatExactMoney(adjusted.refundable, currency);
      throw new AppError('REFUND_TOO_LARGE', `${account} has ${left} of paid credit that is neither spent nor held.`);
    }
    const detail = { key, amount };
    const because = `a ${kind} ended the negative balance`;
    await transaction.write(recordOf(adjusted.change, request, { request: { key, hash }, detail, atMs, because }));
    const after = adjusted.change.wallet;
    const isCredit = after.posted > before.posted;
    const { wallet, released, isMore } = isCredit
      ? await releaseWaiting(transaction, request, after)
      : { wallet: after, released: { events: 0, amount: 0n }, isMore: false };
    const result = { ...walletOutcome(wallet, atMs), kind, amount, balanceBefore: before.posted, released };
    await transaction.remember({ key, hash, result });
    return { answer: { ...result, isRepeated: false }, isMore };
  });
  return releaseRest(store, scope, request, first);
}
