import { createHash } from 'node:crypto';
import { HOUR_MS, MINUTE_MS } from '../time.ts';

/**
 * Waits before the second, third … attempt: about three days in all, as Standard Webhooks recommends
 * (github.com/standard-webhooks/standard-webhooks, "Retries").
 */
export const RETRY_AFTER_MS: readonly number[] = [
  5_000,
  30_000,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];

/** A receiver that asks for more than this is asked again all the same: nobody may silence us for weeks. */
const ASKED_MAX_MS = 24 * HOUR_MS;
/** A wait differs by up to a fifth, so that what failed together is not tried together. */
const JITTER = 0.2;

/**
 * How long until the next attempt; null when there is none. The same delivery and attempt always wait as long.
 *
 * @param attempts those that have failed, at least one
 * @param askedMs what the receiver asked for (Retry-After)
 */
export function retryAfter(key: string, attempts: number, askedMs: number | null): number | null {
  const wait = RETRY_AFTER_MS[attempts - 1];
  if (wait === undefined) return null;
  const digest = createHash('sha256').update(`${key}/${attempts}`).digest();
  const share = digest.readUInt32BE(0) / 0xffff_ffff;
  const jittered = Math.round(wait * (1 - JITTER + 2 * JITTER * share));
  return Math.max(jittered, Math.min(askedMs ?? 0, ASKED_MAX_MS));
}

const PAUSES_MS: readonly number[] = [0, 0, 15_000, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS];

/** How long a whole destination is left alone after so many failures in a row: never for more than a quarter of an hour. */
export function pauseAfter(failures: number, askedMs: number | null): number {
  const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0;
  return Math.max(pause, Math.min(askedMs ?? 0, 15 * MINUTE_MS));
}
