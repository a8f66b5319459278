import { assert } from '../assert.ts';
import { type EventKey, eventKeyOf } from '../events/event-key.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../time.ts';
import { dueBreakage } from './expire-grants.ts';
import { roomAt, spend } from './throttle.ts';
import { ENTRY_KIND, fitsBalance, type WalletHead } from './wallet.ts';
import { postDebit, type WalletChange } from './wallet-change.ts';

export const HOLD_STATES = ['open', 'captured', 'released', 'expired'] as const;
export type HoldState = (typeof HOLD_STATES)[number];

/** Money reserved on a wallet and not moved. Amounts are nano-units of the wallet's currency. */
export interface Hold {
  readonly tenant: string;
  readonly holdId: string;
  readonly walletId: bigint;
  readonly shard: number;
  readonly amount: bigint;
  /** The most that may be captured. What lies above the amount is not reserved. */
  readonly captureMax: bigint;
  /** What was captured; 0 while the hold is open. */
  readonly captured: bigint;
  readonly state: HoldState;
  readonly placedAtMs: number;
  readonly expiresAtMs: number;
  readonly closedAtMs: number | null;
  /** Who placed it. */
  readonly actor: string;
}

/** Why a hold cannot be placed or changed. */
export type HoldRefusal =
  | 'wallet_not_active'
  | 'insufficient_funds'
  | 'throttled'
  | 'captured'
  | 'released'
  | 'expired'
  | 'capture_too_large'
  | 'smaller_than_before';

export type HoldResult =
  | { readonly ok: true; readonly hold: Hold }
  | { readonly ok: false; readonly reason: HoldRefusal };

export type CaptureResult =
  | { readonly ok: true; readonly hold: Hold; readonly change: WalletChange }
  | { readonly ok: false; readonly reason: HoldRefusal };

/** When a request is judged, and how far a wallet without a limit of its own may go below zero. */
export interface HoldTerms {
  readonly nowMs: number;
  readonly overdraftDefault: bigint;
}

/** How long a hold lasts unless it is extended. Its entry is dated by its placing, so it must end before that is too late. */
export const HOLD_SECONDS_DEFAULT = 600;
export const HOLD_SECONDS_MAX = (7 * DAY_MS) / SECOND_MS;

/** How long after the end of a freeze a hold can still be captured at least. */
export const HOLD_AFTER_FREEZE_MS = 15 * MINUTE_MS;

/** What may be captured of an amount unless the request says otherwise: a tenth more. */
export function captureMaxOf(amount: bigint): bigint {
  return amount + amount / 10n;
}

/** A hold may be captured up to twice its amount: more would be a way around the reservation. */
export function isCaptureMax(amount: bigint, captureMax: bigint): boolean {
  return captureMax >= amount && captureMax <= 2n * amount;
}

/** What a hold takes from its wallet's available money. */
export function reservedBy(hold: Hold | undefined): bigint {
  return hold?.state === 'open' ? hold.amount : 0n;
}

/** Reserves money without moving it, as far as the balance, less what is held already, and the overdraft limit allow. */
export function placeHold(
  wallet: WalletHead,
  asked: {
    readonly holdId: string;
    readonly amount: bigint;
    readonly captureMax: bigint;
    readonly seconds: number;
    readonly actor: string;
  },
  terms: HoldTerms,
): HoldResult {
  assert(asked.amount > 0n, 'a hold is positive; release it instead of negating it');
  assert(isCaptureMax(asked.amount, asked.captureMax), 'what may be captured is bounded by the hold');
  if (wallet.status !== 'active') return { ok: false, reason: 'wallet_not_active' };
  if (!fits(wallet, asked.amount, terms)) return { ok: false, reason: 'insufficient_funds' };
  if (wallet.throttle !== null && asked.amount > roomAt(wallet.throttle, terms.nowMs)) {
    return { ok: false, reason: 'throttled' };
  }
  const hold: Hold = {
    tenant: wallet.tenant,
    holdId: asked.holdId,
    walletId: wallet.walletId,
    shard: wallet.shard,
    amount: asked.amount,
    captureMax: asked.captureMax,
    captured: 0n,
    state: 'open',
    placedAtMs: terms.nowMs,
    expiresAtMs: terms.nowMs + asked.seconds * SECOND_MS,
    closedAtMs: null,
    actor: asked.actor,
  };
  return { ok: true, hold };
}

/**
 * Keeps a hold open longer, reserves more, or both; never less and never shorter. What may be captured grows by as much
 * as the amount does. No hold lasts longer than HOLD_SECONDS_MAX in all: it ends there, whatever is asked.
 */
