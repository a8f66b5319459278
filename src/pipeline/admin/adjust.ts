import { type AdjustmentKind, adjustWallet } from '../../domain/ledger/adjust-wallet.ts';
import { formatDecimal } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, WalletReference } from './admin-store.ts';
import { recordOf, requestKey, walletOutcome } from './change-record.ts';
import { settleBreakage } from './expire-credit.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type AdjustOutcome, adjustResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface AdjustRequest extends AdminRequest {
  readonly wallet: WalletReference;
  readonly kind: AdjustmentKind;
  /** Nano-units, positive; a correction may be negative. */
  readonly amount: bigint;
  readonly reason: string;
}

/** Posts a refund, a dispute, its reversal or a correction, as one ledger transaction. */
export async function adjust(
  store: AdminStore,
  request: AdjustRequest,
): Promise<AdjustOutcome & { readonly isRepeated: boolean }> {
  const { walletId, shard, tenant, account, currency } = await walletOf(store, request.wallet);
  const { key, kind, amount, reason, nowMs, dryRun } = request;
  return store.transact({ walletId, shard, nowMs, dryRun }, async (transaction) => {
    const hash = requestHash({ do: kind, wallet: walletId.toString(), amount: amount.toString(), reason });
    const known = await answeredBefore(transaction, { key, hash }, adjustResultSchema);
    if (known !== undefined) return { ...known, isRepeated: true };

    const { atMs } = transaction;
    const stored = await transaction.wallet();
    if (stored === undefined) throw new AppError('WALLET_NOT_FOUND', `${account} has no wallet.`);
    const before = await settleBreakage(transaction, stored);
    const adjusted = adjustWallet(before, { kind, key: requestKey(tenant, key, atMs), amount });
    if (!adjusted.ok) {
      if (adjusted.reason === 'balance_too_large')
        throw new AppError('AMOUNT_INVALID', 'The balance would be larger than a wallet can hold.');
      const left = `${formatDecimal(adjusted.refundable)} ${currency}`;
      throw new AppError('REFUND_TOO_LARGE', `${account} has ${left} of paid credit that is neither spent nor held.`);
    }
    const detail = { key, amount };
    const because = `a ${kind} ended the negative balance`;
    await transaction.write(recordOf(adjusted.change, request, { request: { key, hash }, detail, atMs, because }));
    const result = { ...walletOutcome(adjusted.change.wallet, atMs), kind, amount, balanceBefore: before.posted };
    await transaction.remember({ key, hash, result });
    return { ...result, isRepeated: false };
  });
}
