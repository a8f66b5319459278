import { beginThaw, endFreeze } from '../../domain/ledger/freeze-and-thaw.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, AdminTransaction, UsageTotal, WalletReference } from './admin-store.ts';
import { recordOf, requestKey, walletOutcome } from './change-record.ts';
import { releaseRound } from './release-round.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type ThawOutcome, thawResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface ThawRequest extends AdminRequest {
  readonly wallet: WalletReference;
  /** What becomes of usage refused during the freeze. Charging it is always somebody's explicit wish. */
  readonly usage: 'keep' | 'post' | 'void';
  readonly overdraftNanos: bigint;
  /** Only if the freeze has run out by then: a person may have extended it since the caller looked. */
  readonly onlyExpired?: boolean;
}

type Answer = ThawOutcome & { readonly isRepeated: boolean };

const NONE: UsageTotal = { events: 0, amount: 0n };

/**
 * Ends a freeze. With `post` the usage in quarantine is charged first, oldest first, in rounds of one database
 * transaction each; the wallet is `thawing` between them, and a crash is repaired by the same request sent again.
 * On a wallet that is active already (its freeze ended on its date), `post` and `void` settle what was left.
 */
export async function thaw(store: AdminStore, request: ThawRequest): Promise<Answer> {
  const { walletId, shard } = await walletOf(store, request.wallet);
  const { nowMs, dryRun } = request;
  const hash = requestHash({ do: 'thaw', wallet: walletId.toString(), usage: request.usage, reason: request.reason });
  const scope = { walletId, shard, nowMs, dryRun };
  let posted = NONE;
  for (;;) {
    const step = await store.transact(scope, async (transaction) => {
      // A dry run is rolled back as a whole, so all its rounds share one transaction.
      let round = await thawRound(transaction, request, { hash, posted });
      while (dryRun && round.answer === undefined) {
        round = await thawRound(transaction, request, { hash, posted: round.posted });
      }
      return round;
    });
    if (step.answer !== undefined) return step.answer;
    posted = step.posted;
  }
}

interface Progress {
  readonly hash: string;
  readonly posted: UsageTotal;
}

async function thawRound(
  transaction: AdminTransaction,
  request: ThawRequest,
  { hash, posted }: Progress,
): Promise<{ readonly answer: Answer | undefined; readonly posted: UsageTotal }> {
  const known = await answeredBefore(transaction, { key: request.key, hash }, thawResultSchema);
  if (known !== undefined) return { answer: { ...known, isRepeated: true }, posted };
  const wallet = await checkedWallet(transaction, request);
  if (request.usage !== 'post') {
    const voided = request.usage === 'void' ? await voidUsage(transaction, request, wallet) : { wallet, total: NONE };
    const answer = await finish(transaction, request, { hash, wallet: voided.wallet, voided: voided.total });
    return { answer, posted };
  }

  const { overdraftNanos } = request;
  const round = await releaseRound(transaction, request, { wallet, reason: 'frozen', overdraftNanos });
  const total = { events: posted.events + round.posted.events, amount: posted.amount + round.posted.amount };
  if (round.left === 'more') {
    await transaction.saveStatus(beginThaw(round.wallet));
    return { answer: undefined, posted: total };
  }
  const { overLimit, throttled } = round;
  const answer = await finish(transaction, request, {
    hash,
    wallet: round.wallet,
    posted: total,
    overLimit,
    throttled,
  });
  return { answer, posted: total };
}

async function checkedWallet(transaction: AdminTransaction, request: ThawRequest): Promise<WalletHead> {
  const wallet = await transaction.wallet();
  if (wallet === undefined) throw new AppError('WALLET_NOT_FOUND', `${request.wallet.name} has no wallet.`);
  if (request.onlyExpired === true && !hasExpired(wallet, request.nowMs)) {
    throw new AppError('WALLET_STATE', `The freeze of ${wallet.account} has not run out.`);
  }
  if (wallet.status === 'thawing' && request.usage !== 'post') {
    throw new AppError('WALLET_STATE', `A thaw of ${wallet.account} that posts its usage is under way.`, {
      fix: 'Finish it with --usage post.',
    });
  }
  if (wallet.status !== 'active') return wallet;
  const waiting = request.usage === 'keep' ? NONE : await transaction.countUsage('frozen');
  if (waiting.events > 0) return wallet;
  throw new AppError('WALLET_STATE', `The wallet of ${wallet.account} is not frozen, and no refused usage waits.`);
}

function hasExpired(wallet: WalletHead, nowMs: number): boolean {
  return wallet.status === 'frozen' && wallet.frozenUntilMs !== null && wallet.frozenUntilMs <= nowMs;
}

async function voidUsage(transaction: AdminTransaction, request: ThawRequest, wallet: WalletHead) {
  const total = await transaction.closeAsVoid('frozen', request.actor);
  if (total.events === 0) return { wallet, total };
  const { events, amount } = total;
  const after = {
    ...wallet,
    quarantined: wallet.quarantined - amount,
    quarantinedEvents: wallet.quarantinedEvents - events,
  };
  await transaction.write({
    kind: 'void',
    wallet: after,
    entries: [],
    contra: [],
    grant: undefined,
    burns: [],
    events,
    priced: 0n,
    actor: request.actor,
    reason: request.reason,
    request: undefined,
    outbox: [],
    detail: { key: request.key, events, amount },
  });
  return { wallet: after, total };
}

async function finish(
  transaction: AdminTransaction,
  request: ThawRequest,
  done: {
    readonly hash: string;
    readonly wallet: WalletHead;
    readonly posted?: UsageTotal;
    readonly voided?: UsageTotal;
    readonly overLimit?: UsageTotal;
    readonly throttled?: UsageTotal;
  },
): Promise<Answer> {
  const { key, usage } = request;
  const { hash, posted = NONE, voided = NONE, overLimit = NONE, throttled = NONE } = done;
  const { atMs } = transaction;
  let { wallet } = done;
  if (wallet.status !== 'active') {
    const change = endFreeze(wallet, { key: requestKey(wallet.tenant, key, atMs) });
    const because = request.reason ?? 'thawed by hand';
    const detail = { key, usage, posted, voided, overLimit, throttled };
    await transaction.write(recordOf(change, request, { request: { key, hash }, detail, atMs, because }));
    wallet = change.wallet;
  }
  const kept = await transaction.countUsage('frozen');
  const result: ThawOutcome = { ...walletOutcome(wallet, atMs), usage, posted, voided, overLimit, throttled, kept };
  await transaction.remember({ key, hash, result });
  return { ...result, isRepeated: false };
}
