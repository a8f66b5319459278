import { type EventKey, formatEventKey } from '../events/event-key.ts';
import type { AccountAddress } from '../ids.ts';
import { NANOS_MAX } from '../money/nanos.ts';
import { ENTRY_KIND, fitsBalance, type WalletHead } from './wallet.ts';
import type { ChangeEntry } from './wallet-change.ts';

/** One charge (below zero) or credit (above) of a set, with everything that follows from its own words. */
export interface SetRow {
  readonly address: AccountAddress;
  readonly tenant: string;
  readonly account: string;
  readonly key: EventKey;
  readonly contentHash: bigint;
  /** Nano-units, signed. */
  readonly amount: bigint;
}

/** What of a wallet a set must know. Mutable: `judgeSet` moves it on. */
export interface SetWallet
  extends Pick<
    WalletHead,
    'walletId' | 'tenant' | 'account' | 'status' | 'statusSequence' | 'posted' | 'held' | 'overdraftLimit' | 'seq'
  > {
  /** Credit that is spent in its own order, or has ended and waits to be posted as breakage. */
  readonly hasGrants: boolean;
  readonly hasThrottle: boolean;
}

/**
 * Why a row was left out: the wallet refuses debits (`frozen`), does not have the money (`short`), or would hold more
 * than a wallet can (`balance_too_large`); nobody has opened it (`unknown_wallet`); the row's id was posted before with
 * another amount or account (`conflict`); or its day is archived (`too_late`).
 *
 * A wallet with open grants (`has_grants`) or a throttle (`has_throttle`) is left to changes of one wallet: those burn grants
 * in order, end credit that is over and count what the period allows, and a set does none of it.
 */
export type SetRefusal =
  | 'frozen'
  | 'short'
  | 'balance_too_large'
  | 'unknown_wallet'
  | 'conflict'
  | 'too_late'
  | 'has_grants'
  | 'has_throttle';

/** What became of one row. */
export type SetStatus =
  | { readonly status: 'posted' }
  | { readonly status: 'duplicate' }
  | { readonly status: 'refused'; readonly reason: SetRefusal };

/** A leg with the wallet it is on, ready to be encoded. */
export interface SetEntry extends ChangeEntry {
  readonly wallet: SetWallet;
}

/** What a set does to one wallet: its legs in order, and the wallet after them. */
export interface SetPosting {
  readonly wallet: SetWallet;
  readonly entries: SetEntry[];
  /** A credit ended its negative balance, which services that stopped serving must hear. */
  isFunded: boolean;
}

export interface JudgedSet {
  /** One per row, in order. */
  readonly statuses: readonly SetStatus[];
  /** Wallets with anything posted, by id. */
  readonly postings: readonly SetPosting[];
}

/** What a set is judged against. */
export interface SetBooks {
  /** Those of its wallets that exist. */
  readonly wallets: ReadonlyMap<bigint, SetWallet>;
  /** Content hashes of keys that are stored already, as far as the caller has looked. */
  readonly known: ReadonlyMap<string, bigint>;
  readonly overdraftDefault: bigint;
  /** Days before are archived, and take no entries any more. */
  readonly entriesFromMs?: number;
}

const POSTED: SetStatus = { status: 'posted' };
const DUPLICATE: SetStatus = { status: 'duplicate' };

/**
 * Judges the rows of a set one by one, in order, against their wallets. What does not fit is left out and the rest goes on.
 * Charges stop at the limit usage has, credits reach frozen wallets too.
 *
 */
export function judgeSet(
  rows: readonly SetRow[],
  { wallets, known, overdraftDefault, entriesFromMs = 0 }: SetBooks,
): JudgedSet {
  const postings = new Map<bigint, SetPosting>();
  const claimed: Claimed = new Map();
  const statuses = rows.map((row): SetStatus => {
    const before = claimedBy(row, claimed) ?? (known.size === 0 ? undefined : known.get(formatEventKey(row.key)));
    if (before !== undefined) return before === row.contentHash ? DUPLICATE : refused('conflict');
    if (row.key.timeMs < entriesFromMs) return refused('too_late');
    const posting = postings.get(row.address.walletId);
    const wallet = posting?.wallet ?? wallets.get(row.address.walletId);
    if (wallet === undefined || !isOf(row, wallet)) return refused('unknown_wallet');
    const refusal = judgeRow(wallet, row.amount, overdraftDefault);
    if (refusal !== undefined) return refused(refusal);

    const target = posting ?? { wallet, entries: [], isFunded: false };
    if (posting === undefined) postings.set(wallet.walletId, target);
    post(target, row);
    claim(row, claimed);
    return POSTED;
  });
  // By wallet, so that two sets can wait for each other and never deadlock.
  const sorted = [...postings.values()].sort((left, right) => (left.wallet.walletId < right.wallet.walletId ? -1 : 1));
  return { statuses, postings: sorted };
}

/** Posted rows by 32 bits of their key's hash: a text made of each would cost more than judging the row. */
type Claimed = Map<number, SetRow | readonly SetRow[]>;

/** The content hash of a row of this set that was posted under the same key. */
function claimedBy({ key }: SetRow, claimed: Claimed): bigint | undefined {
  const same = claimed.get(key.h0);
  if (same === undefined) return undefined;
  const earlier = ('key' in same ? [same] : same).find(({ key: { h1, h2, timeMs } }) => {
    return h1 === key.h1 && h2 === key.h2 && timeMs === key.timeMs;
  });
  return earlier?.contentHash;
}

function claim(row: SetRow, claimed: Claimed): void {
  const same = claimed.get(row.key.h0);
  // An array for each row would be most of what judging allocates.
  if (same === undefined) claimed.set(row.key.h0, row);
  else claimed.set(row.key.h0, 'key' in same ? [same, row] : [...same, row]);
}

/** Wallet ids are digests: one that belongs to another account is no wallet of this one. */
function isOf(row: SetRow, wallet: SetWallet): boolean {
  return row.account === wallet.account && row.tenant === wallet.tenant;
}

/** Odd, so that different amounts stay different: 2^64 divided by the golden ratio. */
const AMOUNT_MULTIPLIER = 0x9e37_79b9_7f4a_7c15n;

/** A row's content: the wallet id is a digest already, and the amount folded into it tells two rows apart. */
export function setContentHash(walletId: bigint, amount: bigint): bigint {
  return BigInt.asIntN(64, walletId ^ (amount * AMOUNT_MULTIPLIER));
}

function judgeRow(wallet: SetWallet, amount: bigint, overdraftDefault: bigint): SetRefusal | undefined {
  if (wallet.hasGrants) return 'has_grants';
  if (wallet.hasThrottle) return 'has_throttle';
  if (amount > 0n) return wallet.posted + amount > NANOS_MAX ? 'balance_too_large' : undefined;
  if (wallet.status !== 'active') return 'frozen';
  return fitsBalance(wallet, -amount, overdraftDefault) ? undefined : 'short';
}

function post(posting: SetPosting, { key, contentHash, amount }: SetRow): void {
  const { wallet } = posting;
  const wasNegative = wallet.posted < 0n;
  wallet.posted += amount;
  wallet.seq += 1n;
  if (wasNegative && wallet.posted >= 0n && wallet.status === 'active' && !posting.isFunded) {
    posting.isFunded = true;
    wallet.statusSequence++;
  }
  const kind = amount < 0n ? ENTRY_KIND.charged : ENTRY_KIND.credited;
  posting.entries.push({ key, kind, contentHash, seq: wallet.seq, amount, balanceAfter: wallet.posted, wallet });
}

function refused(reason: SetRefusal): SetStatus {
  return { status: 'refused', reason };
}
