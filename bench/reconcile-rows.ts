import { createHash } from 'node:crypto';
import { DAY_MS } from '../src/domain/time.ts';

/** Days over which the rows are spread evenly. */
export const DAYS = 30;
export const FROM_MS = Date.UTC(2026, 0, 1);
export const TO_MS = FROM_MS + DAYS * DAY_MS;
/** Of so many rows one is missing in the ledger, and another has the wrong amount. */
export const ODD_EVERY = 100_000;

/** The id of the index-th payment: in no order that has to do with time, as Stripe's are. Its last nine digits are the index. */
export function paymentId(index: number): string {
  const hash = createHash('md5').update(String(index)).digest('hex').slice(0, 12);
  return `pi_3${hash}${String(index).padStart(9, '0')}`;
}

/** When the index-th of so many payments was made, in whole seconds. */
export function secondOf(index: number, rows: number): number {
  return Math.floor(FROM_MS / 1_000 + (index * (DAYS * 86_400)) / rows);
}

/** What it brought, in cents. */
export function centsOf(index: number): number {
  return 500 + ((index * 7_919) % 50_000);
}

/** The same three in SQL, of a column `i`. */
export const SQL = {
  paymentId: `('pi_3' || left(md5(i::text), 12) || lpad(i::text, 9, '0'))`,
  cents: `(500 + (i * 7919) % 50000)`,
  atMs: (rows: number) => `(${FROM_MS}::bigint + (i * ${DAYS * 86_400_000}::bigint) / ${rows} / 1000 * 1000)`,
} as const;
