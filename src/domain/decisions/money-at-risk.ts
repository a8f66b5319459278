import { hourlySeries } from '../features/account-features.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import { HOUR_MS } from '../time.ts';
import type { WalletFigures } from './judgement.ts';

/** What bounds the loss an account can still cause, in nano-units. */
export interface Exposure {
  /** The wallet's balance; below zero it is unsecured debt. */
  readonly postedNanos: bigint;
  /** Top-ups that the payer can still reverse (card disputes, bank returns). */
  readonly reversibleTopUpsNanos: bigint;
  readonly burnNanosPerHour: bigint;
  /** How long until somebody acts on an alert. */
  readonly reactionHours: number;
  /** A frozen wallet burns nothing more. */
  readonly frozen: boolean;
}

/**
 * What the account can still cost us: unsecured debt + reversible top-ups + burn rate × reaction time.
 *
 * Deliberately an upper bound: usage that a paid balance covers is counted as well, because when usage is stolen the
 * customer gets that balance back. Money that nobody can take back any more is not at risk, so it is left out.
 */
export function moneyAtRisk(exposure: Exposure): bigint {
  const { postedNanos, reversibleTopUpsNanos, burnNanosPerHour, reactionHours, frozen } = exposure;
  const unsecured = postedNanos < 0n ? -postedNanos : 0n;
  // Reaction time may be a fraction of an hour; whole milliseconds keep the product exact.
  const reactionMs = BigInt(Math.max(0, Math.round(reactionHours * HOUR_MS)));
  const burn = frozen || burnNanosPerHour < 0n ? 0n : (burnNanosPerHour * reactionMs) / BigInt(HOUR_MS);
  return unsecured + reversibleTopUpsNanos + burn;
}

/** Hours of spend that say how fast an account burns: the hour that runs and the one before. */
const BURN_HOURS = 2;

/** How long we assume it takes a person to look at an alert: the burn until then is at risk. */
export const REACTION_HOURS = 12;

/** What an account spends an hour at its present rate, nano-units: the higher of the hour that runs and the one before. */
export function burnNanosPerHour(features: AccountFeatures, nowMs: number): number {
  const hour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  return Math.round(Math.max(0, ...hourlySeries(features, 'spend', hour - (BURN_HOURS - 1) * HOUR_MS, hour + HOUR_MS)));
}

/** Money at risk of an account now; without a wallet, what it burns until somebody reacts. */
export function accountAtRisk(
  features: AccountFeatures,
  wallet: Pick<WalletFigures, 'posted' | 'status'> | undefined,
  nowMs: number,
): bigint {
  return moneyAtRisk({
    postedNanos: wallet?.posted ?? 0n,
    reversibleTopUpsNanos: 0n,
    burnNanosPerHour: BigInt(burnNanosPerHour(features, nowMs)),
    reactionHours: REACTION_HOURS,
    frozen: wallet !== undefined && wallet.status !== 'active',
  });
}
