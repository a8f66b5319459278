import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../time.ts';
import type { RuleErrorCode } from './load-error-codes.ts';

/** A parsed value, or what is wrong with the text. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: RuleErrorCode; readonly message: string; readonly fix: string };

const DURATION_UNITS: Readonly<Record<string, number>> = { s: SECOND_MS, min: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** Milliseconds of `30min`, `6h`, `28d`. `m` is refused: minutes to one reader, months to the next. */
export function parseDuration(text: string): Parsed<number> {
  const match = /^(\d{1,6})([A-Za-z]+)$/.exec(text);
  const count = Number(match?.[1]);
  const unit = match?.[2] ?? '';
  if (match !== null && (unit === 'm' || unit === 'M')) {
    return refuse('RULE-UNIT-007', `${text} may be minutes or months.`, `${count}min, or ${count * 30}d`);
  }
  const unitMs = DURATION_UNITS[unit];
  if (unitMs === undefined || !(count > 0)) {
    return refuse(
      'RULE-UNIT-006',
      `${JSON.stringify(text)} is not a duration.`,
      'a whole number with s, min, h or d, such as 6h',
    );
  }
  return { ok: true, value: count * unitMs };
}

/** The share of `15%`: 0.15. */
export function parsePercent(text: string): Parsed<number> {
  const match = /^(\d{1,4}(?:\.\d{1,4})?)%$/.exec(text);
  if (match === null)
    return refuse('RULE-UNIT-009', `${JSON.stringify(text)} is not a percentage.`, 'a number with %, such as 15%');
  return { ok: true, value: Number(match[1]) / 100 };
}

/** Nano-units of `20.00 USD`, exactly. `currency` undefined accepts any: the price book itself did not load. */
export function parseMoney(text: string, currency: string | undefined): Parsed<bigint> {
  const match = /^(-?)(\d{1,12})(?:\.(\d+))?[ ]([A-Z]{3})$/.exec(text);
  const example = `20.00 ${currency ?? 'USD'}`;
  if (match === null) {
    const isBare = /^-?\d+(?:\.\d+)?$/.test(text);
    if (isBare)
      return refuse('RULE-UNIT-001', `${text} has no currency.`, `${text.replace('-', '')} ${currency ?? 'USD'}`);
    return refuse(
      'RULE-UNIT-004',
      `${JSON.stringify(text)} is not money.`,
      `an amount and a currency, such as ${example}`,
    );
  }
  const [, sign, whole = '0', fraction = '', code] = match;
  if (sign === '-') return refuse('RULE-UNIT-010', `${text} is negative.`, example);
  if (currency !== undefined && code !== currency) {
    return refuse('RULE-UNIT-002', `${text}, but prices are in ${currency}.`, `write the amount in ${currency}`);
  }
  if (fraction.length > 9) {
    return refuse('RULE-UNIT-003', `${text} is finer than a billionth.`, `at most nine decimals`);
  }
  return { ok: true, value: BigInt(whole + fraction.padEnd(9, '0')) };
}

/** A moment: `2027-03-01` (its first, UTC) or `2027-03-01T06:30Z`. */
export function parseMoment(text: string): Parsed<number> {
  const [date = '', time] = text.split('T');
  const day = parseDate(date);
  if (time === undefined || !day.ok) return day;
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?Z$/.exec(time);
  if (match === null) {
    const message = `${JSON.stringify(text)} is not a moment.`;
    return refuse('RULE-UNIT-012', message, 'a date, or with a time in UTC such as 2027-03-01T06:30Z');
  }
  const [, hours, minutes, seconds = '0'] = match;
  return {
    ok: true,
    value: day.value + Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * SECOND_MS,
  };
}

/** Midnight UTC of `2027-03-01`. */
export function parseDate(text: string): Parsed<number> {
  const match = /^\d{4}-\d\d-\d\d$/.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(`${text}T00:00:00Z`);
  // Date.parse accepts 30 February and means March.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    return refuse('RULE-UNIT-012', `${JSON.stringify(text)} is not a date.`, 'year-month-day, such as 2027-03-01');
  }
  return { ok: true, value: ms };
}

function refuse(
  code: RuleErrorCode,
  message: string,
  fix: string,
): { ok: false; code: RuleErrorCode; message: string; fix: string } {
  return { ok: false, code, message, fix };
}
