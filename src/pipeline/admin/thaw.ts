import { beginThaw, endFreeze } from '../../domain/ledger/freeze-and-thaw.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore, AdminTransaction, UsageTotal, WalletReference } from './admin-store.ts';
import { recordOf, requestKey, walletOutcome } from './change-record.ts';
import type { UsageFilter, UsagePart } from './quarantine-store.ts';
import { partDetail, releaseRound } from './release-round.ts';
import { type AdminRequest, answeredBefore, requestHash } from './request.ts';
import { type ThawOutcome, thawResultSchema } from './results.ts';
import { walletOf } from './wallet-of.ts';

export interface ThawRequest extends AdminRequest {
  readonly wallet: WalletReference;
  /** What becomes of usage refused during the freeze. Charging it is always somebody's explicit wish. */
  readonly usage: 'keep' | 'post' | 'void';
  /** Makes `usage` about a part of it only, and says what becomes of the rest. */
  readonly only?: {
    readonly filter: Pick<UsageFilter, 'meter' | 'source' | 'fromMs' | 'toMs'>;
    readonly rest: 'keep' | 'post' | 'void';
  };
  readonly overdraftNanos: bigint;
  /** Only if the freeze has run out by then: a person may have extended it since the caller looked. */
  readonly onlyExpired?: boolean;
  /** Looks at the locked wallet before it changes, and throws when this request may not. */
  readonly mayChange?: (wallet: WalletHead) => void;
}

type Answer = ThawOutcome & { readonly isRepeated: boolean };

const NONE: UsageTotal = { events: 0, amount: 0n };

/**
 * Ends a freeze. With `post` the usage in quarantine is charged first, oldest first, in rounds of one database
 * transaction each; the wallet is `thawing` between them, and a crash is repaired by the same request sent again.
 * On a wallet that is active already (its freeze ended on its date), `post` and `void` settle what was left. With `only`,
 * what is to be voided is voided in the first round, and the answer counts all attempts under the request's key.
 */
export async function thaw(store: AdminStore, request: ThawRequest): Promise<Answer> {
  const { walletId, shard } = await walletOf(store, request.wallet);
  const { nowMs, dryRun } = request;
  const { usage, reason } = request;
  const hash = requestHash({ do: 'thaw', wallet: walletId.toString(), usage, reason, ...plainOnly(request) });
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
  const plan = planOf(request);
  const stored = await checkedWallet(transaction, request, plan);
  // A thaw that is under way was allowed when it began.
  if (stored.status !== 'thawing') request.mayChange?.(stored);
  const { wallet, total: voided } =
    plan.void === undefined
      ? { wallet: stored, total: NONE }
      : await voidUsage(transaction, request, { wallet: stored, part: plan.void.part });
  if (plan.post === undefined) return { answer: await finish(transaction, request, { hash, wallet, voided }), posted };

  const { overdraftNanos } = request;
  const { part } = plan.post;
  const release = { wallet, reason: 'frozen', overdraftNanos, ...(part === undefined ? {} : { part }) } as const;
  const round = await releaseRound(transaction, request, release);
  const total = { events: posted.events + round.posted.events, amount: posted.amount + round.posted.amount };
  if (round.left === 'more') {
    await transaction.saveStatus(beginThaw(round.wallet));
    return { answer: undefined, posted: total };
  }
  const { overLimit, throttled } = round;
  const done = { hash, wallet: round.wallet, posted: total, voided, overLimit, throttled };
  return { answer: await finish(transaction, request, done), posted: total };
}

/** What is posted and what is voided; a missing part is everything that was refused, nothing at all is `undefined`. */
interface ThawPlan {
  readonly post: { readonly part: UsagePart | undefined } | undefined;
  readonly void: { readonly part: UsagePart | undefined } | undefined;
}

