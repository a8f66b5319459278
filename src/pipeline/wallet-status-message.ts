import { formatWalletId } from '../domain/ids.ts';
import type { WalletHead } from '../domain/ledger/wallet.ts';
import type { WalletNews } from '../domain/ledger/wallet-change.ts';
import { formatIso, SECOND_MS } from '../domain/time.ts';
import type { OutboxRow } from './lane/batch-record.ts';

/** What metering services hear when a wallet's status changes; `sequence` lets them drop what arrives out of order. */
export function walletStatusMessage(
  wallet: Pick<WalletHead, 'walletId' | 'tenant' | 'account' | 'statusSequence' | 'frozenUntilMs' | 'frozenBy'>,
  news: {
    readonly status: WalletNews;
    readonly reason: string;
    readonly nowMs: number;
    /** When the state ends by itself; without one, when the freeze does. */
    readonly untilMs?: number;
    /** Of `slowed`: how much may be spent per period until then. */
    readonly limit?: { readonly nanos: bigint; readonly periodMs: number };
    /** The decision behind it; without one, the freeze's. */
    readonly decision?: string;
  },
): OutboxRow {
  const untilMs = news.untilMs ?? wallet.frozenUntilMs;
  const id = formatWalletId(wallet.walletId);
  return {
    topic: 'wallet-status',
    messageKey: `wallet-status-${id}-${wallet.statusSequence}`,
    payload: {
      v: 1,
      tenant: wallet.tenant,
      account: wallet.account,
      wallet: id,
      status: news.status,
      sequence: wallet.statusSequence,
      at: formatIso(news.nowMs),
      until: untilMs === null ? null : formatIso(untilMs),
      reason: news.reason,
      decision: news.decision ?? wallet.frozenBy,
      ...(news.limit === undefined
        ? {}
        : { limitNanos: news.limit.nanos.toString(), periodSeconds: news.limit.periodMs / SECOND_MS }),
    },
  };
}
