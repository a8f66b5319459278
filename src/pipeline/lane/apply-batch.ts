import { printable } from '../../domain/events/parse-event.ts';
import type { EventStatus, QuarantineReason } from '../../domain/events/usage-event.ts';
import { foldUsage } from '../../domain/features/account-features.ts';
import { eventDetails } from '../../domain/features/event-details.ts';
import { judgeTime } from '../../domain/ledger/lateness.ts';
import { spend } from '../../domain/ledger/throttle.ts';
import { ENTRY_KIND, judgeDebit, payFromCredit, postToHead } from '../../domain/ledger/wallet.ts';
import { NANOS_MAX } from '../../domain/money/nanos.ts';
import { type Charge, chargeFor } from '../../domain/money/price.ts';
import { amountToPay, residueAfter } from '../../domain/money/residue.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { BatchRecord, UnfinishedBatch } from './batch-record.ts';
import { breathe, isSliceOver, startSlice } from './breath.ts';
import { decide } from './decide.ts';
import { forgetRefused, type Identity } from './find-duplicates.ts';
import type { LaneEvent } from './lane-event.ts';
import { featuresThrough, type LaneAccount, type LaneMemory, markDirty } from './lane-memory.ts';
import { applyLessons } from './lessons.ts';
import { announceThrottled, expireGrants, thawExpired, touch } from './wallet-state.ts';

/** One feature row is written for so many events: takeover then refolds at most this many events an account. */
const EVENTS_PER_CHECKPOINT = 16;

/** A clock is read so often, which divides a piece; events take a few microseconds each, more with many rules. */
const EVENTS_PER_STEP = 16;

/** What a batch is made from: events in lane order, what identity says of each, and the rules in force. */
export interface BatchInput {
  readonly events: readonly LaneEvent[];
  /** The account of each event; looked up when left out. */
  readonly accounts?: readonly LaneAccount[];
  /** Corrected while the batch is applied: what is refused claims no identity. */
  readonly identities: Identity[];
  readonly ruleset: Ruleset;
  readonly lateWindowMs: number;
  /** Event times before it are of closed days and too late, whatever the window says. */
  readonly entriesFromMs?: number;
}

/** Events a piece: enough to be worth a write to a socket, few enough that everybody else gets a turn in between. */
export const EVENTS_A_PIECE = 1_024;

/**
 * Applies a batch to the lane's memory and returns everything the database transaction must write. Pure apart from
 * the memory: no IO, no clock. Events are applied one by one in lane order (debit, fold, judge), so any split of one
 * sequence into batches yields the same entries and decisions; a freeze holds from the next event of the same batch.
 *
 * Every account of the batch must be in `memory.accounts`. If the transaction fails, the memory is void.
 */
export function applyBatch(memory: LaneMemory, input: BatchInput): BatchRecord {
  const batch = startBatch(memory, input.ruleset);
  applyEvents(memory, batch, input, 0, input.events.length);
  return finishBatch(memory, batch);
}

/**
 * The same, a piece of the batch at a time, so that what is made can be stored while the rest is made, and in slices,
 * between which holds get the event loop: what is applied counts for them, and what they reserve counts for what follows.
 * Nobody else may change the memory meanwhile, which the fence sees to.
 */
export async function applyInPieces(
  memory: LaneMemory,
  input: BatchInput,
  onPiece: (batch: UnfinishedBatch) => Promise<void>,
): Promise<BatchRecord> {
  const batch = startBatch(memory, input.ruleset);
  const end = input.events.length;
  startSlice();
  for (let from = 0; from < end; from += EVENTS_PER_STEP) {
    if (from > 0 && from % EVENTS_A_PIECE === 0) await onPiece(batch);
    else if (isSliceOver()) await breathe();
    applyEvents(memory, batch, input, from, Math.min(end, from + EVENTS_PER_STEP));
  }
  return finishBatch(memory, batch);
}

function applyEvents(memory: LaneMemory, batch: BatchRecord, input: BatchInput, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    const item = input.events[index];
    const identity = input.identities[index];
    if (item === undefined || identity === undefined) throw new Error('one identity per event');
    applyEvent(memory, batch, input, item, identity, index);
  }
}

function finishBatch(memory: LaneMemory, batch: BatchRecord): BatchRecord {
  chooseCheckpoints(memory, batch);
  memory.lastBatch = batch.batchNo;
  return { ...batch, clockMs: memory.clockMs };
}

