import { releaseUsage } from '../../domain/ledger/release-usage.ts';
import { mostPerPeriod } from '../../domain/ledger/throttle.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { AdminTransaction, ReleasableReason, UsageTotal } from './admin-store.ts';
import { recordOf } from './change-record.ts';
import { settleBreakage } from './expire-credit.ts';
import type { UsagePart } from './quarantine-store.ts';
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
 * whole period may spend is passed over: it waits for another limit, and what is behind it need not. With a `part`, all of
 * this is about that part only: the other usage keeps waiting for what it waited for.
 */
export async function releaseRound(
  transaction: AdminTransaction,
  request: Pick<AdminRequest, 'key' | 'actor' | 'reason'>,
  release: {
    readonly wallet: WalletHead;
    readonly reason: ReleasableReason;
    readonly overdraftNanos: bigint;
    readonly part?: UsagePart;
  },
): Promise<ReleaseRound> {
  const wallet = await settleBreakage(transaction, release.wallet);
  const { reason, part } = release;
  const amountMax = reason === 'throttled' && wallet.throttle !== null ? mostPerPeriod(wallet.throttle) : undefined;
  const eventsMax = transaction.releaseEventsMax ?? RELEASE_EVENTS_MAX;
  const usage = await transaction.openUsage(reason, eventsMax, amountMax, part);
  const released = releaseUsage(wallet, usage, { overdraftDefault: release.overdraftNanos, nowMs: transaction.atMs });
  const { change, posted: events, charged, duplicates, taken, amount, blockedBy } = released;
  if (change === undefined) {
    const moved = await moveBlocked(transaction, reason, { blockedBy, part });
    return { wallet, posted: { events: 0, amount }, left: usage.length === 0 ? 'all' : 'full', ...moved };
  }
  await transaction.closeAsPosted(charged, request.actor, part?.request);
  await transaction.closeAsDuplicate(duplicates, request.actor, part?.request);
  const detail = { key: request.key, reason, events, amount, duplicates: duplicates.length, ...partDetail(part) };
  await transaction.write(
    recordOf(change, request, { request: undefined, detail, atMs: transaction.atMs, because: '' }),
  );
  const left = taken < usage.length ? 'full' : taken < eventsMax ? 'all' : 'more';
  const moved = await moveBlocked(transaction, reason, { blockedBy, part });
  return { wallet: change.wallet, posted: { events, amount }, left, ...moved };
}

/** What the audit log keeps of a part: rows closed by its request are found by the filter's presence. */
export function partDetail(part: UsagePart | undefined): Readonly<Record<string, unknown>> {
  return part === undefined ? {} : { filter: part.filter, rest: part.isRest };
}

async function moveBlocked(
  transaction: AdminTransaction,
  reason: ReleasableReason,
  {
    blockedBy,
    part,
  }: { readonly blockedBy: 'over_limit' | 'throttled' | undefined; readonly part: UsagePart | undefined },
): Promise<Pick<ReleaseRound, 'overLimit' | 'throttled'>> {
  const moved =
    blockedBy === undefined || blockedBy === reason ? NONE : await transaction.moveUsage(reason, blockedBy, part);
  return blockedBy === 'over_limit' ? { overLimit: moved, throttled: NONE } : { overLimit: NONE, throttled: moved };
}
