import { assert } from '../assert.ts';
import type { EventKey } from '../events/event-key.ts';
import { NANOS_MAX } from '../money/nanos.ts';
import { ENTRY_KIND, type WalletHead } from './wallet.ts';
import { postEntry, type WalletChange } from './wallet-change.ts';

/** Where credit comes from: the customer's money, or ours. */
export type CreditSource = 'paid' | 'promotional';

export type TopUpResult =
  | { readonly ok: true; readonly change: WalletChange }
  | { readonly ok: false; readonly reason: 'balance_too_large' };

/** Credits a wallet, frozen or not. The amount is positive. */
export function topUpWallet(
  wallet: WalletHead,
  { key, amount, source }: { readonly key: EventKey; readonly amount: bigint; readonly source: CreditSource },
): TopUpResult {
  assert(amount > 0n, 'a top-up is positive; a refund is another change');
  if (wallet.posted + amount > NANOS_MAX) return { ok: false, reason: 'balance_too_large' };

  const head = { ...wallet };
  const entry = postEntry(head, { key, kind: ENTRY_KIND.topup, amount });
  // Services that stopped serving at a negative balance hear that they may go on.
  const isFunded = wallet.posted < 0n && head.posted >= 0n && head.status === 'active';
  if (isFunded) head.statusSequence++;
  const ledgerAccount = source === 'paid' ? 'cash' : 'promotion';
  const contra = [{ ledgerAccount, amount: -amount }] as const;
  return {
    ok: true,
    change: { kind: 'topup', wallet: head, entries: [entry], contra, news: isFunded ? 'funded' : undefined },
  };
}
