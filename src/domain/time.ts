/** Milliseconds in the units the product speaks of. Buckets and windows are UTC. */
export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

// RFC 3339 §5.6: a full date, 'T' (or a space, which the RFC tolerates), a time with optional fraction, and an offset.
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Epoch milliseconds of an RFC 3339 date-time, or undefined when the text is not one.
 * A fraction finer than a millisecond is cut, as JavaScript dates do; an impossible date (30 February) is refused.
 */
export function parseRfc3339(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const ms = Date.parse(text.length > 10 && text[10] !== 'T' ? `${text.slice(0, 10)}T${text.slice(11)}` : text);
  if (Number.isNaN(ms)) return undefined;
  // Date.parse rolls 30 February into March on some inputs; the day of the local date must survive the round trip.
  const day = Number(match[3]);
  const year = Number(match[1]);
  const month = Number(match[2]);
  if (new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return undefined;
  return ms;
}

/** ISO 8601 in UTC with milliseconds, the only way times are printed for machines. */
export function formatIso(ms: number): string {
  return new Date(ms).toISOString();
}
