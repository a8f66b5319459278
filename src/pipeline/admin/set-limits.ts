import { beginThrottle } from '../../domain/ledger/throttle.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, AdminTransaction, UsageTotal, WalletReference } from './admin-store.ts';
import { walletOutcome } from './change-record.ts';
import { releaseRound } from './release-round.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type LimitsOutcome, limitsResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface LimitsRequest extends AdminRequest {
  readonly wallet: WalletReference;
  /** How far below zero usage may go; null for the default, undefined to leave it as it is. */
  readonly overdraftLimit?: bigint | null;
  /** How much may be spent per period; null for no such limit, undefined to leave it as it is. */
  readonly throttle?: { readonly limit: bigint; readonly periodMs: number } | null;
  readonly reason: string;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: bigint;
}

const NONE: UsageTotal = { events: 0, amount: 0n };

/** Sets a wallet's overdraft limit or spending limit per time, and posts the usage that now fits, oldest first. */
export async function setLimits(
  store: AdminStore,
  request: LimitsRequest,
): Promise<LimitsOutcome & { readonly isRepeated: boolean }> {
  const { walletId, shard, account } = await walletOf(store, request.wallet);
  const { key, reason, nowMs, dryRun } = request;
  return store.transact({ walletId, shard, nowMs, dryRun }, async (transaction) => {
    const hash = hashOf(walletId, request);
    const known = await answeredBefore(transaction, { key, hash }, limitsResultSchema);
    if (known !== undefined) return { ...known, isRepeated: true };

    const { atMs } = transaction;
    const before = await transaction.wallet();
    if (before === undefined) throw new AppError('WALLET_NOT_FOUND', `${account} has no wallet.`);
    const wallet = changed(before, request, atMs);
    const { overdraftLimit, throttle } = wallet;
    await transaction.write({
      kind: 'limit',
      wallet,
      entries: [],
      contra: [],
      grant: undefined,
      burns: [],
      events: 0,
      priced: 0n,
      actor: request.actor,
      reason,
      request: { key, hash },
      outbox: [],
      detail: { key, overdraftLimit, throttle, before: { limit: before.overdraftLimit, throttle: before.throttle } },
    });
    const { wallet: after, released } = await release(transaction, request, wallet);
    const limits = { overdraftLimit, spendLimit: throttle?.limit ?? null, periodMs: throttle?.periodMs ?? null };
    const result: LimitsOutcome = { ...walletOutcome(after, atMs), ...limits, released };
    await transaction.remember({ key, hash, result });
    return { ...result, isRepeated: false };
  });
}

function changed(before: WalletHead, { overdraftLimit, throttle }: LimitsRequest, atMs: number): WalletHead {
  return {
    ...before,
    ...(overdraftLimit === undefined ? {} : { overdraftLimit }),
    ...(throttle === undefined
      ? {}
      : { throttle: throttle === null ? null : beginThrottle(throttle.limit, throttle.periodMs, atMs) }),
  };
}

async function release(transaction: AdminTransaction, request: LimitsRequest, before: WalletHead) {
  const { overdraftNanos } = request;
  let wallet = before;
  let released = NONE;
  if (wallet.status !== 'active') return { wallet, released };
  for (const reason of ['over_limit', 'throttled'] as const) {
    const round = await releaseRound(transaction, request, { wallet, reason, overdraftNanos });
    wallet = round.wallet;
    const { events, amount } = round.posted;
    released = { events: released.events + events, amount: released.amount + amount };
  }
  return { wallet, released };
}

function hashOf(walletId: bigint, { overdraftLimit, throttle, reason }: LimitsRequest): string {
  return requestHash({
    do: 'limit',
    wallet: walletId.toString(),
    overdraft: overdraftLimit === undefined ? 'unchanged' : (overdraftLimit?.toString() ?? null),
    throttle: throttle === undefined ? 'unchanged' : (throttle?.limit.toString() ?? null),
    period: throttle?.periodMs ?? null,
    reason,
  });
}
