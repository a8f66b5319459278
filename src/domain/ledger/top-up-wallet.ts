import { assert } from '../assert.ts';
import type { EventKey } from '../events/event-key.ts';
import { lesser, NANOS_MAX } from '../money/nanos.ts';
import { addGrant, type CreditSource, grantedCredit } from './grant.ts';
import { ENTRY_KIND, type WalletHead } from './wallet.ts';
import { type ContraLeg, postEntry, type WalletChange } from './wallet-change.ts';

/** Credit to give. Without terms it is base credit: spent in its turn, and without an end. */
export interface Credit {
  readonly key: EventKey;
  /** Positive nano-units. */
  readonly amount: bigint;
  readonly source: CreditSource;
  readonly terms?: GrantTerms;
}

/** When credit is spent, and when it ends. */
export interface GrantTerms {
  readonly grantId: string;
  readonly priority: number;
  readonly expiresAtMs: number | null;
  readonly createdAtMs: number;
}

/** Promotional credit is spent before paid credit unless somebody says otherwise. */
export const PROMOTIONAL_PRIORITY = 20;

export type TopUpResult =
  | { readonly ok: true; readonly change: WalletChange }
  | { readonly ok: false; readonly reason: 'balance_too_large' };

/** Credits a wallet, frozen or not. A negative balance is paid first: what is left of a grant is what can be spent. */
export function topUpWallet(wallet: WalletHead, { key, amount, source, terms }: Credit): TopUpResult {
  assert(amount > 0n, 'a top-up is positive; a refund is another change');
  if (wallet.posted + amount > NANOS_MAX) return { ok: false, reason: 'balance_too_large' };

  const head = { ...wallet };
  const entry = postEntry(head, { key, kind: terms === undefined ? ENTRY_KIND.topup : ENTRY_KIND.grant, amount });
  // Services that stopped serving at a negative balance hear that they may go on.
  const isFunded = wallet.posted < 0n && head.posted >= 0n && head.status === 'active';
  if (isFunded) head.statusSequence++;
  const ledgerAccount = source === 'paid' ? 'cash' : 'promotion';
  const contra: ContraLeg[] = [{ ledgerAccount, amount: -amount }];
  const change = { wallet: head, entries: [entry], contra, news: isFunded ? ('funded' as const) : undefined };
  if (terms === undefined) return { ok: true, change: { ...change, kind: 'topup' } };

  const debt = grantedCredit(wallet.grants) - wallet.posted;
  const covered = debt <= 0n ? 0n : lesser(debt, amount);
  const grant = { ...terms, source, amount, remaining: amount - covered };
  if (grant.remaining > 0n) head.grants = addGrant(wallet.grants, grant);
  const burns = covered === 0n ? [] : [{ grantId: terms.grantId, amount: covered, remaining: grant.remaining }];
  return { ok: true, change: { ...change, kind: 'grant', grant, burns } };
}
