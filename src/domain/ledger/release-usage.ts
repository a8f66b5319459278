import type { EventKey } from '../events/event-key.ts';
import { ENTRY_KIND, type WalletHead } from './wallet.ts';
import { type ChangeEntry, postEntry, type WalletChange } from './wallet-change.ts';

/** Usage in quarantine that has a price. */
export interface QuarantinedUsage {
  readonly key: EventKey;
  readonly contentHash: bigint;
  readonly amount: bigint;
}

export interface Release {
  /** Undefined when nothing fits. */
  readonly change: WalletChange | undefined;
  /** How many of the given rows, from the first, were posted. */
  readonly posted: number;
  readonly amount: bigint;
}

/**
 * Posts quarantined usage in the order given while it stays within the overdraft limit, and stops at the first that does
 * not: later usage must not overtake it. The status is the caller's affair, since a thaw posts before the wallet is active.
 * Each entry takes the event's own key, so the event can never be posted a second time.
 */
export function releaseUsage(
  wallet: WalletHead,
  usage: readonly QuarantinedUsage[],
  overdraftDefault: bigint,
): Release {
  const head = { ...wallet };
  const floor = -(wallet.overdraftLimit ?? overdraftDefault);
  const entries: ChangeEntry[] = [];
  let amount = 0n;
  for (const { key, contentHash, amount: charge } of usage) {
    if (charge > 0n && head.posted - head.held - charge < floor) break;
    entries.push(postEntry(head, { key, kind: ENTRY_KIND.released, amount: -charge, contentHash }));
    amount += charge;
  }
  if (entries.length === 0) return { change: undefined, posted: 0, amount };
  head.quarantined -= amount;
  head.quarantinedEvents -= entries.length;
  const contra = amount === 0n ? [] : [{ ledgerAccount: 'revenue', amount } as const];
  return {
    change: { kind: 'release', wallet: head, entries, contra, news: undefined },
    posted: entries.length,
    amount,
  };
}
