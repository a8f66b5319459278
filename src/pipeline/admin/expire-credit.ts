import { expireCredit } from '../../domain/ledger/expire-grants.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { AdminStore, AdminTransaction } from './admin-store.ts';
import { recordOf } from './change-record.ts';

/** Who ends credit: no person asks for it. */
const SCHEDULE = { actor: 'schedule', reason: 'its time is over' };

/** Posts the wallet's ended credit before anything else spends it; returns the wallet afterwards. */
export async function settleBreakage(transaction: AdminTransaction, wallet: WalletHead): Promise<WalletHead> {
  const { atMs } = transaction;
  const change = expireCredit(wallet, atMs);
  if (change === undefined) return wallet;
  const detail = { amount: change.contra.reduce((sum, leg) => sum + leg.amount, 0n) };
  await transaction.write(recordOf(change, SCHEDULE, { request: undefined, detail, atMs, because: '' }));
  return change.wallet;
}

/** Ends the credit of one wallet whose time is over; for wallets that no usage reaches. */
export async function expireCreditOf(
  store: AdminStore,
  scope: { readonly walletId: bigint; readonly shard: number; readonly nowMs: number },
): Promise<void> {
  await store.transact({ ...scope, dryRun: false }, async (transaction) => {
    const wallet = await transaction.wallet();
    if (wallet !== undefined) await settleBreakage(transaction, wallet);
  });
}
