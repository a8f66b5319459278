import { formatMoney, parseMoney } from '../../domain/money/nanos.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import type { Decimal, IsoTime } from './demo-report.ts';

/** Nano-units of an amount in the report. Our own code wrote it, so anything else is a bug. */
export function nanosOf(amount: Decimal): bigint {
  const parsed = parseMoney(amount);
  if (parsed === undefined) throw new Error(`not an exact amount: ${amount}`);
  return parsed.nanos;
}

/** Epoch milliseconds of a time in the report. */
export function timeOf(iso: IsoTime): number {
  const ms = parseRfc3339(iso);
  if (ms === undefined) throw new Error(`not an ISO time: ${iso}`);
  return ms;
}

/** `$1,204.60`. */
export function money(amount: Decimal, currency: string): string {
  return formatMoney(nanosOf(amount), currency);
}

/** `412,300`. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 alert`, `27 alerts`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `0.4 s`, `21.4 s`, `3 min 20 s`. */
export function seconds(ms: number): string {
  if (ms < 119_950) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** How long after something: `42 minutes`, `5.5 hours`, `3 days`. */
export function span(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
  const hours = minutes / 60;
  if (hours < 48) return `${Number(hours.toFixed(1))} hours`;
  return `${Number((hours / 24).toFixed(1))} days`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}
