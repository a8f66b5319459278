import { formatWalletId } from '../../domain/ids.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore } from './admin-store.ts';
import { expireCreditOf } from './expire-credit.ts';
import { releaseThrottled } from './release-throttled.ts';
import { setLimits } from './set-limits.ts';
import { startSweep } from './sweep-loop.ts';

interface Due {
  readonly walletId: bigint;
  readonly shard: number;
}

/** A wallet whose slow-down should have ended by now. */
export interface DueSlowdown {
  readonly tenant: string;
  readonly walletId: bigint;
  readonly untilMs: number;
}

export interface CreditSweeperOptions {
  readonly store: AdminStore;
  /** Wallets with credit whose time is over at this moment. */
  readonly withEndedCredit: (nowMs: number) => Promise<readonly Due[]>;
  /** Wallets with throttled usage and room for some of it. */
  readonly withRoom: (nowMs: number) => Promise<readonly Due[]>;
  /** Wallets whose slow-down is over and that no usage has reached since. */
  readonly withSlowdownOver: (nowMs: number) => Promise<readonly DueSlowdown[]>;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: () => bigint;
  readonly now: () => number;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
}

/** Ends credit and slow-downs on their date where no usage does, and posts throttled usage when a new period has room for it. */
export function startCreditSweeper(options: CreditSweeperOptions): { readonly close: () => Promise<void> } {
  const { store, withEndedCredit, withRoom, withSlowdownOver, overdraftNanos, now, onRetry } = options;
  return startSweep({
    what: 'credit sweeper',
    onRetry,
    async sweep() {
      for (const due of await withEndedCredit(now())) await expireCreditOf(store, { ...due, nowMs: now() });
      for (const due of await withSlowdownOver(now())) await liftOne(options, due);
      for (const due of await withRoom(now())) {
        await releaseThrottled(store, { ...due, nowMs: now(), overdraftNanos: overdraftNanos() });
      }
    },
  });
}

async function liftOne({ store, overdraftNanos, now }: CreditSweeperOptions, due: DueSlowdown): Promise<void> {
  const name = formatWalletId(due.walletId);
  try {
    await setLimits(store, {
      wallet: { tenant: due.tenant, name },
      lift: 'over',
      overdraftNanos: overdraftNanos(),
      // One key per slow-down: two sweepers at once end it once.
      key: `lift-${name}-${due.untilMs}`,
      actor: 'schedule',
      reason: 'the slow-down ended on its date',
      nowMs: now(),
      dryRun: false,
    });
  } catch (error) {
    // The lane or a person was quicker.
    if (!(error instanceof AppError && error.code === 'WALLET_STATE')) throw error;
  }
}
