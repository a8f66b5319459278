import type { JsonValue, Rejection } from '../domain/events/usage-event.ts';

/** One usage event as a metering service reports it. Limits and meanings: docs/events.md. */
export interface UsageEventInput {
  /** Unique within the source for ever; the same id is never charged twice. */
  readonly id: string;
  /** Who reports, such as `gateway.eu-west`. */
  readonly source: string;
  readonly account: string;
  readonly meter: string;
  /** A decimal string is exact; a number is taken by its shortest decimal. */
  readonly quantity: string | number;
  /** When it happened: RFC 3339 with an offset, or whole epoch milliseconds. */
  readonly occurredAt: string | number;
  /** A counter per source: gaps show lost events. */
  readonly sequence?: number;
  readonly properties?: { readonly [key: string]: JsonValue };
}

/** An event that would be rejected, refused before it enters the buffer: what is wrong, where, and the fix. */
export class EventRejectedError extends Error {
  readonly id: string | null;
  readonly code: Rejection['code'];
  readonly field: string;
  readonly value: string;
  readonly fix: string;

  constructor(id: string | null, { code, field, value, fix }: Rejection) {
    super(`${code}: ${field} is ${value}. ${fix}`);
    this.name = 'EventRejectedError';
    this.id = id;
    this.code = code;
    this.field = field;
    this.value = value;
    this.fix = fix;
  }
}
