import { AppError } from '../../errors.ts';
import type { AdminStore } from './admin-store.ts';
import type { UsageFilter, WaitingWallet } from './quarantine-store.ts';
import { requestHash } from './request.ts';
import { type SettleOutcome, type SettleTotals, settleResultSchema } from './settle-results.ts';
import { type SettleProgress, type SettleRequest, settleRound } from './settle-round.ts';
import { byCurrency, emptyTally, withSettled } from './settle-tally.ts';

type Answer = SettleOutcome & { readonly isRepeated: boolean };

/** Each day of usage has a partition of its own, and every look at all entries locks every partition. */
const DAYS_MAX = 400;

/**
 * Posts or voids quarantined usage, wallet by wallet, oldest first, in rounds of one database transaction each. Cut off,
 * it goes on when it is sent again with its key, and answers for all attempts together. A dry run carries the same
 * rounds out and rolls them back. `AppError`: IDEMPOTENCY_CONFLICT, SELECTION_TOO_WIDE.
 */
export async function settleQuarantine(store: AdminStore, request: SettleRequest): Promise<Answer> {
  const { key, what, filter, nowMs, dryRun } = request;
  const hash = requestHash({ do: `quarantine-${what}`, reason: request.reason, ...plain(filter) });
  const before = await answeredBefore(store, { key, hash, nowMs, dryRun: true });
  if (before !== undefined) return before;
  const wallets = await store.quarantine.walletsWith(filter, nowMs);
  if (what === 'post') requireFewDays(wallets);
  // The key is claimed by a request that is carried out, not by one that was refused.
  const meanwhile = dryRun ? undefined : await answeredBefore(store, { key, hash, nowMs, dryRun });
  if (meanwhile !== undefined) return meanwhile;

  const tallies: SettleTotals[] = [];
  for (const wallet of wallets) tallies.push(await settleWallet(store, request, wallet));
  const totals = byCurrency(tallies);
  if (dryRun) return { what, wallets: wallets.length, totals: [...totals], isRepeated: false };

  const settled = await store.quarantine.settledBy(key);
  const result = { what, wallets: wallets.length, totals: [...withSettled(totals, settled)] };
  const stored = await store.quarantine.answer({ key, result, nowMs });
  return { ...settleResultSchema.parse(stored), isRepeated: false };
}

async function answeredBefore(
  store: AdminStore,
  request: Parameters<AdminStore['quarantine']['claim']>[0],
): Promise<Answer | undefined> {
  const claimed = await store.quarantine.claim(request);
  if (claimed !== undefined && claimed.hash !== request.hash) {
    const key = JSON.stringify(request.key);
    throw new AppError('IDEMPOTENCY_CONFLICT', `The key ${key} was used for another request.`);
  }
  if (claimed === undefined || claimed.result === null) return undefined;
  return { ...settleResultSchema.parse(claimed.result), isRepeated: true };
}

async function settleWallet(store: AdminStore, request: SettleRequest, wallet: WaitingWallet): Promise<SettleTotals> {
  const { walletId, shard, days, currency } = wallet;
  const { nowMs, dryRun } = request;
  const usageDays = request.what === 'post' ? days : [];
  let progress: SettleProgress = { after: undefined, isFull: false, tally: emptyTally(currency), isDone: false };
  while (!progress.isDone) {
    const from = progress;
    progress = await store.transact({ walletId, shard, nowMs, dryRun, usageDays }, async (transaction) => {
      let round = await settleRound(transaction, request, wallet, from);
      // A dry run is rolled back as a whole, so all its rounds share one transaction.
      while (dryRun && !round.isDone) round = await settleRound(transaction, request, wallet, round);
      return round;
    });
  }
  return progress.tally;
}

function requireFewDays(wallets: readonly WaitingWallet[]): void {
  const days = new Set(wallets.flatMap((wallet) => wallet.days));
  if (days.size <= DAYS_MAX) return;
  throw new AppError(
    'SELECTION_TOO_WIDE',
    `The selected usage is of ${days.size} different days; at most ${DAYS_MAX} at once.`,
  );
}

function plain(filter: UsageFilter): Readonly<Record<string, string | number | null>> {
  const { tenant, account = null, reason = null, meter = null, source = null, fromMs = null, toMs = null } = filter;
  return { tenant, account, for: reason, meter, source, fromMs, toMs };
}
