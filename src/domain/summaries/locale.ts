import { divideHalfEven, formatMoney } from '../money/nanos.ts';
import type { Language } from '../numbers-lock/number-words.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';

/** The language and zone a reader reads in. */
export interface Reader {
  readonly language: Language;
  /** An IANA name; one that is unknown here is read as UTC. */
  readonly timeZone: string;
}

const NBSP = '\u00a0';
const MONTHS: Readonly<Record<Language, readonly string[]>> = {
  en: ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
  de: 'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' '),
};
const WEEKDAYS: Readonly<Record<Language, readonly string[]>> = {
  en: 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' '),
  de: 'Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag'.split(' '),
};
const SIGNS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£' };

/** Money as the language writes it: `$1,204.60`, `1.204,60 $`. Four decimals below one cent. */
export function moneyIn(nanos: bigint, currency: string, { language }: Pick<Reader, 'language'>): string {
  if (language === 'en') return formatMoney(nanos, currency).replace(' ', NBSP);
  const absolute = nanos < 0n ? -nanos : nanos;
  const decimals = absolute !== 0n && absolute < 10_000_000n ? 4 : 2;
  const digits = divideHalfEven(absolute, 10n ** BigInt(9 - decimals))
    .toString()
    .padStart(decimals + 1, '0');
  const whole = digits.slice(0, -decimals).replace(/\B(?=(\d{3})+(?!\d))/g, '.');
  return `${nanos < 0n ? '−' : ''}${whole},${digits.slice(-decimals)}${NBSP}${SIGNS[currency] ?? currency}`;
}

/** A count or measure: `12,300`, `1.5`; at most one decimal, none from 100 on. */
export function numberIn(value: number, { language }: Pick<Reader, 'language'>): string {
  if (!Number.isFinite(value)) return '–';
  const decimals = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 1;
  const [whole = '', fraction] = Math.abs(value).toFixed(decimals).split('.');
  const [group, point] = language === 'de' ? ['.', ','] : [',', '.'];
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, group);
  return `${value < 0 ? '−' : ''}${grouped}${fraction === undefined ? '' : point + fraction}`;
}

/** A share from 0 to 1: `86 %`. */
export function percentIn(share: number): string {
  return `${Math.round(share * 100)}${NBSP}%`;
}

/** `45×`; undefined without a usual to divide by. */
export function timesIn(times: number | undefined, reader: Pick<Reader, 'language'>): string | undefined {
  if (times === undefined || !Number.isFinite(times)) return undefined;
  return `${numberIn(times >= 10 ? Math.round(times) : Math.round(times * 10) / 10, reader)}×`;
}

/**
 * A length of time in its largest whole unit: `30 minutes`, `6 Stunden`, `2 days`. German has `2 Tagen` after `in` and `von`,
 * where most of our sentences want it, and `2 Tage` where it stands `alone`.
 */
export function spanIn(ms: number, { language }: Pick<Reader, 'language'>, place: 'after' | 'alone' = 'after'): string {
  const [size, unit] = ms > 0 && ms % DAY_MS === 0 ? [DAY_MS, 2] : ms % HOUR_MS === 0 ? [HOUR_MS, 1] : [MINUTE_MS, 0];
  const value = Math.round((ms / size) * 10) / 10;
  const names = {
    en: [
      ['minute', 'minutes'],
      ['hour', 'hours'],
      ['day', 'days'],
    ],
    de: [
      ['Minute', 'Minuten'],
      ['Stunde', 'Stunden'],
      ['Tag', place === 'alone' ? 'Tage' : 'Tagen'],
    ],
  }[language][unit];
  return `${numberIn(value, { language })} ${(value === 1 ? names?.[0] : names?.[1]) ?? ''}`;
}

/** How many of something, with its word. */
export function countIn(count: number, one: string, more: string, reader: Pick<Reader, 'language'>): string {
  return `${numberIn(count, reader)} ${count === 1 ? one : more}`;
}

interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly clock: string;
  /** `UTC`, `UTC+1`, `UTC+5:30`. */
  readonly zone: string;
}

/** `3 Mar 14:02 UTC`, `3. März, 15:02 Uhr UTC+1`; with the year when asked. */
export function timeIn(ms: number, reader: Reader, options: { readonly year?: boolean } = {}): string {
  const { clock, zone } = localTime(ms, reader);
  const day = dayIn(ms, reader, options);
  return reader.language === 'de' ? `${day}, ${clock} Uhr ${zone}` : `${day} ${clock} ${zone}`;
}

/** `3 Mar`, `3. März`. */
export function dayIn(ms: number, reader: Reader, options: { readonly year?: boolean } = {}): string {
  const { day, month, year } = localTime(ms, reader);
  const name = MONTHS[reader.language][month - 1] ?? '';
  const suffix = options.year === true ? ` ${year}` : '';
  return reader.language === 'de' ? `${day}. ${name}${suffix}` : `${day} ${name}${suffix}`;
}

/** `Tuesday`. */
export function weekdayIn(ms: number, reader: Reader): string {
  return WEEKDAYS[reader.language][localTime(ms, reader).weekday] ?? '';
}

/** A second time after one that was told: only the clock when both are of one day. */
export function untilIn(fromMs: number, untilMs: number, reader: Reader): string {
  const [from, until] = [localTime(fromMs, reader), localTime(untilMs, reader)];
  const isSameDay = from.year === until.year && from.month === until.month && from.day === until.day;
  if (!isSameDay || from.zone !== until.zone) return timeIn(untilMs, reader);
  return reader.language === 'de' ? `${until.clock} Uhr ${until.zone}` : `${until.clock} ${until.zone}`;
}

function localTime(ms: number, { timeZone }: Pick<Reader, 'timeZone'>): LocalTime {
  const offsetMs = offsetOf(ms, timeZone);
  const local = new Date(ms + offsetMs);
  const minutes = Math.abs(Math.round(offsetMs / MINUTE_MS));
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const amount = `${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    weekday: local.getUTCDay(),
    clock: local.toISOString().slice(11, 16),
    zone: minutes === 0 ? 'UTC' : `UTC${offsetMs < 0 ? '-' : '+'}${amount}`,
  };
}

const formats = new Map<string, Intl.DateTimeFormat | null>();

/** What a zone's clocks are ahead of UTC, in ms. Words are ours and only the offset is the engine's. */
function offsetOf(ms: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = openFormat(timeZone);
    formats.set(timeZone, format);
  }
  if (format === null) return 0;
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const wall = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return Math.round((wall - Math.floor(ms / 1_000) * 1_000) / MINUTE_MS) * MINUTE_MS;
}

function openFormat(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
      ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  } catch {
    return null;
  }
}
