import type { EventKey } from '../events/event-key.ts';
import type { Burn, Grant } from './grant.ts';
import { type EntryKind, payFromCredit, postToHead, type WalletHead } from './wallet.ts';

/** What somebody may do to a wallet outside the flow of usage. */
export type ChangeKind =
  | 'topup'
  | 'grant'
  | 'freeze'
  | 'thaw'
  | 'release'
  | 'void'
  | 'expire'
  | 'refund'
  | 'dispute'
  | 'reinstate'
  | 'correct'
  | 'limit'
  | 'capture'
  | 'reversal'
  | 'amend'
  | 'label';

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
  readonly ledgerAccount: 'revenue' | 'cash' | 'promotion' | 'correction' | 'breakage';
  readonly amount: bigint;
}

/** What metering services are told when a wallet's ability to pay changes. */
export type WalletNews = 'frozen' | 'thawed' | 'funded' | 'throttled' | 'slowed';

/** A grant as it is opened: `remaining` is less than `amount` when it covered a debt at once. */
export interface OpenedGrant extends Grant {
  readonly amount: bigint;
}

/** One ledger transaction on one wallet: its state afterwards, the legs, and what to announce. */
export interface WalletChange {
  readonly kind: ChangeKind;
  readonly wallet: WalletHead;
  readonly entries: readonly ChangeEntry[];
  readonly contra: readonly ContraLeg[];
  readonly news: WalletNews | undefined;
  readonly grant?: OpenedGrant;
  /** What the change took out of grants. */
  readonly burns?: readonly Burn[];
}

/** Posts one amount to a head of the caller's own and returns the leg. */
export function postEntry(
  head: WalletHead,
  entry: Pick<ChangeEntry, 'key' | 'kind' | 'amount'> & { readonly contentHash?: bigint },
): ChangeEntry {
  const seq = postToHead(head, entry.amount);
  return { ...entry, contentHash: entry.contentHash ?? 0n, seq, balanceAfter: head.posted };
}

/** Posts one debit to a head of the caller's own, out of its credit in burn order. */
export function postDebit(
  head: WalletHead,
  entry: Pick<ChangeEntry, 'key' | 'kind' | 'amount'> & { readonly contentHash?: bigint },
): { readonly entry: ChangeEntry; readonly burns: readonly Burn[] } {
  const burns = payFromCredit(head, -entry.amount);
  return { entry: postEntry(head, entry), burns };
}
