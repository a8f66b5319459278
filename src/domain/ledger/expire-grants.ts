import { type EventKey, eventKeyOf } from '../events/event-key.ts';
import { lesser } from '../money/nanos.ts';
import { expiredGrants } from './grant.ts';
import { ENTRY_KIND, type WalletHead } from './wallet.ts';
import { postEntry, type WalletChange } from './wallet-change.ts';

/** Credit of one grant that is over. */
export interface Breakage {
  readonly grantId: string;
  readonly amount: bigint;
  readonly remaining: bigint;
}

/**
 * What of a wallet's grants has ended and is to be posted as breakage. Credit that open holds count on stays until they
 * are closed: a reservation is a promise.
 */
export function dueBreakage(wallet: WalletHead, nowMs: number): readonly Breakage[] {
  if (wallet.grants.length === 0) return [];
  let free = wallet.posted - wallet.held;
  const due: Breakage[] = [];
  for (const { grantId, remaining } of expiredGrants(wallet.grants, nowMs)) {
    const amount = lesser(remaining, free);
    if (amount <= 0n) continue;
    free -= amount;
    due.push({ grantId, amount, remaining: remaining - amount });
  }
  return due;
}

/** Takes ended credit off a head's grants; the caller posts the entry. */
export function takeBreakage(wallet: WalletHead, { grantId, remaining }: Breakage): void {
  wallet.grants = wallet.grants.flatMap((grant) =>
    grant.grantId !== grantId ? [grant] : remaining > 0n ? [{ ...grant, remaining }] : [],
  );
}

/** Key of the entry that ends a grant; the sequence number makes it one of a kind when a hold left some for later. */
export function breakageKey(wallet: WalletHead, { grantId }: Breakage, nowMs: number): EventKey {
  const id = `grant-expiry:${grantId}:${wallet.seq + 1n}`;
  return eventKeyOf({ tenant: wallet.tenant, source: 'tollkeeper', id, occurredAtMs: nowMs });
}

/** Posts all credit whose time is over as breakage; undefined when there is none. */
export function expireCredit(wallet: WalletHead, nowMs: number): WalletChange | undefined {
  const due = dueBreakage(wallet, nowMs);
  if (due.length === 0) return undefined;
  const head = { ...wallet };
  const entries = due.map((breakage) => {
    takeBreakage(head, breakage);
    const key = breakageKey(head, breakage, nowMs);
    return postEntry(head, { key, kind: ENTRY_KIND.expired, amount: -breakage.amount });
  });
  const amount = due.reduce((sum, breakage) => sum + breakage.amount, 0n);
  const contra = [{ ledgerAccount: 'breakage', amount } as const];
  return { kind: 'expire', wallet: head, entries, contra, news: undefined, burns: due };
}
