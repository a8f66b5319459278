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
  /** What the wallet counts it with among its quarantined usage: zero for usage that had no price; `amount` unless given. */
  readonly counted?: bigint;
  /** Another lane has posted an event under this key: it can only be closed. */
  readonly isPosted?: boolean;
}

export interface Release {
  /** Undefined when nothing fits. */
  readonly change: WalletChange | undefined;
  /** How many of the given rows were posted. */
  readonly posted: number;
  /** The rows that were posted, in order. */
  readonly charged: readonly QuarantinedUsage[];
  /** Those whose key was taken: closed, never charged. */
  readonly duplicates: readonly QuarantinedUsage[];
  /** How many rows, from the first, are dealt with; the next one does not fit. */
  readonly taken: number;
  /** Charged in all, nano-units. */
  readonly amount: bigint;
  /** Why the next one was not posted: it waits for credit, or for a period with room. */
  readonly blockedBy: 'over_limit' | 'throttled' | undefined;
}

/**
 * Posts quarantined usage in the order given while it stays within the overdraft limit and the spending limit of this
 * period, and stops at the first that does not: later usage must not overtake it. The status is the caller's affair,
 * since a thaw posts before the wallet is active. Each entry takes the event's own key, so the event can never be posted
 * a second time. A row whose key is taken already leaves quarantine without an entry.
 */
export function releaseUsage(
  wallet: WalletHead,
  usage: readonly QuarantinedUsage[],
  terms: { readonly overdraftDefault: bigint; readonly nowMs: number },
): Release {
  const head = { ...wallet };
  const entries: ChangeEntry[] = [];
  const burns: Burn[] = [];
  const [charged, duplicates]: [QuarantinedUsage[], QuarantinedUsage[]] = [[], []];
  let amount = 0n;
  let blockedBy: Release['blockedBy'];
  for (const row of usage) {
    if (row.isPosted === true) duplicates.push(row);
    else {
      const exact = { nanos: row.amount, attos: row.residue };
      const charge = amountToPay(head.residue, exact);
      blockedBy = obstacle(head, charge, terms);
      if (blockedBy !== undefined) break;
      head.residue = residueAfter(head.residue, exact, charge);
      if (head.throttle !== null) head.throttle = spend(head.throttle, charge, terms.nowMs);
      const { key, contentHash } = row;
      const debit = postDebit(head, { key, kind: ENTRY_KIND.released, amount: -charge, contentHash });
      entries.push(debit.entry);
      burns.push(...debit.burns);
      charged.push(row);
      amount += charge;
    }
    head.quarantined -= row.counted ?? row.amount;
    head.quarantinedEvents--;
  }
  const posted = charged.length;
  const taken = posted + duplicates.length;
  const contra = amount === 0n ? [] : [{ ledgerAccount: 'revenue', amount } as const];
  const change: WalletChange = { kind: 'release', wallet: head, entries, contra, news: undefined, burns };
  return { change: taken === 0 ? undefined : change, posted, charged, duplicates, taken, amount, blockedBy };
}

function obstacle(
  wallet: WalletHead,
  charge: bigint,
  { overdraftDefault, nowMs }: { readonly overdraftDefault: bigint; readonly nowMs: number },
): Release['blockedBy'] {
  if (charge === 0n) return undefined;
  if (!fitsBalance(wallet, charge, overdraftDefault)) return 'over_limit';
  return wallet.throttle === null || charge <= roomAt(wallet.throttle, nowMs) ? undefined : 'throttled';
}
