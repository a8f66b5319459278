import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../time.ts';

const ISO =
  /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|z|UTC|[+-]\d\d:?\d\d)?$/;
const NUMBER = /^-?\d{1,20}(?:\.\d+)?$/;
const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** From here on a number is in the next finer unit: seconds, milliseconds, microseconds, nanoseconds since 1970. */
const MILLISECONDS_FROM = 1e11;
const MICROSECONDS_FROM = 1e14;
const NANOSECONDS_FROM = 1e17;
/** The times that a date can hold. */
const TIME_MAX_MS = 8.64e15;

/**
 * Epoch milliseconds of a time as files write it, or undefined: ISO 8601 with `T` or a space, down to a plain day, UTC
 * unless it names an offset; or a number of seconds, milliseconds, microseconds or nanoseconds, told apart by its size.
 */
export function parseSeriesTime(text: string): number | undefined {
  const trimmed = text.trim();
  return NUMBER.test(trimmed) ? epochMs(Number(trimmed)) : isoMs(trimmed);
}

function epochMs(number: number): number | undefined {
  const size = Math.abs(number);
  const ms =
    size < MILLISECONDS_FROM
      ? number * SECOND_MS
      : size < MICROSECONDS_FROM
        ? number
        : size < NANOSECONDS_FROM
          ? number / 1e3
          : number / 1e6;
  return Math.abs(ms) <= TIME_MAX_MS ? ms : undefined;
}

function isoMs(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  const [m, d, h, min, s] = [month, day, hour, minute, second].map(Number) as [number, number, number, number, number];
  if (m < 1 || m > 12 || d < 1 || h > 23 || min > 59 || s > 60) return undefined;
  const days = m === 2 && !isLeap(Number(year)) ? 28 : (DAYS_OF_MONTH[m - 1] ?? 0);
  if (d > days) return undefined;
  const ms = Number(`0.${fraction || '0'}`) * SECOND_MS;
  return (
    Date.UTC(Number(year), m - 1, 1) +
    (d - 1) * DAY_MS +
    h * HOUR_MS +
    min * MINUTE_MS +
    s * SECOND_MS +
    ms -
    offsetMs(zone)
  );
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || !/^[+-]/.test(zone)) return 0;
  const digits = zone.replace(/\D/g, '');
  const size = Number(digits.slice(0, 2)) * HOUR_MS + Number(digits.slice(2)) * MINUTE_MS;
  return zone.startsWith('-') ? -size : size;
}
