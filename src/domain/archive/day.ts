import { DAY_MS, formatIso } from '../time.ts';

/** Start of the UTC day that a time falls on, epoch milliseconds. */
export function dayStartMs(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

/** `2026-03-02`. */
export function formatDay(timeMs: number): string {
  return formatIso(timeMs).slice(0, 10);
}

/** Start of the day written `2026-03-02`, epoch milliseconds; undefined when there is no such day. */
export function parseDay(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const startMs = Date.parse(`${text}T00:00:00.000Z`);
  // Some impossible days (31 February) roll over into the next month.
  return Number.isNaN(startMs) || formatDay(startMs) !== text ? undefined : startMs;
}
