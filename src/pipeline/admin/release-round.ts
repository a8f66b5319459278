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
  /** What waits for something else now than it did before. */
  readonly overLimit: UsageTotal;
  readonly throttled: UsageTotal;
}

const NONE: UsageTotal = { events: 0, amount: 0n };

/** A round that does nothing: a wallet that refuses debits pays for nothing. */
export function noRelease(wallet: WalletHead): ReleaseRound {
  return { wallet, posted: NONE, left: 'full', overLimit: NONE, throttled: NONE };
}

/**
 * Posts quarantined usage of one reason, oldest first, as far as the wallet's limits allow; at most one round. What does
 * not fit waits for what it lacks from then on: credit, or a period with room. Throttled usage that costs more than a
 * whole period may spend is passed over: it waits for another limit, and what is behind it need not.
 */
export async function releaseRound(
  transaction: AdminTransaction,
  request: Pick<AdminRequest, 'key' | 'actor' | 'reason'>,
  release: { readonly wallet: WalletHead; readonly reason: ReleasableReason; readonly overdraftNanos: bigint },
): Promise<ReleaseRound> {
  const wallet = await settleBreakage(transaction, release.wallet);
  const { reason } = release;
  const amountMax = reason === 'throttled' ? wallet.throttle?.limit : undefined;
  const eventsMax = transaction.releaseEventsMax ?? RELEASE_EVENTS_MAX;
  const usage = await transaction.openUsage(reason, eventsMax, amountMax);
  const released = releaseUsage(wallet, usage, { overdraftDefault: release.overdraftNanos, nowMs: transaction.atMs });
  const { change, posted: events, charged, duplicates, taken, amount, blockedBy } = released;
  if (change === undefined) {
    const moved = await moveBlocked(transaction, reason, blockedBy);
    return { wallet, posted: { events: 0, amount }, left: usage.length === 0 ? 'all' : 'full', ...moved };
  }
  await transaction.closeAsPosted(charged, request.actor);
  await transaction.closeAsDuplicate(duplicates, request.actor);
  const detail = { key: request.key, reason, events, amount, duplicates: duplicates.length };
  await transaction.write(
    recordOf(change, request, { request: undefined, detail, atMs: transaction.atMs, because: '' }),
  );
  const left = taken < usage.length ? 'full' : taken < eventsMax ? 'all' : 'more';
  const moved = await moveBlocked(transaction, reason, blockedBy);
  return { wallet: change.wallet, posted: { events, amount }, left, ...moved };
}

async function moveBlocked(
  transaction: AdminTransaction,
  reason: ReleasableReason,
  blockedBy: 'over_limit' | 'throttled' | undefined,
): Promise<Pick<ReleaseRound, 'overLimit' | 'throttled'>> {
  const moved = blockedBy === undefined || blockedBy === reason ? NONE : await transaction.moveUsage(reason, blockedBy);
  return blockedBy === 'over_limit' ? { overLimit: moved, throttled: NONE } : { overLimit: NONE, throttled: moved };
}
