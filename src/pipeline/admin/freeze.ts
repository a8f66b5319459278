import { derivedId } from '../../domain/ids.ts';
import { freezeWallet } from '../../domain/ledger/freeze-and-thaw.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { HOUR_MS, MINUTE_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, AdminTransaction, WalletReference } from './admin-store.ts';
import { recordOf, requestKey, walletOutcome } from './change-record.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type FreezeOutcome, freezeResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface FreezeRequest extends AdminRequest {
  readonly wallet: WalletReference;
  readonly hours: number;
  readonly reason: string;
  /** Looks at the locked wallet before it changes, and throws when this request may not. */
  readonly mayChange?: (wallet: WalletHead) => void;
}

/** The same words typed again a moment later: an end that moves by less is not worth a second message to services. */
const SAME_END_MS = MINUTE_MS;

/**
 * Freezes a wallet for so many hours from now. A freeze that is in force is only ever extended: somebody who does not
 * know of it must not cut it short, and one that ends later anyway is left as it is. Ending it early is a thaw.
 */
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
    const before = await freezeInForce(transaction, wallet);
    if (before !== null && untilMs <= (before.untilMs ?? 0) + SAME_END_MS) {
      const kept = { ...walletOutcome(wallet, atMs), untilMs: before.untilMs ?? untilMs, before, isChanged: false };
      await transaction.remember({ key, hash, result: kept });
      return { ...kept, isRepeated: false };
    }
    request.mayChange?.(wallet);
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
    const result = { ...walletOutcome(frozen.change.wallet, atMs), untilMs, before, isChanged: true };
    await transaction.remember({ key, hash, result });
    return { ...result, isRepeated: false };
  });
}

async function freezeInForce(transaction: AdminTransaction, wallet: WalletHead): Promise<FreezeOutcome['before']> {
  if (wallet.status !== 'frozen') return null;
  const cause = await transaction.freezeCause(wallet);
  return { sinceMs: wallet.frozenAtMs, untilMs: wallet.frozenUntilMs, cause };
}
