import type { EventKey } from '../events/event-key.ts';
import { ENTRY_KIND, type WalletHead } from './wallet.ts';
import { type ChangeEntry, postEntry, type WalletChange } from './wallet-change.ts';

/** Usage in quarantine that has a price. */
export interface QuarantinedUsage {
  readonly key: EventKey;
  readonly contentHash: bigint;
  readonly amount: bigint;
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
}

/**
 * Posts quarantined usage in the order given while it stays within the overdraft limit, and stops at the first that does
 * not: later usage must not overtake it. The status is the caller's affair, since a thaw posts before the wallet is active.
 * Each entry takes the event's own key, so the event can never be posted a second time. A row whose key is taken already
 * leaves quarantine without an entry.
 */
export function releaseUsage(
  wallet: WalletHead,
  usage: readonly QuarantinedUsage[],
  overdraftDefault: bigint,
): Release {
  const head = { ...wallet };
  const floor = -(wallet.overdraftLimit ?? overdraftDefault);
  const entries: ChangeEntry[] = [];
  const [charged, duplicates]: [QuarantinedUsage[], QuarantinedUsage[]] = [[], []];
  let amount = 0n;
  for (const row of usage) {
    const { key, contentHash, amount: charge, counted = charge } = row;
    if (row.isPosted === true) duplicates.push(row);
    else {
      if (charge > 0n && head.posted - head.held - charge < floor) break;
      entries.push(postEntry(head, { key, kind: ENTRY_KIND.released, amount: -charge, contentHash }));
      charged.push(row);
      amount += charge;
    }
    head.quarantined -= counted;
    head.quarantinedEvents--;
  }
  const posted = charged.length;
  const taken = posted + duplicates.length;
  const contra = amount === 0n ? [] : [{ ledgerAccount: 'revenue', amount } as const];
  const change: WalletChange = { kind: 'release', wallet: head, entries, contra, news: undefined };
  return { change: taken === 0 ? undefined : change, posted, charged, duplicates, taken, amount };
}
