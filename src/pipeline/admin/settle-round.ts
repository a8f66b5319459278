import { judgeTime } from '../../domain/ledger/lateness.ts';
import { type QuarantinedUsage, releaseUsage } from '../../domain/ledger/release-usage.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { chargeFor } from '../../domain/money/price.ts';
import { parseQuantity } from '../../domain/money/quantity.ts';
import type { PriceBook } from '../../domain/rules/price-book.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { AdminTransaction } from './admin-store.ts';
import { recordOf } from './change-record.ts';
import { settleBreakage } from './expire-credit.ts';
import type { ArrivalPlace, UsageFilter, WaitingUsage, WaitingWallet } from './quarantine-store.ts';
import { RELEASE_EVENTS_MAX } from './release-round.ts';
import type { AdminRequest } from './request.ts';
import type { SettleTotals, StayReason } from './settle-results.ts';
import { addClosed, addStay } from './settle-tally.ts';

/** Posts or voids open quarantined usage that a filter fits. */
export interface SettleRequest extends AdminRequest {
  readonly what: 'post' | 'void';
  readonly filter: UsageFilter;
  /** Prices of now, for usage that had none when it came. */
  readonly pricing: PriceBook;
  readonly overdraftNanos: bigint;
}

/** How far one wallet is. Never changed in place: a round whose transaction is repeated starts from the same state. */
export interface SettleProgress {
  readonly after: ArrivalPlace | undefined;
  /** Something did not fit: nothing later may overtake it. */
  readonly isFull: boolean;
  readonly tally: SettleTotals;
  readonly isDone: boolean;
}

/** Settles the next rows of a wallet, at most 5,000, in the caller's database transaction. */
export async function settleRound(
  transaction: AdminTransaction,
  request: SettleRequest,
  waiting: WaitingWallet,
  progress: SettleProgress,
): Promise<SettleProgress> {
  const stored = await transaction.wallet();
  const eventsMax = transaction.releaseEventsMax ?? RELEASE_EVENTS_MAX;
  const rows = await transaction.quarantine.page(request.filter, progress.after, eventsMax);
  const last = rows.at(-1);
  if (stored === undefined || last === undefined) return { ...progress, isDone: true };
  const wallet = await settleBreakage(transaction, stored);
  const settle = request.what === 'post' ? postRows : voidRows;
  const { tally, isFull } = await settle(transaction, request, { wallet, waiting, rows, progress });
  return { after: last.place, isFull, tally, isDone: rows.length < eventsMax };
}

interface Round {
  readonly wallet: WalletHead;
  readonly waiting: WaitingWallet;
  readonly rows: readonly WaitingUsage[];
  readonly progress: SettleProgress;
}

type Settled = Pick<SettleProgress, 'tally' | 'isFull'>;

async function postRows(
  transaction: AdminTransaction,
  request: SettleRequest,
  { wallet, waiting, rows, progress }: Round,
): Promise<Settled> {
  let { tally } = progress;
  const duplicates: QuarantinedUsage[] = [];
  const postable: QuarantinedUsage[] = [];
  const days = new Set(waiting.days);
  for (const row of rows) {
    const counted = row.amount ?? 0n;
    const charge = row.isPosted ? counted : judge(request, wallet, row);
    if (typeof charge !== 'bigint') {
      tally = addStay(tally, charge, counted);
      continue;
    }
    // Usage of a day that nobody made room for came after this request began: it is not part of it.
    if (!row.isPosted && !days.has(Math.floor(row.occurredAtMs / DAY_MS))) continue;
    const { key, contentHash, isPosted } = row;
    // Usage that is priced only now is rounded by itself.
    const residue = row.amount === null ? 0n : row.residue;
    (isPosted ? duplicates : postable).push({ key, contentHash, amount: charge, residue, counted, isPosted });
  }
  const candidates = progress.isFull ? duplicates : [...duplicates, ...postable];
  const release = releaseUsage(wallet, candidates, {
    overdraftDefault: request.overdraftNanos,
    nowMs: transaction.atMs,
  });
  const late = postable.slice(release.posted);
  for (const { amount } of late) tally = addStay(tally, 'over_limit', amount);
  tally = addClosed(tally, 'posted', { events: release.posted, amount: release.amount });
  const doubled = { events: release.duplicates.length, amount: sumOf(release.duplicates) };
  tally = addClosed(tally, 'duplicates', doubled);

  const { change } = release;
  if (change !== undefined) {
    const { key, actor: by } = request;
    await transaction.quarantine.close(release.charged, { status: 'posted', by, request: key });
    await transaction.quarantine.close(release.duplicates, { status: 'duplicate', by, request: key });
    const { atMs } = transaction;
    const { posted: events, amount } = release;
    const detail = { key, filter: request.filter, events, amount, duplicates: doubled.events };
    await transaction.write(recordOf(change, request, { request: undefined, detail, atMs, because: '' }));
  }
  return { tally, isFull: progress.isFull || late.length > 0 };
}

/** What a row costs now, nano-units, or why it stays. */
function judge(request: SettleRequest, wallet: WalletHead, row: WaitingUsage): bigint | StayReason {
  if (wallet.status !== 'active') return 'wallet_frozen';
  if (judgeTime(row.occurredAtMs, request.nowMs) === 'in_future') return 'in_future';
  if (row.amount !== null) return row.amount;
  const quantity = parseQuantity(row.quantity);
  if (typeof quantity === 'string' || request.pricing.currency !== wallet.currency) return 'unknown_meter';
  const charge = chargeFor(request.pricing, { ...row, quantity });
  return typeof charge === 'string' ? charge : charge.nanos;
}

async function voidRows(
  transaction: AdminTransaction,
  request: SettleRequest,
  { wallet, rows, progress }: Round,
): Promise<Settled> {
  const { isFull } = progress;
  let { tally } = progress;
  const closing = rows.map((row) => ({ ...row, amount: row.amount ?? 0n }));
  // A thaw that is under way has promised to post what waits.
  if (wallet.status === 'thawing') {
    for (const { amount } of closing) tally = addStay(tally, 'wallet_frozen', amount);
    return { tally, isFull };
  }
  const { key, actor, reason } = request;
  const [events, amount] = [closing.length, sumOf(closing)];
  await transaction.quarantine.close(closing, { status: 'void', by: actor, request: key });
  await transaction.write({
    kind: 'void',
    wallet: {
      ...wallet,
      quarantined: wallet.quarantined - amount,
      quarantinedEvents: wallet.quarantinedEvents - events,
    },
    entries: [],
    contra: [],
    grant: undefined,
    burns: [],
    events,
    priced: 0n,
    actor,
    reason,
    request: undefined,
    outbox: [],
    detail: { key, filter: request.filter, events, amount },
  });
  return { tally: addClosed(tally, 'voided', { events, amount }), isFull };
}

function sumOf(rows: readonly { readonly amount: bigint }[]): bigint {
  return rows.reduce((sum, { amount }) => sum + amount, 0n);
}