function planOf({ usage, only, key, wallet }: ThawRequest): ThawPlan {
  if (only === undefined) {
    const all = { part: undefined };
    return { post: usage === 'post' ? all : undefined, void: usage === 'void' ? all : undefined };
  }
  const filter = { tenant: wallet.tenant, ...only.filter };
  const partFor = (what: 'post' | 'void') => {
    if (usage === what) return { part: { filter, isRest: false, request: key } };
    return only.rest === what ? { part: { filter, isRest: true, request: key } } : undefined;
  };
  return { post: partFor('post'), void: partFor('void') };
}

function plainOnly({ only }: ThawRequest): Readonly<Record<string, string | number | null>> {
  if (only === undefined) return {};
  const { meter = null, source = null, fromMs = null, toMs = null } = only.filter;
  return { rest: only.rest, meter, source, fromMs, toMs };
}

async function checkedWallet(transaction: AdminTransaction, request: ThawRequest, plan: ThawPlan): Promise<WalletHead> {
  const wallet = await transaction.wallet();
  if (wallet === undefined) throw new AppError('WALLET_NOT_FOUND', `${request.wallet.name} has no wallet.`);
  if (request.onlyExpired === true && !hasExpired(wallet, request.nowMs)) {
    throw new AppError('WALLET_STATE', `The freeze of ${wallet.account} has not run out.`);
  }
  if (wallet.status === 'thawing' && !(await mayGoOn(transaction, request, plan))) {
    throw new AppError('WALLET_STATE', `A thaw of ${wallet.account} that posts its usage is under way.`, {
      fix: 'Finish it with --usage post and no filter, or send its request again with its --key.',
    });
  }
  if (wallet.status !== 'active') return wallet;
  const waiting = request.usage === 'keep' ? NONE : await transaction.countUsage('frozen');
  if (waiting.events > 0) return wallet;
  throw new AppError('WALLET_STATE', `The wallet of ${wallet.account} is not frozen, and no refused usage waits.`);
}

// A thaw under way has promised to post what waits. Another request may fulfil that, and may not void or keep any of it;
// a thaw of a part that was cut off has closed rows under its own key.
async function mayGoOn(transaction: AdminTransaction, request: ThawRequest, plan: ThawPlan): Promise<boolean> {
  if (plan.post === undefined || request.only === undefined) return plan.post !== undefined;
  return (await transaction.quarantine.settledBy(request.key)).length > 0;
}

function hasExpired(wallet: WalletHead, nowMs: number): boolean {
  return wallet.status === 'frozen' && wallet.frozenUntilMs !== null && wallet.frozenUntilMs <= nowMs;
}

async function voidUsage(
  transaction: AdminTransaction,
  request: ThawRequest,
  { wallet, part }: { readonly wallet: WalletHead; readonly part: UsagePart | undefined },
) {
  const total = await transaction.closeAsVoid('frozen', request.actor, part);
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
    detail: { key: request.key, events, amount, ...partDetail(part) },
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
  const { key, usage, only } = request;
  const { hash, overLimit = NONE, throttled = NONE } = done;
  const settled = only === undefined ? undefined : (await transaction.quarantine.settledBy(key))[0];
  const { posted = NONE, voided = NONE } = settled ?? done;
  const { atMs } = transaction;
  let { wallet } = done;
  if (wallet.status !== 'active') {
    const change = endFreeze(wallet, { key: requestKey(wallet.tenant, key, atMs) });
    const because = request.reason ?? 'thawed by hand';
    const detail = { key, usage, ...only, posted, voided, overLimit, throttled };
    await transaction.write(recordOf(change, request, { request: { key, hash }, detail, atMs, because }));
    wallet = change.wallet;
  }
  const kept = await transaction.countUsage('frozen');
  const result: ThawOutcome = { ...walletOutcome(wallet, atMs), usage, posted, voided, overLimit, throttled, kept };
  await transaction.remember({ key, hash, result });
  return { ...result, isRepeated: false };
}
