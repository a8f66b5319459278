import { type EventKey, eventKeyOf } from '../../domain/events/event-key.ts';
import { formatWalletId } from '../../domain/ids.ts';
import { sumBurns } from '../../domain/ledger/grant.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { WalletChange } from '../../domain/ledger/wallet-change.ts';
import { walletStatusMessage } from '../wallet-status-message.ts';
import type { ChangeRecord } from './admin-store.ts';
import type { AdminRequest } from './request.ts';

/** The key of the entry an administrative request posts. */
export function requestKey(tenant: string, key: string, atMs: number): EventKey {
  return eventKeyOf({ tenant, source: 'tollkeeper', id: key, occurredAtMs: atMs });
}

/** A change made ready to be written, with what is announced about it. */
export function recordOf(
  change: WalletChange,
  request: Pick<AdminRequest, 'actor' | 'reason'>,
  rest: Pick<ChangeRecord, 'request' | 'detail'> & { readonly atMs: number; readonly because: string },
): ChangeRecord {
  const { news, kind, wallet, entries, contra } = change;
  const released = kind === 'release' ? entries : [];
  return {
    kind,
    wallet,
    entries,
    contra,
    grant: change.grant,
    burns: sumBurns(change.burns ?? []),
    events: released.length,
    priced: -released.reduce((sum, entry) => sum + entry.amount, 0n),
    actor: request.actor,
    reason: request.reason,
    request: rest.request,
    outbox:
      news === undefined ? [] : [walletStatusMessage(wallet, { status: news, reason: rest.because, nowMs: rest.atMs })],
    detail: rest.detail,
  };
}

/** The part of a result that every change has. */
export function walletOutcome(wallet: WalletHead, atMs: number) {
  return {
    wallet: formatWalletId(wallet.walletId),
    tenant: wallet.tenant,
    account: wallet.account,
    currency: wallet.currency,
    status: wallet.status,
    balance: wallet.posted,
    sequence: wallet.seq,
    atMs,
  };
}
