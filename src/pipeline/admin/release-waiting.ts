import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { AdminScope, AdminStore, AdminTransaction, UsageTotal } from './admin-store.ts';
import { releaseRound } from './release-round.ts';
import type { AdminRequest } from './request.ts';

/** Who asks for usage to be posted, and how far wallets without a limit of their own may go below zero. */
export type ReleaseRequest = Pick<AdminRequest, 'key' | 'actor' | 'reason' | 'dryRun'> & {
  readonly overdraftNanos: bigint;
};

/** What one database transaction posted of usage that waited. */
export interface Released {
  readonly wallet: WalletHead;
  readonly released: UsageTotal;
  /** A further transaction may post more. */
  readonly isMore: boolean;
}

/**
 * Posts usage that waited for credit and usage that waited for its period, each oldest first, as far as it fits now. A
 * wallet that refuses debits pays for nothing. A dry run is rolled back as a whole, so all its rounds are one transaction.
 */
export async function releaseWaiting(
  transaction: AdminTransaction,
  request: ReleaseRequest,
  before: WalletHead,
): Promise<Released> {
  const { overdraftNanos } = request;
  let wallet = before;
  let released: UsageTotal = { events: 0, amount: 0n };
  if (wallet.status !== 'active') return { wallet, released, isMore: false };
  for (;;) {
    let isMore = false;
    for (const reason of ['over_limit', 'throttled'] as const) {
      const round = await releaseRound(transaction, request, { wallet, reason, overdraftNanos });
      wallet = round.wallet;
      released = plus(released, round.posted);
      isMore ||= round.left === 'more';
    }
    if (!isMore || !request.dryRun) return { wallet, released, isMore };
  }
}

/** Goes on, one transaction a round, after a change whose own transaction could not post everything. */
export async function releaseRest<A extends ReleasingAnswer>(
  store: AdminStore,
  scope: AdminScope,
  request: ReleaseRequest,
  first: { readonly answer: A; readonly isMore: boolean },
): Promise<A> {
  let { answer, isMore } = first;
  while (isMore && !scope.dryRun) {
    const round = await store.transact(scope, async (transaction) => {
      const wallet = await transaction.wallet();
      return wallet === undefined ? undefined : releaseWaiting(transaction, request, wallet);
    });
    if (round === undefined || round.released.events === 0) break;
    const { wallet } = round;
    const released = plus(answer.released, round.released);
    answer = { ...answer, balance: wallet.posted, sequence: wallet.seq, released };
    isMore = round.isMore;
  }
  return answer;
}

interface ReleasingAnswer {
  readonly balance: bigint;
  readonly sequence: bigint;
  readonly released: UsageTotal;
}

function plus(left: UsageTotal, right: UsageTotal): UsageTotal {
  return { events: left.events + right.events, amount: left.amount + right.amount };
}
