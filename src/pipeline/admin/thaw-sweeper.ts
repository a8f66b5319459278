import { AppError } from '../../errors.ts';
import type { AdminStore } from './admin-store.ts';
import { startSweep } from './sweep-loop.ts';
import { thaw } from './thaw.ts';

/** A wallet whose freeze should have ended by now. */
export interface ExpiredFreeze {
  readonly tenant: string;
  readonly walletId: string;
  readonly statusSequence: number;
}

export interface ThawSweeperOptions {
  readonly store: AdminStore;
  readonly expiredFreezes: (nowMs: number) => Promise<readonly ExpiredFreeze[]>;
  readonly now: () => number;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
}

/**
 * Ends freezes on their date for wallets that no usage reaches; a wallet in use is thawed by its lane at the first event
 * after the date. What was refused stays in quarantine either way.
 */
export function startThawSweeper(options: ThawSweeperOptions): { readonly close: () => Promise<void> } {
  return startSweep({
    what: 'thaw sweeper',
    onRetry: options.onRetry,
    async sweep() {
      for (const expired of await options.expiredFreezes(options.now())) await thawOne(options, expired);
    },
  });
}

async function thawOne({ store, now }: ThawSweeperOptions, expired: ExpiredFreeze): Promise<void> {
  try {
    await thaw(store, {
      wallet: { tenant: expired.tenant, name: expired.walletId },
      usage: 'keep',
      onlyExpired: true,
      overdraftNanos: 0n,
      // One key per freeze: two sweepers at once thaw it once.
      key: `expire-${expired.walletId}-${expired.statusSequence}`,
      actor: 'schedule',
      reason: 'the freeze ended on its date',
      nowMs: now(),
      dryRun: false,
    });
  } catch (error) {
    // The lane or a person was quicker.
    if (!(error instanceof AppError && (error.code === 'WALLET_STATE' || error.code === 'IDEMPOTENCY_CONFLICT')))
      throw error;
  }
}
