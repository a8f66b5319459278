import { expireCredit } from '../../domain/ledger/expire-grants.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { AdminStore, AdminTransaction, ChangeRecord } from './admin-store.ts';
import { recordOf } from './change-record.ts';

/** Who ends credit: no person asks for it. */
const SCHEDULE = { actor: 'schedule', reason: 'its time is over' };

/** Posts the wallet's ended credit before anything else spends it; returns the wallet afterwards. */
export async function settleBreakage(transaction: AdminTransaction, wallet: WalletHead): Promise<WalletHead> {
  const record = breakageRecord(wallet, transaction.atMs);
  if (record === undefined) return wallet;
  await transaction.write(record);
  return record.wallet;
}

/** The ledger transaction that ends the wallet's credit whose time is over; undefined when there is none. */
export function breakageRecord(wallet: WalletHead, atMs: number): ChangeRecord | undefined {
  const change = expireCredit(wallet, atMs);
  if (change === undefined) return undefined;
  const detail = { amount: change.contra.reduce((sum, leg) => sum + leg.amount, 0n) };
  return recordOf(change, SCHEDULE, { request: undefined, detail, atMs, because: '' });
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
