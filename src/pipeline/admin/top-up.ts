import { accountNameProblem } from '../../domain/events/parse-event.ts';
import { addressOf, derivedId } from '../../domain/ids.ts';
import { BASE_PRIORITY, type CreditSource } from '../../domain/ledger/grant.ts';
import { type GrantTerms, PROMOTIONAL_PRIORITY, topUpWallet } from '../../domain/ledger/top-up-wallet.ts';
import { openWallet, type WalletHead } from '../../domain/ledger/wallet.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, AdminTransaction } from './admin-store.ts';
import { recordOf, requestKey, walletOutcome } from './change-record.ts';
import { settleBreakage } from './expire-credit.ts';
import { noRelease, type ReleaseRound, releaseRound } from './release-round.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type TopUpOutcome, topUpResultSchema } from './results.ts';

export interface TopUpRequest extends AdminRequest {
  readonly tenant: string;
  readonly account: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly source: CreditSource;
  /** 0 is spent first, 100 last; paid credit without a priority and a date is spent in the order of its age. */
  readonly priority?: number;
  /** When what is left of it ends. */
  readonly expiresAtMs?: number;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: bigint;
}

type Answer = TopUpOutcome & { readonly isRepeated: boolean };

/**
 * Credits an account's wallet, opening both when nobody has yet, and posts usage that waited for credit, oldest first.
 * The credit and the first round of that are one database transaction.
 */
export async function topUp(store: AdminStore, request: TopUpRequest): Promise<Answer> {
  const { tenant, account, currency, nowMs, dryRun } = request;
  const problem = accountNameProblem(account);
  if (problem !== undefined) {
    throw new AppError('ACCOUNT_INVALID', `${JSON.stringify(account)} cannot be an account.`, { fix: problem });
  }
  const address = addressOf(tenant, account, currency);
  const scope = { ...address, nowMs, dryRun };
  const first = await store.transact(scope, (transaction) => credit(transaction, request, address));

  // When thousands of events waited, each further round is a transaction of its own. A crash in between leaves the rest
  // in quarantine, for the next credit or for this request sent again.
  let { answer, left } = first;
  while (left === 'more' && !dryRun) {
    const { round, waiting } = await store.transact(scope, (transaction) => releaseMore(transaction, request));
    left = round.left;
    if (round.posted.events === 0) break;
    const events = answer.released.events + round.posted.events;
    const released = { events, amount: answer.released.amount + round.posted.amount };
    answer = { ...answer, balance: round.wallet.posted, sequence: round.wallet.seq, released, waiting };
  }
  return answer;
}

async function credit(
  transaction: AdminTransaction,
  request: TopUpRequest,
  address: { readonly walletId: bigint; readonly shard: number },
): Promise<{ readonly answer: Answer; readonly left: ReleaseRound['left'] }> {
  const { tenant, account, currency, amount, source, reason, key } = request;
  const { priority = null, expiresAtMs = null } = request;
  // Requests without terms keep the hash they always had.
  const terms: Record<string, number | null> =
    priority === null && expiresAtMs === null ? {} : { priority, expiresAtMs };
  const hash = requestHash({
    do: 'topup',
    tenant,
    account,
    currency,
    amount: amount.toString(),
    source,
    reason,
    ...terms,
  });
  const known = await answeredBefore(transaction, { key, hash }, topUpResultSchema);
  if (known !== undefined) return { answer: { ...known, isRepeated: true }, left: 'more' };

  const { atMs } = transaction;
  const stored = await transaction.wallet();
  const before = stored ?? openWallet({ ...address, tenant, account, currency, openedAtMs: atMs });
  await openAccount(transaction, before, stored === undefined);
  const settled = stored === undefined ? before : await settleBreakage(transaction, before);

  if (expiresAtMs !== null && expiresAtMs <= atMs) {
    throw new AppError('GRANT_EXPIRED', `Credit that ended ${formatIso(expiresAtMs)} cannot be given.`);
  }
  const isGrant = source === 'promotional' || priority !== null || expiresAtMs !== null;
  const topped = topUpWallet(settled, {
    key: requestKey(tenant, key, atMs),
    amount,
    source,
    ...(isGrant ? { terms: termsOf(request, atMs) } : {}),
  });
  if (!topped.ok) throw new AppError('AMOUNT_INVALID', 'The balance would be larger than a wallet can hold.');
  const because = 'a top-up ended the negative balance';
  const detail = { key, amount, source };
  await transaction.write(recordOf(topped.change, request, { request: { key, hash }, detail, atMs, because }));

  const round = await releaseOverLimit(transaction, request, topped.change.wallet);
  const result: TopUpOutcome = {
    ...walletOutcome(round.wallet, atMs),
    amount,
    source,
    balanceBefore: before.posted,
    isOpened: stored === undefined,
    released: round.posted,
    waiting: await transaction.countUsage('over_limit'),
  };
  await transaction.remember({ key, hash, result });
  return { answer: { ...result, isRepeated: false }, left: round.left };
}

function termsOf(request: TopUpRequest, atMs: number): GrantTerms {
  const { tenant, key, source, priority, expiresAtMs = null } = request;
  return {
    grantId: derivedId('grt', [tenant, key]),
    priority: priority ?? (source === 'promotional' ? PROMOTIONAL_PRIORITY : BASE_PRIORITY),
    expiresAtMs,
    createdAtMs: atMs,
  };
}

async function openAccount(transaction: AdminTransaction, wallet: WalletHead, isNew: boolean): Promise<void> {
  if (!(await transaction.confirmAccount(wallet))) {
    throw new AppError('WALLET_STATE', `The account ${wallet.account} is closed.`, {
      fix: 'Top up another account; a closed one takes no credit.',
    });
  }
  if (isNew) await transaction.insertWallet(wallet);
}

async function releaseMore(transaction: AdminTransaction, request: TopUpRequest) {
  const wallet = await transaction.wallet();
  if (wallet === undefined) throw new AppError('WALLET_NOT_FOUND', `${request.account} has no wallet.`);
  const round = await releaseOverLimit(transaction, request, wallet);
  return { round, waiting: await transaction.countUsage('over_limit') };
}

/** A wallet that refuses debits pays for nothing, credit or not. */
async function releaseOverLimit(
  transaction: AdminTransaction,
  request: TopUpRequest,
  wallet: WalletHead,
): Promise<ReleaseRound> {
  if (wallet.status !== 'active') return noRelease(wallet);
  const { overdraftNanos } = request;
  return releaseRound(transaction, request, { wallet, reason: 'over_limit', overdraftNanos });
}
