import type { Quantity } from '../money/quantity.ts';

/** JSON as it came in; nothing in it is trusted. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * One immutable metered fact, already validated. Identity is (tenant, source, id); the same identity with other
 * content is a tampering signal, never a second debit.
 */
export interface UsageEvent {
  readonly tenant: string;
  readonly id: string;
  readonly source: string;
  readonly account: string;
  readonly meter: string;
  /** Exact decimal amount of the meter's unit, never negative. */
  readonly quantity: Quantity;
  /** The source's clock, epoch milliseconds. */
  readonly occurredAtMs: number;
  /** A per-source counter, when the source keeps one: gaps show lost or withheld events. */
  readonly sequence?: number;
  /** Customer-controlled: hostile to SQL, HTML, CSV, logs and models. */
  readonly properties?: { readonly [key: string]: JsonValue };
}

/** Why usage was recorded but not charged. */
export type QuarantineReason =
  | 'frozen'
  | 'over_limit'
  | 'throttled'
  | 'unknown_meter'
  | 'too_late'
  | 'in_future'
  | 'altered';

/** What is wrong with a rejected event: a stable code, the field, the value as received (shortened), and the fix. */
export interface Rejection {
  readonly code: RejectionCode;
  readonly field: string;
  readonly value: string;
  readonly fix: string;
}

/** Stable codes of rejected events and jobs. */
export type RejectionCode =
  | 'EVENT_NOT_OBJECT'
  | 'EVENT_FIELD_MISSING'
  | 'EVENT_FIELD_TYPE'
  | 'EVENT_FIELD_UNKNOWN'
  | 'EVENT_TEXT_EMPTY'
  | 'EVENT_TEXT_TOO_LONG'
  | 'EVENT_TEXT_CONTROL'
  | 'QUANTITY_NOT_DECIMAL'
  | 'QUANTITY_NOT_FINITE'
  | 'QUANTITY_NEGATIVE'
  | 'QUANTITY_TOO_LARGE'
  | 'QUANTITY_TOO_PRECISE'
  | 'TIME_INVALID'
  | 'SEQUENCE_INVALID'
  | 'PROPERTIES_TOO_LARGE'
  | 'PROPERTIES_TOO_DEEP'
  | 'TENANT_NOT_ALLOWED'
  | 'ACCOUNT_NOT_ALLOWED'
  | 'JOB_NOT_JSON'
  | 'JOB_SHAPE'
  | 'JOB_TOO_LARGE'
  | 'JOB_TOO_MANY_EVENTS'
  | 'AMOUNT_TOO_LARGE'
  | 'EVENT_NOT_STORABLE'
  | 'JOB_FAILED';

/** What became of one event. The word `outcome` is reserved for decisions. */
export type EventStatus =
  | { readonly id: string | null; readonly status: 'posted' }
  | { readonly id: string | null; readonly status: 'duplicate' }
  | { readonly id: string | null; readonly status: 'quarantined'; readonly code: QuarantineReason }
  | ({ readonly id: string | null; readonly status: 'rejected' } & Rejection);
