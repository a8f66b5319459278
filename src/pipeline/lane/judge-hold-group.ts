import { reservedBy } from '../../domain/ledger/hold.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { WalletChange } from '../../domain/ledger/wallet-change.ts';
import { breakageRecord } from '../admin/expire-credit.ts';
import { captureRecord } from '../holds/capture-record.ts';
import { type HoldAnswer, refuse } from '../holds/hold-answer.ts';
import type { HoldRequest } from '../holds/hold-request.ts';
import { type HoldOperation, type HoldWrite, holdName, type StoredHold } from '../holds/hold-rows.ts';
import { judgeHold } from '../holds/judge-hold.ts';
import { operationOf } from '../holds/operation-of.ts';
import type { LaneMemory } from './lane-memory.ts';
import type { DatedChange } from './lane-store.ts';

/** Money that a request frees on a wallet in memory, in nano-units. */
export interface Freed {
  readonly wallet: WalletHead;
  readonly amount: bigint;
}

/** What a group of requests comes to: what to answer, what to write, and what is free after the commit. */
export interface JudgedGroup {
  readonly requests: readonly HoldRequest[];
  /** One per request, in order. */
  readonly answers: HoldAnswer[];
  readonly holds: Map<string, HoldWrite>;
  readonly operations: HoldOperation[];
  /** What captures post, in order; in memory already. */
  readonly changes: DatedChange[];
  readonly freed: Freed[];
  /** What new holds have reserved in memory, by hold: given back when their id turns out to be taken. */
  readonly reserved: Map<string, Freed>;
}

/**
 * Judges requests in their order against the memory, and reserves and charges there what they are granted. What they free
 * is free after the commit; only captures behind them, which share it, count it before. Synchronous: nothing else happens
 * to the memory meanwhile. Groups with captures need the lane's turn.
 */
export function judgeGroup(
  memory: LaneMemory,
  requests: readonly HoldRequest[],
  stored: readonly StoredHold[],
  overdraftDefault: bigint,
): JudgedGroup {
  const known = new Map(stored.map(({ hold }) => [holdName(hold), hold]));
  const answered = new Map(
    stored.flatMap(({ hold, answered: given }) =>
      given === undefined ? [] : [[`${holdName(hold)}\u0000${given.key}`, given] as const],
    ),
  );
  const group: JudgedGroup = {
    requests,
    answers: [],
    holds: new Map(),
    operations: [],
    changes: [],
    freed: [],
    reserved: new Map(),
  };
  for (const request of requests) {
    const name = holdName(request);
    const account = memory.accounts.get(request.walletId);
    // A wallet that the batch in flight is about to open is not in the books yet.
    const wallet = account === undefined || account.isNew ? undefined : account.wallet;
    const before = known.get(name);
    const asked = { ...request, nowMs: Math.max(request.nowMs, memory.clockMs) };
    const isCapture = asked.ask.do === 'capture';
    if (wallet !== undefined && isCapture) endCredit(group, wallet, asked.nowMs);
    const found = before && { hold: before, answered: answered.get(`${name}\u0000${request.key}`) };
    const seen = wallet !== undefined && isCapture ? asSeen(group, wallet) : wallet;
    const verdict = judgeHold(asked, seen, found, overdraftDefault);
    const { answer, hold, isNew = false, change } = verdict;
    group.answers.push(answer);
    if (hold === undefined || wallet === undefined) continue;
    const wasNew = isNew || group.holds.get(name)?.isNew === true;
    known.set(name, hold);
    group.holds.set(name, { hold, isNew: wasNew });
    const operation = operationOf(asked, answer, wasNew);
    if (operation !== undefined) {
      group.operations.push(operation);
      answered.set(`${name}\u0000${request.key}`, operation);
    }
    if (change !== undefined) {
      group.changes.push({ change: captureRecord(change, hold, asked, asked.nowMs), atMs: asked.nowMs });
      charge(wallet, change);
    }
    const more = reservedBy(hold) - reservedBy(before);
    if (more > 0n) wallet.held += more;
    else if (more < 0n) group.freed.push({ wallet, amount: -more });
    if (wasNew) {
      const amount = (group.reserved.get(name)?.amount ?? 0n) + (more > 0n ? more : 0n);
      group.reserved.set(name, { wallet, amount });
    }
  }
  return group;
}

/** The answers of a written group, and what it freed, when the ids of some of its new holds were taken. */
export function settleGroup(group: JudgedGroup, taken: ReadonlySet<string>) {
  const { answers, requests, freed, reserved, holds } = group;
  if (taken.size === 0) return { answers, freed };
  const message = 'The hold id is taken by a hold of another wallet.';
  return {
    answers: answers.map((answer, index) => {
      const request = requests[index];
      return request !== undefined && taken.has(holdName(request)) ? refuse('IDEMPOTENCY_CONFLICT', message) : answer;
    }),
    // A new hold that was released in its own group is among the freed already; what it reserved is counted once.
    freed: [
      ...freed,
      ...[...taken].flatMap((name) => {
        const still = reserved.get(name);
        return still === undefined || reservedBy(holds.get(name)?.hold) === 0n ? [] : [still];
      }),
    ],
  };
}

/** The wallet as a capture finds it: what the group has freed so far is free with its commit. */
function asSeen({ freed }: JudgedGroup, wallet: WalletHead): WalletHead {
  let amount = 0n;
  for (const one of freed) if (one.wallet === wallet) amount += one.amount;
  return amount === 0n ? wallet : { ...wallet, held: wallet.held - amount };
}

/** Posts credit whose time is over as breakage before a capture can spend it, as the direct path does. */
function endCredit(group: JudgedGroup, wallet: WalletHead, atMs: number): void {
  const record = breakageRecord(asSeen(group, wallet), atMs);
  if (record === undefined) return;
  group.changes.push({ change: record, atMs });
  charge(wallet, record);
}

/** Moves the wallet in memory on to where a change leaves it. What it holds goes its own way, at the commit. */
function charge(wallet: WalletHead, { wallet: after }: Pick<WalletChange, 'wallet'>): void {
  wallet.posted = after.posted;
  wallet.seq = after.seq;
  wallet.grants = after.grants;
  wallet.throttle = after.throttle;
}
