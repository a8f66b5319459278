import type { AdminStore } from './admin-store.ts';
import { releaseRound } from './release-round.ts';

/** Posts what a wallet's spending limit kept back, oldest first, as far as the current period has room. */
export async function releaseThrottled(
  store: AdminStore,
  scope: {
    readonly walletId: bigint;
    readonly shard: number;
    readonly nowMs: number;
    readonly overdraftNanos: bigint;
  },
): Promise<void> {
  const { overdraftNanos, ...place } = scope;
  await store.transact({ ...place, dryRun: false }, async (transaction) => {
    const wallet = await transaction.wallet();
    if (wallet === undefined || wallet.status !== 'active') return;
    const request = { key: 'next-period', actor: 'schedule', reason: 'a new period began' };
    await releaseRound(transaction, request, { wallet, reason: 'throttled', overdraftNanos });
  });
}
