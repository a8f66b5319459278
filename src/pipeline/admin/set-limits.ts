import { changeOwnLimit, isSlowdownOver, isTold, ownLimit, roomAt } from '../../domain/ledger/throttle.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { AppError } from '../../errors.ts';
import type { OutboxRow } from '../lane/batch-record.ts';
import { walletStatusMessage } from '../wallet-status-message.ts';
import type { AdminStore, WalletReference } from './admin-store.ts';
import { walletOutcome } from './change-record.ts';
import { releaseRest, releaseWaiting } from './release-waiting.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type LimitsOutcome, limitsResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface LimitsRequest extends AdminRequest {
  readonly wallet: WalletReference;
  /** How far below zero usage may go; null for the default, undefined to leave it as it is. */
  readonly overdraftLimit?: bigint | null;
  /** How much may be spent per period; null for no such limit, undefined to leave it as it is. */
  readonly throttle?: { readonly limit: bigint; readonly periodMs: number } | null;
  /** Ends what rules have set, which leaves the wallet's own limit; `over`: only when its date has passed. */
  readonly lift?: 'now' | 'over';
  readonly reason: string;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: bigint;
}

type Answer = LimitsOutcome & { readonly isRepeated: boolean };

/** Sets a wallet's overdraft limit or spending limit per time, and posts the usage that now fits, oldest first. */
export async function setLimits(store: AdminStore, request: LimitsRequest): Promise<Answer> {
  const { walletId, shard, account } = await walletOf(store, request.wallet);
  const { key, reason, nowMs, dryRun } = request;
  const scope = { walletId, shard, nowMs, dryRun };
  const first = await store.transact(scope, async (transaction): Promise<{ answer: Answer; isMore: boolean }> => {
    const hash = hashOf(walletId, request);
    const known = await answeredBefore(transaction, { key, hash }, limitsResultSchema);
    if (known !== undefined) return { answer: { ...known, isRepeated: true }, isMore: true };

    const { atMs } = transaction;
    const before = await transaction.wallet();
    if (before === undefined) throw new AppError('WALLET_NOT_FOUND', `${account} has no wallet.`);
    const { wallet, outbox } = changed(before, request, atMs);
    const { overdraftLimit } = wallet;
    const throttle = ownLimit(wallet.throttle);
    const lifted = wallet.throttle?.slowed === undefined ? before.throttle?.slowed : undefined;
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
      outbox,
      detail: {
        key,
        overdraftLimit,
        throttle,
        before: { limit: before.overdraftLimit, throttle: ownLimit(before.throttle) },
        ...(lifted === undefined ? {} : { lifted: { untilMs: lifted.untilMs, by: lifted.by } }),
      },
    });
    const { wallet: after, released, isMore } = await releaseWaiting(transaction, request, wallet);
    const limits = { overdraftLimit, spendLimit: throttle?.limit ?? null, periodMs: throttle?.periodMs ?? null };
    const result: LimitsOutcome = { ...walletOutcome(after, atMs), ...limits, released };
    await transaction.remember({ key, hash, result });
    return { answer: { ...result, isRepeated: false }, isMore };
  });
  return releaseRest(store, scope, request, first);
}

/** The wallet with its new limits, and word to the services that stopped serving when the old one was hit. */
function changed(
  before: WalletHead,
  { overdraftLimit, throttle, lift, reason }: LimitsRequest,
  atMs: number,
): { readonly wallet: WalletHead; readonly outbox: readonly OutboxRow[] } {
  const wallet = { ...before, ...(overdraftLimit === undefined ? {} : { overdraftLimit }) };
  if (lift !== undefined) {
    const isSlowed = before.throttle?.slowed !== undefined;
    if (!isSlowed || (lift === 'over' && !isSlowdownOver(before.throttle, atMs))) {
      throw new AppError('WALLET_STATE', `${before.account} is not slowed down${isSlowed ? ' past its date' : ''}.`, {
        fix: 'There is nothing to lift; `tollkeeper wallet show` says what limits the wallet.',
      });
    }
    wallet.throttle = ownLimit(before.throttle);
  }
  if (throttle === undefined && lift === undefined) return { wallet, outbox: [] };
  if (throttle !== undefined) wallet.throttle = changeOwnLimit(wallet.throttle, throttle, atMs);
  // Services that were told to slow down must hear of the end even when the limit was never hit.
  const isLifted = lift !== undefined;
  const wasTold = isLifted || (before.throttle !== null && isTold(before.throttle, before.statusSequence, atMs));
  const hasRoom = wallet.throttle === null || roomAt(wallet.throttle, atMs) > 0n;
  if (!wasTold || !hasRoom || wallet.status !== 'active') return { wallet, outbox: [] };
  wallet.statusSequence++;
  return { wallet, outbox: [walletStatusMessage(wallet, { status: 'thawed', reason, nowMs: atMs })] };
}

function hashOf(walletId: bigint, { overdraftLimit, throttle, lift, reason }: LimitsRequest): string {
  return requestHash({
    do: 'limit',
    wallet: walletId.toString(),
    overdraft: overdraftLimit === undefined ? 'unchanged' : (overdraftLimit?.toString() ?? null),
    throttle: throttle === undefined ? 'unchanged' : (throttle?.limit.toString() ?? null),
    period: throttle?.periodMs ?? null,
    ...(lift === undefined ? {} : { lift }),
    reason,
  });
}
