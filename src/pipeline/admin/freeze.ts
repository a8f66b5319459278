import { derivedId } from '../../domain/ids.ts';
import { freezeWallet } from '../../domain/ledger/freeze-and-thaw.ts';
import { HOUR_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, WalletReference } from './admin-store.ts';
import { recordOf, requestKey, walletOutcome } from './change-record.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type FreezeOutcome, freezeResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface FreezeRequest extends AdminRequest {
  readonly wallet: WalletReference;
  readonly hours: number;
  readonly reason: string;
}

/** Freezes a wallet for so many hours from now; a frozen one gets the new date. */
export async function freeze(
  store: AdminStore,
  request: FreezeRequest,
): Promise<FreezeOutcome & { readonly isRepeated: boolean }> {
  const { walletId, shard, tenant, account } = await walletOf(store, request.wallet);
  const { key, hours, reason, nowMs, dryRun } = request;
  return store.transact({ walletId, shard, nowMs, dryRun }, async (transaction) => {
    const hash = requestHash({ do: 'freeze', wallet: walletId.toString(), hours, reason });
    const known = await answeredBefore(transaction, { key, hash }, freezeResultSchema);
    if (known !== undefined) return { ...known, isRepeated: true };

    const { atMs } = transaction;
    const wallet = await transaction.wallet();
    if (wallet === undefined) throw new AppError('WALLET_NOT_FOUND', `${account} has no wallet.`);
    const untilMs = atMs + hours * HOUR_MS;
    const entryKey = requestKey(tenant, key, atMs);
    const frozen = freezeWallet(wallet, { key: entryKey, nowMs: atMs, untilMs, by: derivedId('chg', [tenant, key]) });
    if (!frozen.ok) {
      throw new AppError('WALLET_STATE', `The wallet of ${account} is being thawed.`, {
        fix: 'Finish the thaw first: `tollkeeper wallet thaw` with the same options as before.',
      });
    }
    const detail = { key, hours };
    await transaction.write(
      recordOf(frozen.change, request, { request: { key, hash }, detail, atMs, because: reason }),
    );
    const result = { ...walletOutcome(frozen.change.wallet, atMs), untilMs };
    await transaction.remember({ key, hash, result });
    return { ...result, isRepeated: false };
  });
}
