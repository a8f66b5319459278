import { DAY_MS, HOUR_MS } from '../time.ts';

/** Hours of a week; hour 0 is Monday 00:00 to 01:00 where the payer lives. */
export const HOURS_OF_WEEK = 168;

/** A moment as the payer's calendar shows it. */
export interface LocalTime {
  /** 0 to 167 from Monday 00:00. */
  readonly hourOfWeek: number;
  /** 0 to 23. */
  readonly hour: number;
  /** 0 is Monday. */
  readonly weekday: number;
  readonly dayOfMonth: number;
  /** Days of this month, 28 to 31. */
  readonly daysInMonth: number;
}

/** The clock of one time zone. */
export interface ZoneClock {
  /** The zone that is used: UTC where the asked one does not exist. */
  readonly timeZone: string;
  /** Said when the asked zone does not exist. */
  readonly note: string | null;
  readonly at: (ms: number) => LocalTime;
}

/**
 * The clock of an IANA time zone, summer time included. A name that does not exist gives UTC and a note, because a payment
 * must be planned for somebody whose record is wrong too.
 */
export function zoneClock(asked: string | null): ZoneClock {
  const known = formatOf(asked ?? 'UTC');
  const timeZone = known === undefined ? 'UTC' : (asked ?? 'UTC');
  const format = known ?? formatOf('UTC');
  const note = known === undefined ? `There is no time zone ${JSON.stringify(asked)}; times are UTC.` : null;
  // Asking for an offset costs microseconds and a plan asks for hundreds; it changes twice a year, at a whole quarter of an hour.
  const offsets = new Map<number, number>();
  const offsetOn = (ms: number): number => {
    const day = Math.floor(ms / DAY_MS);
    const offset = offsetAt(day * DAY_MS, offsets, format);
    return offset === offsetAt((day + 1) * DAY_MS, offsets, format) ? offset : offsetOf(ms, format);
  };
  return { timeZone, note, at: (ms) => localTime(ms + (timeZone === 'UTC' ? 0 : offsetOn(ms))) };
}

function offsetAt(ms: number, offsets: Map<number, number>, format: Intl.DateTimeFormat | undefined): number {
  const known = offsets.get(ms);
  if (known !== undefined) return known;
  const offset = offsetOf(ms, format);
  offsets.set(ms, offset);
  return offset;
}

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  } catch {
    return undefined;
  }
}

function offsetOf(ms: number, format: Intl.DateTimeFormat | undefined): number {
  if (format === undefined) return 0;
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'));
  return local - Math.floor(ms / 60_000) * 60_000;
}

function localTime(localMs: number): LocalTime {
  const days = Math.floor(localMs / DAY_MS);
  const hour = Math.floor((localMs - days * DAY_MS) / HOUR_MS);
  // 1970-01-01 was a Thursday.
  const weekday = (((days + 3) % 7) + 7) % 7;
  const date = new Date(localMs);
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return { hourOfWeek: weekday * 24 + hour, hour, weekday, dayOfMonth: date.getUTCDate(), daysInMonth };
}
