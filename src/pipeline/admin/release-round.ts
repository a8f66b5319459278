import { releaseUsage } from '../../domain/ledger/release-usage.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { AdminTransaction, ReleasableReason, UsageTotal } from './admin-store.ts';
import { recordOf } from './change-record.ts';
import { settleBreakage } from './expire-credit.ts';
import type { AdminRequest } from './request.ts';

/** Most quarantined events one database transaction posts: it holds up the wallet's lane for well under a second. */
export const RELEASE_EVENTS_MAX = 5_000;

/** What one round of posting did. */
export interface ReleaseRound {
  readonly wallet: WalletHead;
  readonly posted: UsageTotal;
  /** `all`: nothing is left. `full`: the next one does not fit. `more`: another round may post more. */
  readonly left: 'all' | 'full' | 'more';
}

/** Posts quarantined usage of one reason, oldest first, as far as the wallet's limit allows; at most one round. */
export async function releaseRound(
  transaction: AdminTransaction,
  request: Pick<AdminRequest, 'key' | 'actor' | 'reason'>,
  release: { readonly wallet: WalletHead; readonly reason: ReleasableReason; readonly overdraftNanos: bigint },
): Promise<ReleaseRound> {
  const wallet = await settleBreakage(transaction, release.wallet);
  const eventsMax = transaction.releaseEventsMax ?? RELEASE_EVENTS_MAX;
  const usage = await transaction.openUsage(release.reason, eventsMax);
  const { change, posted, amount } = releaseUsage(wallet, usage, {
    overdraftDefault: release.overdraftNanos,
    nowMs: transaction.atMs,
  });
  if (change === undefined) {
    return { wallet, posted: { events: 0, amount }, left: usage.length === 0 ? 'all' : 'full' };
  }
  await transaction.closeAsPosted(usage.slice(0, posted), request.actor);
  const detail = { key: request.key, reason: release.reason, events: posted, amount };
  await transaction.write(
    recordOf(change, request, { request: undefined, detail, atMs: transaction.atMs, because: '' }),
  );
  const left = posted < usage.length ? 'full' : posted < eventsMax ? 'all' : 'more';
  return { wallet: change.wallet, posted: { events: posted, amount }, left };
}
