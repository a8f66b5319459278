import { HOUR_MS } from '../time.ts';

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
