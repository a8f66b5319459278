import { formatIso } from '../../../domain/time.ts';

/** A time for a timestamptz parameter. */
export function at(ms: number | null): string | null {
  return ms === null ? null : formatIso(ms);
}

/** A timestamptz column in epoch milliseconds. */
export function ms(time: Date): number {
  return time.getTime();
}

/** The same for a column that may be null. */
export function msOrNull(time: Date | null): number | null {
  return time === null ? null : time.getTime();
}
