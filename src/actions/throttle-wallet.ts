import { z } from 'zod';
import type { WalletHead } from '../domain/ledger/wallet.ts';
import { HOUR_MS } from '../domain/time.ts';
import { defineAction } from './define-action.ts';

/** A spending limit to put in force: dated, with its reason and the decision it came from. */
export interface ThrottleEffect {
  readonly walletId: bigint;
  readonly decisionId: string;
  /** What may be spent per period, nano-units. */
  readonly limitNanos: bigint;
  readonly periodMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** Whoever owns the wallet's ledger right now. */
export interface ThrottlePort {
  throttle(effect: ThrottleEffect): void;
}

/** The limit an account gets: the policy's, or more when its own usual spend is more. Nano-units a period. */
export function throttleLimit(
  policy: { readonly limitNanos: bigint; readonly periodMs: number; readonly ofUsual: number | null },
  usualNanosPerHour: number,
): bigint {
  if (policy.ofUsual === null) return policy.limitNanos;
  const usual = BigInt(Math.round((usualNanosPerHour * policy.ofUsual * policy.periodMs) / HOUR_MS));
  return usual > policy.limitNanos ? usual : policy.limitNanos;
}

/** Slows a wallet down: it may spend so much per period until a date, and what is beyond waits `throttled`. */
export const throttleWallet = defineAction({
  kind: 'throttle_wallet',
  params: z.strictObject({
    hours: z.number().int().min(1).max(168),
    limitNanos: z.bigint().positive(),
    periodMs: z.number().int().positive(),
    ofUsual: z.number().positive().nullable(),
  }),
  plan(
    situation: {
      readonly wallet: Pick<WalletHead, 'walletId' | 'status' | 'throttle'>;
      readonly decisionId: string;
      readonly reason: string;
      readonly nowMs: number;
      readonly usualNanosPerHour: number;
    },
    policy,
  ) {
    const { wallet, decisionId, reason, nowMs, usualNanosPerHour } = situation;
    const { throttle } = wallet;
    if (wallet.status !== 'active') return { skip: `the wallet is already ${wallet.status}` };
    if (throttle?.slowed !== undefined && nowMs < throttle.slowed.untilMs)
      return { skip: 'the wallet is slowed already' };
    const limitNanos = throttleLimit(policy, usualNanosPerHour);
    const { periodMs } = policy;
    const isTighter =
      throttle !== null &&
      throttle.slowed === undefined &&
      throttle.limit * BigInt(periodMs) <= limitNanos * BigInt(throttle.periodMs);
    if (isTighter) return { skip: "the wallet's own spending limit is tighter" };
    const untilMs = nowMs + policy.hours * HOUR_MS;
    return { effect: { walletId: wallet.walletId, decisionId, limitNanos, periodMs, untilMs, reason } };
  },
  apply(effect: ThrottleEffect, ledger: ThrottlePort) {
    ledger.throttle(effect);
  },
});
