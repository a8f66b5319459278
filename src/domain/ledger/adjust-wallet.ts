import { assert } from '../assert.ts';
import type { EventKey } from '../events/event-key.ts';
import { lesser, NANOS_MAX } from '../money/nanos.ts';
import { type Burn, burnGrants, grantedCredit } from './grant.ts';
import { ENTRY_KIND, type WalletHead } from './wallet.ts';
import { type ContraLeg, postEntry, type WalletChange } from './wallet-change.ts';

/** Money that moves outside usage: back to the customer, away by the bank and back again, or put right by a person. */
export type AdjustmentKind = 'refund' | 'dispute' | 'reinstate' | 'correct';

interface Adjustment {
  readonly entry: 'refund' | 'dispute' | 'reinstated' | 'correction';
  /** -1 takes money out of the wallet, 1 puts it in, 0 leaves the sign to the caller. */
  readonly sign: -1 | 0 | 1;
  readonly contra: ContraLeg['ledgerAccount'];
}

const ADJUSTMENTS: Readonly<Record<AdjustmentKind, Adjustment>> = {
  refund: { entry: 'refund', sign: -1, contra: 'cash' },
  dispute: { entry: 'dispute', sign: -1, contra: 'cash' },
  reinstate: { entry: 'reinstated', sign: 1, contra: 'cash' },
  correct: { entry: 'correction', sign: 0, contra: 'correction' },
};

export type AdjustResult =
  | { readonly ok: true; readonly change: WalletChange }
  | { readonly ok: false; readonly reason: 'balance_too_large' }
  /** More than the paid credit that is neither spent nor held. */
  | { readonly ok: false; readonly reason: 'more_than_refundable'; readonly refundable: bigint };

/**
 * Posts a refund, a dispute, its reversal or a correction. A refund gives back at most the paid credit that is left; a
 * dispute takes what the bank took, below zero if need be, because the money is gone whatever the wallet says. Both come
 * out of base credit before any grant.
 *
 * @param amount nano-units, positive; only a correction may be negative
 * @param isOutside the money has left already, wherever it was decided: a refund is posted whatever the wallet has
 */
export function adjustWallet(
  wallet: WalletHead,
  {
    kind,
    key,
    amount,
    isOutside = false,
  }: {
    readonly kind: AdjustmentKind;
    readonly key: EventKey;
    readonly amount: bigint;
    readonly isOutside?: boolean;
  },
): AdjustResult {
  const { entry, sign, contra: ledgerAccount } = ADJUSTMENTS[kind];
  assert(amount !== 0n && (sign === 0 || amount > 0n), 'only a correction may be negative, and nothing is zero');
  const signed = sign === -1 ? -amount : amount;
  const after = wallet.posted + signed;
  if (after > NANOS_MAX || after < -NANOS_MAX) return { ok: false, reason: 'balance_too_large' };
  const refundable = refundableCredit(wallet);
  if (kind === 'refund' && !isOutside && amount > refundable)
    return { ok: false, reason: 'more_than_refundable', refundable };

  const head = { ...wallet };
  const burns = signed < 0n ? payFromBase(head, -signed) : [];
  const posted = postEntry(head, { key, kind: ENTRY_KIND[entry], amount: signed });
  const isFunded = wallet.posted < 0n && head.posted >= 0n && head.status === 'active';
  if (isFunded) head.statusSequence++;
  const contra = [{ ledgerAccount, amount: -signed }];
  const news = isFunded ? 'funded' : undefined;
  return { ok: true, change: { kind, wallet: head, entries: [posted], contra, news, burns } };
}

/** Paid credit without a date that is neither spent nor held. */
export function refundableCredit(wallet: WalletHead): bigint {
  const base = wallet.posted - grantedCredit(wallet.grants);
  const free = wallet.posted - wallet.held;
  const least = lesser(base, free);
  return least > 0n ? least : 0n;
}

/** Takes an amount out of a head of the caller's own: grants give only what base credit cannot. Returns what each gave. */
export function payFromBase(head: WalletHead, amount: bigint): readonly Burn[] {
  const base = head.posted - grantedCredit(head.grants);
  const fromBase = base <= 0n ? 0n : lesser(base, amount);
  const { grants, burns } = burnGrants(head.grants, 0n, amount - fromBase);
  head.grants = grants;
  return burns;
}
