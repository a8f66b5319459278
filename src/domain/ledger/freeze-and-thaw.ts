import { assert } from '../assert.ts';
import type { EventKey } from '../events/event-key.ts';
import { ENTRY_KIND, type WalletHead, type WalletStatus } from './wallet.ts';
import { postEntry, type WalletChange } from './wallet-change.ts';

export type FreezeResult =
  | { readonly ok: true; readonly change: WalletChange }
  | { readonly ok: false; readonly reason: 'thawing' };

/** Refuses debits until a date; a frozen wallet gets the new date. Money does not move: the entry only dates the change. */
export function freezeWallet(
  wallet: WalletHead,
  freeze: { readonly key: EventKey; readonly nowMs: number; readonly untilMs: number; readonly by: string },
): FreezeResult {
  assert(freeze.untilMs > freeze.nowMs, 'a freeze ends after it begins');
  if (wallet.status === 'thawing') return { ok: false, reason: 'thawing' };

  const head: WalletHead = {
    ...wallet,
    status: 'frozen',
    statusSequence: wallet.statusSequence + 1,
    frozenAtMs: wallet.frozenAtMs ?? freeze.nowMs,
    frozenUntilMs: freeze.untilMs,
    frozenBy: freeze.by,
  };
  const entry = postEntry(head, { key: freeze.key, kind: ENTRY_KIND.freeze, amount: 0n });
  return { ok: true, change: { kind: 'freeze', wallet: head, entries: [entry], contra: [], news: 'frozen' } };
}

/** Ends a freeze: the wallet pays again from the next event. What is in quarantine stays there. */
export function endFreeze(wallet: WalletHead, { key }: { readonly key: EventKey }): WalletChange {
  assert(wallet.status !== 'active', 'only a wallet that refuses debits can be thawed');
  const head: WalletHead = {
    ...wallet,
    status: 'active',
    statusSequence: wallet.statusSequence + 1,
    frozenAtMs: null,
    frozenUntilMs: null,
    frozenBy: null,
  };
  const entry = postEntry(head, { key, kind: ENTRY_KIND.thaw, amount: 0n });
  return { kind: 'thaw', wallet: head, entries: [entry], contra: [], news: 'thawed' };
}

/**
 * The wallet while its quarantined usage is posted: new usage keeps going to quarantine, behind what waits already, and
 * no date ends this state by itself. Not a change in the books: services hear of the thaw when it is complete.
 */
export function beginThaw(wallet: WalletHead): WalletHead {
  const status: WalletStatus = 'thawing';
  return { ...wallet, status, frozenUntilMs: null };
}
