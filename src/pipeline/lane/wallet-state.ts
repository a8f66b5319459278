import type { FreezeEffect, FreezePort } from '../../actions/freeze-wallet.ts';
import type { ThrottleEffect, ThrottlePort } from '../../actions/throttle-wallet.ts';
import { eventKeyOf } from '../../domain/events/event-key.ts';
import { breakageKey, dueBreakage, takeBreakage } from '../../domain/ledger/expire-grants.ts';
import { isSlowdownOver, isTold, nextPeriodMs, ownLimit, slowDown, tellLimit } from '../../domain/ledger/throttle.ts';
import { ENTRY_KIND, type EntryKind, postToHead } from '../../domain/ledger/wallet.ts';
import { walletStatusMessage } from '../wallet-status-message.ts';
import type { BatchRecord } from './batch-record.ts';
import type { LaneAccount, LaneMemory } from './lane-memory.ts';

/**
 * Ends a freeze whose date has passed, at the first event after it. Usage quarantined during the freeze stays there:
 * charging it is a person's decision, never a timer's.
 */
export function thawExpired(memory: LaneMemory, batch: BatchRecord, account: LaneAccount, nowMs: number): void {
  const { wallet } = account;
  if (wallet.status !== 'frozen' || wallet.frozenUntilMs === null || nowMs < wallet.frozenUntilMs) return;
  touch(batch, account);
  wallet.status = 'active';
  wallet.statusSequence++;
  wallet.frozenAtMs = null;
  wallet.frozenUntilMs = null;
  wallet.frozenBy = null;
  postStateEntry(memory, batch, account, ENTRY_KIND.thaw, nowMs);
  announce(batch, account, 'thawed', 'the freeze ended on its date', nowMs);
}

/** Posts credit whose time is over as breakage, before anything is charged at or after that moment. */
export function expireGrants(memory: LaneMemory, batch: BatchRecord, account: LaneAccount, nowMs: number): void {
  const { wallet } = account;
  for (const breakage of dueBreakage(wallet, nowMs)) {
    const { amount } = breakage;
    takeBreakage(wallet, breakage);
    const key = breakageKey(wallet, breakage, nowMs);
    const seq = postToHead(wallet, -amount);
    const { posted: balanceAfter } = wallet;
    batch.entries.push({
      key,
      wallet,
      seq,
      amount: -amount,
      balanceAfter,
      contentHash: 0n,
      kind: ENTRY_KIND.expired,
      place: account.place,
    });
    batch.burns.push({ walletId: wallet.walletId, ...breakage });
    batch.breakage += amount;
    memory.recentKeys.add(key);
  }
}

/** Tells the services that a period's spending limit is hit: once, unless another message has followed. */
export function announceThrottled(batch: BatchRecord, { wallet }: LaneAccount, nowMs: number): void {
  const { throttle } = wallet;
  if (throttle === null || isTold(throttle, wallet.statusSequence, nowMs)) return;
  wallet.statusSequence++;
  wallet.throttle = tellLimit(throttle, wallet.statusSequence, nowMs);
  const untilMs = nextPeriodMs(throttle, nowMs);
  const reason = 'the spending limit of this period is reached';
  batch.outbox.push(walletStatusMessage(wallet, { status: 'throttled', reason, nowMs, untilMs }));
}

/** Ends a slow-down whose date has passed: what is left is the limit people have set, or none. */
export function endSlowdown(batch: BatchRecord, account: LaneAccount, nowMs: number): void {
  const { wallet } = account;
  if (wallet.throttle === null || !isSlowdownOver(wallet.throttle, nowMs)) return;
  touch(batch, account);
  wallet.throttle = ownLimit(wallet.throttle);
  batch.slowedOrNot.add(wallet);
  // Services that hear nothing of a frozen wallet must not take it for an active one.
  if (wallet.status !== 'active') return;
  wallet.statusSequence++;
  announce(batch, account, 'thawed', 'the slow-down ended on its date', nowMs);
}

/** The throttle port of a lane inside its batch: the limit counts from the next event on. */
export function laneThrottle(batch: BatchRecord, account: LaneAccount, nowMs: number): ThrottlePort {
  return {
    throttle({ limitNanos, periodMs, untilMs, decisionId, reason }: ThrottleEffect) {
      const { wallet } = account;
      touch(batch, account);
      wallet.throttle = slowDown(wallet.throttle, { limit: limitNanos, periodMs, untilMs, by: decisionId }, nowMs);
      batch.slowedOrNot.add(wallet);
      wallet.statusSequence++;
      const limit = { nanos: limitNanos, periodMs };
      const news = { status: 'slowed', reason, nowMs, untilMs, limit, decision: decisionId } as const;
      batch.outbox.push(walletStatusMessage(wallet, news));
    },
  };
}

/** The freeze port of a lane inside its batch: the freeze commits with the very event that caused it. */
export function laneLedger(memory: LaneMemory, batch: BatchRecord, account: LaneAccount, nowMs: number): FreezePort {
  return {
    freeze(effect: FreezeEffect) {
      const { wallet } = account;
      touch(batch, account);
      wallet.status = 'frozen';
      wallet.statusSequence++;
      wallet.frozenAtMs = nowMs;
      wallet.frozenUntilMs = effect.untilMs;
      wallet.frozenBy = effect.decisionId;
      postStateEntry(memory, batch, account, ENTRY_KIND.freeze, nowMs);
      announce(batch, account, 'frozen', effect.reason, nowMs);
    },
  };
}

/** Lists an account among the batch's touched ones, once. */
export function touch(batch: BatchRecord, account: LaneAccount): void {
  if (account.touchedInBatch === batch.batchNo) return;
  account.touchedInBatch = batch.batchNo;
  account.place = batch.touched.length;
  batch.touched.push(account);
}

/** A ledger entry that moves no money: it dates a status change in the wallet's own history. */
function postStateEntry(
  memory: LaneMemory,
  batch: BatchRecord,
  { wallet, place }: LaneAccount,
  kind: EntryKind,
  nowMs: number,
): void {
  const id = `status:${wallet.walletId}:${wallet.statusSequence}`;
  const key = eventKeyOf({ tenant: wallet.tenant, source: 'tollkeeper', id, occurredAtMs: nowMs });
  const seq = postToHead(wallet, 0n);
  batch.entries.push({ key, wallet, seq, amount: 0n, balanceAfter: wallet.posted, contentHash: 0n, kind, place });
  memory.recentKeys.add(key);
}

function announce(
  batch: BatchRecord,
  { wallet }: LaneAccount,
  status: 'frozen' | 'thawed',
  reason: string,
  nowMs: number,
): void {
  batch.outbox.push(walletStatusMessage(wallet, { status, reason, nowMs }));
}
