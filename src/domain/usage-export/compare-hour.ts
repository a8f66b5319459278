import { HOUR_MS } from '../time.ts';

/** Why a meter and the ledger differ in an hour. */
export type MeterCause =
  | 'not_sent'
  | 'sent_unacknowledged'
  | 'rejected'
  | 'late'
  | 'duplicate'
  | 'rounding'
  | 'unexplained';

/** Both sides of one customer, meter and hour, in steps of the exported value. */
export interface MeterHour {
  readonly hourMs: number;
  /** What the meter has counted. */
  readonly counted: bigint;
  /** What the ledger holds for the hour, corrections of other hours that were dated into it included, rounded. */
  readonly ledger: bigint;
  /** Sums of the events dated into the hour, by what is known of them; they exclude each other. */
  readonly acknowledged: bigint;
  readonly unacknowledged: bigint;
  readonly rejected: bigint;
  /** Not sent yet; `tooLate` can no longer be. */
  readonly unsent: bigint;
  readonly tooLate: bigint;
  /** Values of single events that are sent, by which a double counting is known. */
  readonly sentValues: readonly bigint[];
}

/**
 * The first cause that explains the whole difference; undefined when both sides agree. Rounding moves at most one step from
 * hour to hour, so it is looked for last, as what nothing else explains is.
 */
export function causeOf(hour: MeterHour): MeterCause | undefined {
  const missing = hour.ledger - hour.counted;
  if (missing === 0n) return undefined;
  if (missing === hour.rejected) return 'rejected';
  if (missing === hour.tooLate) return 'late';
  if (missing === hour.unsent) return 'not_sent';
  if (missing === hour.unacknowledged) return 'sent_unacknowledged';
  if (hour.sentValues.includes(-missing)) return 'duplicate';
  if (missing === 1n || missing === -1n) return 'rounding';
  return 'unexplained';
}

/** Whether a run may mend it by itself: only by sending, under its identifier, what was never sent. */
export function isSafeToSend(cause: MeterCause): boolean {
  return cause === 'not_sent';
}

/** Whether the hour may still change by itself: meters count what they were sent after a while. */
export function isSettling({ hourMs }: Pick<MeterHour, 'hourMs'>, lastSentMs: number, nowMs: number): boolean {
  return nowMs < hourMs + HOUR_MS || nowMs - lastSentMs < HOUR_MS;
}