/** An empty batch, after which what closed cases teach is in force. */
function startBatch(memory: LaneMemory, ruleset: Ruleset): BatchRecord {
  const batch: BatchRecord = {
    lane: memory.lane,
    epoch: memory.epoch,
    batchNo: memory.lastBatch + 1,
    rulesetHash: ruleset.hash,
    previousChain: memory.chain,
    clockMs: memory.clockMs,
    entries: [],
    touched: [],
    quarantined: [],
    facts: [],
    decisions: [],
    alerts: [],
    outbox: [],
    checkpoints: new Set(),
    featuresThrough: 0,
    priced: 0n,
    burns: [],
    breakage: 0n,
    currency: ruleset.pricing.currency,
    statuses: [],
    lessons: [],
    counts: { posted: 0, duplicate: 0, quarantined: 0 },
  };
  applyLessons(memory, batch);
  return batch;
}

function applyEvent(
  memory: LaneMemory,
  batch: BatchRecord,
  input: BatchInput,
  item: LaneEvent,
  identity: Identity,
  index: number,
): void {
  const { event } = item;
  if (item.ingestedAtMs > memory.clockMs) memory.clockMs = item.ingestedAtMs;
  const nowMs = memory.clockMs;
  const account = input.accounts?.[index] ?? memory.accounts.get(item.address.walletId);
  if (account === undefined) throw new Error(`wallet ${item.address.walletId} was not loaded`);

  if (identity.kind === 'duplicate') {
    batch.facts.push({ item, ingestedAtMs: nowMs, status: 'duplicate', amount: null });
    batch.counts.duplicate++;
    batch.statuses.push({ id: event.id, status: 'duplicate' });
    return;
  }
  const charge = chargeFor(input.ruleset.pricing, event);
  const refusal = refuse(item, account, charge);
  if (refusal !== undefined) {
    forgetRefused(input.events, input.identities, index);
    batch.statuses.push(refusal);
    return;
  }
  touch(batch, account);
  thawExpired(memory, batch, account, nowMs);
  expireGrants(memory, batch, account, nowMs);
  const exact = typeof charge === 'string' ? null : charge;
  const toPay = exact === null ? null : amountToPay(account.wallet.residue, exact);
  const key = identity.kind === 'altered' ? identity.key : item.key;
  const reason = quarantineReason(input, account, item, identity, toPay, nowMs);
  // What is not paid now is rounded by itself, and meets the wallet's residue when it is.
  const amount = reason === undefined ? toPay : (exact?.nanos ?? null);
  memory.recentKeys.add(key);

  fold(memory, batch, input, account, item, amount, reason, nowMs);
  if (reason === undefined && amount !== null && exact !== null) {
    account.wallet.residue = residueAfter(account.wallet.residue, exact, amount);
    postEvent(batch, account, item, amount, input.ruleset, nowMs);
  }
  if (reason === 'throttled') announceThrottled(batch, account, nowMs);
  const decisionId = decide(memory, batch, input.ruleset, account, item, amount ?? 0n, nowMs);

  batch.facts.push({ item, ingestedAtMs: nowMs, status: reason ?? 'posted', amount });
  if (reason === undefined) {
    batch.counts.posted++;
    batch.statuses.push({ id: event.id, status: 'posted' });
    return;
  }
  account.wallet.quarantined += amount ?? 0n;
  account.wallet.quarantinedEvents++;
  batch.quarantined.push({
    key,
    item,
    // Its place among the facts, which leave out what was refused.
    position: batch.facts.length - 1,
    reason,
    amount,
    residue: exact?.attos ?? 0n,
    ingestedAtMs: nowMs,
    decisionId,
  });
  batch.counts.quarantined++;
  batch.statuses.push({ id: event.id, status: 'quarantined', code: reason } satisfies EventStatus);
}

/**
 * Why this event can be neither charged nor kept for later: its account's wallet id belongs to another account (a
 * collision of digests), or its charge is more than a wallet can hold, alone or on top of what is in quarantine already,
 * which is a unit mistake. The router keeps the event with this reason.
 */
