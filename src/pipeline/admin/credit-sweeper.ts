import type { AdminStore } from './admin-store.ts';
import { expireCreditOf } from './expire-credit.ts';
import { releaseThrottled } from './release-throttled.ts';
import { startSweep } from './sweep-loop.ts';

interface Due {
  readonly walletId: bigint;
  readonly shard: number;
}

export interface CreditSweeperOptions {
  readonly store: AdminStore;
  /** Wallets with credit whose time is over at this moment. */
  readonly withEndedCredit: (nowMs: number) => Promise<readonly Due[]>;
  /** Wallets with throttled usage and room for some of it. */
  readonly withRoom: (nowMs: number) => Promise<readonly Due[]>;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: () => bigint;
  readonly now: () => number;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
}

/** Ends credit on its date where no usage does, and posts throttled usage when a new period has room for it. */
export function startCreditSweeper(options: CreditSweeperOptions): { readonly close: () => Promise<void> } {
  const { store, withEndedCredit, withRoom, overdraftNanos, now, onRetry } = options;
  return startSweep({
    what: 'credit sweeper',
    onRetry,
    async sweep() {
      for (const due of await withEndedCredit(now())) await expireCreditOf(store, { ...due, nowMs: now() });
      for (const due of await withRoom(now())) {
        await releaseThrottled(store, { ...due, nowMs: now(), overdraftNanos: overdraftNanos() });
      }
    },
  });
}
