import { z } from 'zod';
import type { WalletHead } from '../domain/ledger/wallet.ts';
import { HOUR_MS } from '../domain/time.ts';
import { defineAction } from './define-action.ts';

/** A freeze to put in force: dated, with its reason and the decision it came from. */
export interface FreezeEffect {
  readonly walletId: bigint;
  readonly decisionId: string;
  readonly untilMs: number;
  readonly reason: string;
}

/** Whoever owns the wallet's ledger right now: the lane inside its batch, or the direct path. */
export interface FreezePort {
  freeze(effect: FreezeEffect): void;
}

/** Stops a wallet: debits and holds are refused until the date, usage goes to quarantine, money does not move. */
export const freezeWallet = defineAction({
  kind: 'freeze_wallet',
  params: z.strictObject({ hours: z.number().int().min(1).max(168) }),
  plan(
    situation: {
      readonly wallet: Pick<WalletHead, 'walletId' | 'status'>;
      readonly decisionId: string;
      readonly reason: string;
      readonly nowMs: number;
    },
    { hours },
  ) {
    const { wallet, decisionId, reason, nowMs } = situation;
    if (wallet.status !== 'active') return { skip: `the wallet is already ${wallet.status}` };
    return { effect: { walletId: wallet.walletId, decisionId, untilMs: nowMs + hours * HOUR_MS, reason } };
  },
  apply(effect: FreezeEffect, ledger: FreezePort) {
    ledger.freeze(effect);
  },
});
