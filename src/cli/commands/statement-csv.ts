import { formatDecimal } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import type { StatementEntry, StatementPoint } from '../../pipeline/statement/statement.ts';

const COLUMNS = [
  'sequence',
  'posted_at',
  'occurred_at',
  'kind',
  'event_id',
  'source',
  'meter',
  'quantity',
  'amount',
  'balance',
  'currency',
  'actor',
  'reason',
];

/** The first line of a statement as CSV (RFC 4180, with line feeds). */
export function csvHead(): string {
  return COLUMNS.join();
}

/** One entry as a line of CSV. Amounts are exact decimals. */
export function csvEntry(entry: StatementEntry, currency: string): string {
  return [
    entry.sequence.toString(),
    formatIso(entry.postedAtMs),
    formatIso(entry.occurredAtMs),
    entry.kind,
    csvText(entry.eventId),
    csvText(entry.source),
    csvText(entry.meter),
    entry.quantity ?? '',
    formatDecimal(entry.amount),
    formatDecimal(entry.balanceAfter),
    currency,
    csvText(entry.actor),
    csvText(entry.reason),
  ].join();
}

/** The opening or closing balance as a line of its own, without an amount, so that amounts can be added up. */
export function csvPoint(name: 'opening' | 'closing', { sequence, balance }: StatementPoint, currency: string): string {
  return [sequence.toString(), '', '', name, '', '', '', '', '', formatDecimal(balance), currency, '', ''].join();
}

/**
 * Text of customers as a cell that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe in
 * front (OWASP, CSV injection), the full-width signs included. Quoted when it holds a separator.
 */
export function csvText(text: string | null): string {
  if (text === null) return '';
  const safe = /^\s*[=+\-@\t\r\n＝＋－＠|%]/u.test(text) ? `'${text}` : text;
  return /[",\t\r\n]|' | $/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
