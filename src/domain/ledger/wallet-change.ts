import type { EventKey } from '../events/event-key.ts';
import { type EntryKind, postToHead, type WalletHead } from './wallet.ts';

/** What somebody may do to a wallet outside the flow of usage. */
export type ChangeKind = 'topup' | 'freeze' | 'thaw' | 'release' | 'void' | 'reversal' | 'amend';

/** One signed leg on the wallet. */
export interface ChangeEntry {
  readonly key: EventKey;
  readonly kind: EntryKind;
  readonly contentHash: bigint;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
}

/** The leg that makes a ledger transaction sum to zero. */
export interface ContraLeg {
  readonly ledgerAccount: 'revenue' | 'cash' | 'promotion';
  readonly amount: bigint;
}

/** What metering services are told when a wallet's ability to pay changes. */
export type WalletNews = 'frozen' | 'thawed' | 'funded';

/** One ledger transaction on one wallet: its state afterwards, the legs, and what to announce. */
export interface WalletChange {
  readonly kind: ChangeKind;
  readonly wallet: WalletHead;
  readonly entries: readonly ChangeEntry[];
  readonly contra: readonly ContraLeg[];
  readonly news: WalletNews | undefined;
}

/** Posts one amount to a head of the caller's own and returns the leg. */
export function postEntry(
  head: WalletHead,
  entry: Pick<ChangeEntry, 'key' | 'kind' | 'amount'> & { readonly contentHash?: bigint },
): ChangeEntry {
  const seq = postToHead(head, entry.amount);
  return { ...entry, contentHash: entry.contentHash ?? 0n, seq, balanceAfter: head.posted };
}