function refuse({ event }: LaneEvent, { wallet }: LaneAccount, charge: Charge): EventStatus | undefined {
  if (wallet.account !== event.account || wallet.tenant !== event.tenant) {
    return {
      id: event.id,
      status: 'rejected',
      code: 'EVENT_NOT_STORABLE',
      field: 'account',
      value: printable(event.account),
      fix: 'Report this account: its wallet id is taken by another account, and it needs another name.',
    };
  }
  const { quarantined } = wallet;
  // A charge alone always fits, and hardly any wallet has something in quarantine.
  const fits =
    charge !== 'too_large' &&
    (charge === 'unknown_meter' || quarantined === 0n || quarantined + charge.nanos <= NANOS_MAX);
  if (fits) return undefined;
  return {
    id: event.id,
    status: 'rejected',
    code: 'AMOUNT_TOO_LARGE',
    field: 'quantity',
    value: event.quantity.text,
    fix: `Check the unit of ${event.meter}: this quantity costs more than a wallet can hold.`,
  };
}

/** Why this event cannot be charged now; undefined when it can. Identity first, then time, price, wallet, balance. */
function quarantineReason(
  input: BatchInput,
  account: LaneAccount,
  item: LaneEvent,
  identity: Identity,
  amount: bigint | null,
  nowMs: number,
): QuarantineReason | undefined {
  if (identity.kind === 'altered') return 'altered';
  const time = judgeTime(item.event.occurredAtMs, nowMs, input.lateWindowMs, input.entriesFromMs);
  if (time !== 'in_time') return time;
  if (amount === null) return 'unknown_meter';
  const verdict = judgeDebit(account.wallet, amount, input.ruleset.overdraftNanos, nowMs);
  return verdict === 'post' ? undefined : verdict;
}

function postEvent(
  batch: BatchRecord,
  account: LaneAccount,
  item: LaneEvent,
  amount: bigint,
  ruleset: Ruleset,
  nowMs: number,
): void {
  const { wallet } = account;
  const { walletId } = wallet;
  if (wallet.throttle !== null) wallet.throttle = spend(wallet.throttle, amount, nowMs);
  for (const burn of payFromCredit(wallet, amount)) batch.burns.push({ walletId, ...burn });
  const debit = -amount;
  const seq = postToHead(wallet, debit);
  const isFact = ruleset.pricing.meters.get(item.event.meter)?.kind === 'fact';
  const kind = isFact ? ENTRY_KIND.fact : ENTRY_KIND.usage;
  batch.priced += amount;
  const balanceAfter = wallet.posted;
  batch.entries.push({
    key: item.key,
    wallet,
    seq,
    amount: debit,
    balanceAfter,
    contentHash: item.contentHash,
    kind,
    place: account.place,
  });
}

function fold(
  memory: LaneMemory,
  batch: BatchRecord,
  input: BatchInput,
  account: LaneAccount,
  item: LaneEvent,
  amount: bigint | null,
  reason: QuarantineReason | undefined,
  nowMs: number,
): void {
  const disposition = reason === undefined ? 'posted' : reason === 'altered' ? 'altered' : 'quarantined';
  // An event whose own time is not believed must not write into a bucket that time names.
  const believed = reason !== 'too_late' && reason !== 'in_future';
  foldUsage(
    account.features,
    {
      meter: item.event.meter,
      quantity: item.event.quantity.approximate,
      spendNanos: Number(amount ?? 0n),
      occurredAtMs: believed ? item.event.occurredAtMs : nowMs,
      ingestedAtMs: nowMs,
      disposition,
      claimedAtMs: item.event.occurredAtMs,
      // The debit follows the fold, yet the balance that is told is the one after the event.
      balanceNanos: Number(reason === undefined ? account.wallet.posted - (amount ?? 0n) : account.wallet.posted),
      details: eventDetails(item.event),
    },
    input.ruleset.features,
  );
  markDirty(memory, account, batch.batchNo);
}

/**
 * Adds the longest-dirty accounts to the batch's checkpoints, so that `featuresThrough` keeps advancing. Accounts with
 * a changed judgement are already there: their flags exist nowhere else.
 */
function chooseCheckpoints(memory: LaneMemory, batch: BatchRecord): void {
  const wanted = Math.ceil(batch.facts.length / EVENTS_PER_CHECKPOINT);
  for (const account of memory.dirty) {
    if (batch.checkpoints.size >= wanted) break;
    batch.checkpoints.add(account);
  }
  for (const account of batch.checkpoints) {
    memory.dirty.delete(account);
    account.dirtySinceBatch = 0;
    account.checkpointBatch = batch.batchNo;
  }
  batch.featuresThrough = featuresThrough(memory, batch.batchNo);
}
