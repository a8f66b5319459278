import { assert } from '../assert.ts';
import type { EventKey } from '../events/event-key.ts';
import { NANOS_MAX } from '../money/nanos.ts';
import type { Burn } from './grant.ts';
import { ENTRY_KIND, type WalletHead } from './wallet.ts';
import { type ChangeEntry, postDebit, postEntry, type WalletChange } from './wallet-change.ts';

/** What a correction does to a charge. Amounts are nano-units. */
export interface ChargeCorrection {
  /** What the event's entries charge in sum so far, earlier corrections included. */
  readonly charged: bigint;
  readonly reversalKey: EventKey;
  /** The new charge; undefined voids the event. */
  readonly amended: { readonly key: EventKey; readonly charge: bigint } | undefined;
}

export type CorrectionResult =
  | { readonly ok: true; readonly change: WalletChange }
  | { readonly ok: false; readonly reason: 'refuses_debits' | 'over_limit' | 'balance_too_large' };

/**
 * Reverses a charge, and charges the amended amount in its place, as one ledger transaction against revenue. What lowers
 * the charge is always possible, frozen or not. What raises it is a debit: refused by a frozen wallet, and beyond the
 * overdraft limit.
 */
export function correctCharge(
  wallet: WalletHead,
  correction: ChargeCorrection,
  overdraftDefault: bigint,
): CorrectionResult {
  const { charged, reversalKey, amended } = correction;
  const charge = amended?.charge ?? 0n;
  assert(charged >= 0n && charge >= 0n, 'a charge is never negative');
  const debit = charge - charged;
  const floor = -(wallet.overdraftLimit ?? overdraftDefault);
  if (debit > 0n && wallet.status !== 'active') return { ok: false, reason: 'refuses_debits' };
  if (debit > 0n && wallet.posted - wallet.held - debit < floor) return { ok: false, reason: 'over_limit' };
  if (wallet.posted + charged > NANOS_MAX) return { ok: false, reason: 'balance_too_large' };

  const head = { ...wallet };
  const entries: ChangeEntry[] = [postEntry(head, { key: reversalKey, kind: ENTRY_KIND.reversal, amount: charged })];
  // What comes back is base credit, whatever grant the charge had been paid from.
  let burns: readonly Burn[] = [];
  if (amended !== undefined) {
    const debit = postDebit(head, { key: amended.key, kind: ENTRY_KIND.amended, amount: -charge });
    entries.push(debit.entry);
    burns = debit.burns;
  }
  // Services that stopped serving at a negative balance hear that they may go on.
  const isFunded = wallet.posted < 0n && head.posted >= 0n && head.status === 'active';
  if (isFunded) head.statusSequence++;
  return {
    ok: true,
    change: {
      kind: amended === undefined ? 'reversal' : 'amend',
      wallet: head,
      entries,
      contra: debit === 0n ? [] : [{ ledgerAccount: 'revenue', amount: debit }],
      news: isFunded ? 'funded' : undefined,
      burns,
    },
  };
}
