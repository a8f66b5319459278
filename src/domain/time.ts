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
  const plain = parsePlainUtc(text);
  if (plain !== undefined) return plain;
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

const PLAIN = '0000-00-00T00:00:00.000Z';
const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * The one form that nearly every client sends, `2026-03-01T12:00:00.000Z`, read digit by digit: a third of the time the
 * general way takes. Anything unusual, wrong dates included, is left to that.
 */
function parsePlainUtc(text: string): number | undefined {
  if (text.length !== PLAIN.length) return undefined;
  for (let index = 0; index < PLAIN.length; index++) {
    const code = text.charCodeAt(index);
    const isDigit = code >= 48 && code <= 57;
    if (PLAIN.charCodeAt(index) === 48 ? !isDigit : code !== PLAIN.charCodeAt(index)) return undefined;
  }
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const [hour, minute, second] = [digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)];
  const isOrdinary = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 60;
  if (!isOrdinary || day > (DAYS_OF_MONTH[month - 1] ?? 0) || (month === 2 && day === 29)) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second, digits(text, 20, 3));
}

function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let index = from; index < from + count; index++) value = value * 10 + text.charCodeAt(index) - 48;
  return value;
}

/** ISO 8601 in UTC with milliseconds, the only way times are printed for machines. */
export function formatIso(ms: number): string {
  return new Date(ms).toISOString();
}
