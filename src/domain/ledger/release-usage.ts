import type { EventKey } from '../events/event-key.ts';
import { amountToPay, residueAfter } from '../money/residue.ts';
import type { Burn } from './grant.ts';
import { roomAt, spend } from './throttle.ts';
import { ENTRY_KIND, fitsBalance, type WalletHead } from './wallet.ts';
import { type ChangeEntry, postDebit, type WalletChange } from './wallet-change.ts';

/** Usage in quarantine that has a price. */
export interface QuarantinedUsage {
  readonly key: EventKey;
  readonly contentHash: bigint;
  /** What it costs by itself, rounded half-even. */
  readonly amount: bigint;
  /** The exact cost less `amount`, in 10^-18 nano-units. */
  readonly residue: bigint;
}

export interface Release {
  /** Undefined when nothing fits. */
  readonly change: WalletChange | undefined;
  /** How many of the given rows, from the first, were posted. */
  readonly posted: number;
  /** What was charged for them. */
  readonly amount: bigint;
  /** Why the next one was not posted: it waits for credit, or for a period with room. */
  readonly blockedBy: 'over_limit' | 'throttled' | undefined;
}

/**
 * Posts quarantined usage in the order given while it stays within the overdraft limit and the spending limit of this
 * period, and stops at the first that does not: later usage must not overtake it. The status is the caller's affair,
 * since a thaw posts before the wallet is active. Each entry takes the event's own key, so the event can never be posted
 * a second time.
 */
export function releaseUsage(
  wallet: WalletHead,
  usage: readonly QuarantinedUsage[],
  { overdraftDefault, nowMs }: { readonly overdraftDefault: bigint; readonly nowMs: number },
): Release {
  const head = { ...wallet };
  const entries: ChangeEntry[] = [];
  const burns: Burn[] = [];
  let amount = 0n;
  let blockedBy: Release['blockedBy'];
  for (const { key, contentHash, amount: nanos, residue: attos } of usage) {
    const exact = { nanos, attos };
    const charge = amountToPay(head.residue, exact);
    blockedBy = obstacle(head, charge, overdraftDefault, nowMs);
    if (blockedBy !== undefined) break;
    head.residue = residueAfter(head.residue, exact, charge);
    if (head.throttle !== null) head.throttle = spend(head.throttle, charge, nowMs);
    const debit = postDebit(head, { key, kind: ENTRY_KIND.released, amount: -charge, contentHash });
    entries.push(debit.entry);
    burns.push(...debit.burns);
    head.quarantined -= nanos;
    amount += charge;
  }
  if (entries.length === 0) return { change: undefined, posted: 0, amount, blockedBy };
  head.quarantinedEvents -= entries.length;
  const contra = amount === 0n ? [] : [{ ledgerAccount: 'revenue', amount } as const];
  return {
    change: { kind: 'release', wallet: head, entries, contra, news: undefined, burns },
    posted: entries.length,
    amount,
    blockedBy,
  };
}

function obstacle(wallet: WalletHead, charge: bigint, overdraftDefault: bigint, nowMs: number): Release['blockedBy'] {
  if (charge === 0n) return undefined;
  if (!fitsBalance(wallet, charge, overdraftDefault)) return 'over_limit';
  return wallet.throttle === null || charge <= roomAt(wallet.throttle, nowMs) ? undefined : 'throttled';
}