export function extendHold(
  wallet: WalletHead,
  hold: Hold,
  asked: { readonly amount: bigint | undefined; readonly seconds: number | undefined },
  terms: HoldTerms,
): HoldResult {
  const closed = closedReason(wallet, hold, terms.nowMs);
  if (closed !== undefined) return { ok: false, reason: closed };
  if (wallet.status !== 'active') return { ok: false, reason: 'wallet_not_active' };
  const more = (asked.amount ?? hold.amount) - hold.amount;
  if (more < 0n) return { ok: false, reason: 'smaller_than_before' };
  if (more > 0n && !fits(wallet, more, terms)) return { ok: false, reason: 'insufficient_funds' };
  const wantedMs = terms.nowMs + (asked.seconds ?? 0) * SECOND_MS;
  const latestMs = hold.placedAtMs + HOLD_SECONDS_MAX * SECOND_MS;
  const expiresAtMs = Math.max(hold.expiresAtMs, Math.min(wantedMs, latestMs));
  const { amount, captureMax } = hold;
  return { ok: true, hold: { ...hold, amount: amount + more, captureMax: captureMax + more, expiresAtMs } };
}

/**
 * Charges what the call cost, up to `captureMax`, and frees the rest. What lies above the amount was not reserved and must
 * fit the balance like a new hold. The entry's key is the hold's own, so that no hold can ever be charged twice.
 */
export function captureHold(wallet: WalletHead, hold: Hold, amount: bigint, terms: HoldTerms): CaptureResult {
  assert(amount > 0n, 'a capture is positive; release the hold when nothing is to be charged');
  const closed = closedReason(wallet, hold, terms.nowMs);
  if (closed !== undefined) return { ok: false, reason: closed };
  if (wallet.status !== 'active') return { ok: false, reason: 'wallet_not_active' };
  if (amount > hold.captureMax) return { ok: false, reason: 'capture_too_large' };
  const more = amount - hold.amount;
  if (more > 0n && !fits(wallet, more, terms)) return { ok: false, reason: 'insufficient_funds' };
  const throttle = wallet.throttle === null ? null : spend(wallet.throttle, amount, terms.nowMs);
  const head = { ...wallet, held: wallet.held - hold.amount, throttle };
  const { entry, burns } = postDebit(head, { key: holdKey(hold), kind: ENTRY_KIND.captured, amount: -amount });
  const contra = [{ ledgerAccount: 'revenue', amount }] as const;
  return {
    ok: true,
    hold: { ...hold, state: 'captured', captured: amount, closedAtMs: terms.nowMs },
    change: { kind: 'capture', wallet: head, entries: [entry], contra, news: undefined, burns },
  };
}

/** Frees a hold without charging anything; a frozen wallet's too. */
export function releaseHold(hold: Hold, nowMs: number): HoldResult {
  if (hold.state !== 'open') return { ok: false, reason: hold.state };
  return { ok: true, hold: { ...hold, state: 'released', closedAtMs: nowMs } };
}

/**
 * Ends a hold whose time is over; undefined when it is not. While its wallet refuses debits a hold cannot be captured, so
 * it does not end either: its date moves on, and a call that ran during the freeze can be charged after it.
 */
export function expireHold(wallet: Pick<WalletHead, 'status'>, hold: Hold, nowMs: number): Hold | undefined {
  if (hold.state !== 'open' || nowMs < hold.expiresAtMs) return undefined;
  if (wallet.status !== 'active') return { ...hold, expiresAtMs: nowMs + HOLD_AFTER_FREEZE_MS };
  return { ...hold, state: 'expired', closedAtMs: nowMs };
}

/** The key of the entry that charges a hold. No event can have it: no source may hold a control character. */
export function holdKey(hold: Pick<Hold, 'tenant' | 'holdId' | 'placedAtMs'>): EventKey {
  const { tenant, holdId, placedAtMs } = hold;
  return eventKeyOf({ tenant, source: 'tollkeeper\u0001hold', id: holdId, occurredAtMs: placedAtMs });
}

/** Its date ends a hold even before anybody has swept it, unless a freeze keeps it open. */
function closedReason(wallet: WalletHead, hold: Hold, nowMs: number): 'captured' | 'released' | 'expired' | undefined {
  if (hold.state !== 'open') return hold.state;
  return wallet.status === 'active' && nowMs >= hold.expiresAtMs ? 'expired' : undefined;
}

/** Credit whose time is over counts no more, even before it is posted as such. */
function fits(wallet: WalletHead, more: bigint, { overdraftDefault, nowMs }: HoldTerms): boolean {
  let ended = 0n;
  for (const { amount } of dueBreakage(wallet, nowMs)) ended += amount;
  return fitsBalance(wallet, more + ended, overdraftDefault);
}
