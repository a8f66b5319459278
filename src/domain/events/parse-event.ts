import { parseQuantity, type QuantityError } from '../money/quantity.ts';
import { anyJson } from '../text/any-json.ts';
import { parseRfc3339 } from '../time.ts';
import type { JsonValue, Rejection, RejectionCode, UsageEvent } from './usage-event.ts';

/** Limits of one event; the job limits stand in parse-job.ts. */
export const ID_BYTES_MAX = 256;
export const NAME_BYTES_MAX = 128;
export const TENANT_BYTES_MAX = 64;
export const PROPERTIES_BYTES_MAX = 16_384;
export const PROPERTIES_DEPTH_MAX = 8;
export const DEFAULT_TENANT = 'default';

/** A year after 9999 does not fit 48 bits of milliseconds and is a unit mistake anyway. */
const TIME_MS_MAX = 253_402_300_799_999;
const FIELDS: ReadonlySet<string> = new Set([
  'id',
  'source',
  'account',
  'meter',
  'quantity',
  'occurredAt',
  'sequence',
  'properties',
  'tenant',
]);

export type ParsedEvent =
  | { readonly ok: true; readonly event: UsageEvent }
  | {
      readonly ok: false;
      readonly id: string | null;
      /** Only of an event that came as text, where nobody else could read it. */
      readonly source?: string;
      readonly rejection: Rejection;
    };

/**
 * Validates one event as it came over the wire. Hand-written instead of zod because every event of the hot path
 * passes here (docs/decisions/0003); a property test holds it equal to the published JSON Schema.
 *
 * @param trustTenant only internal queues may name a tenant; elsewhere it would let one customer bill another.
 * @param tenantOfSender whose event it is when it names nobody.
 */
export function parseUsageEvent(raw: unknown, trustTenant: boolean, tenantOfSender = DEFAULT_TENANT): ParsedEvent {
  if (!isObject(raw)) {
    return refuse(
      null,
      'EVENT_NOT_OBJECT',
      '(event)',
      raw,
      'Send an object with id, source, account, meter, quantity and occurredAt.',
    );
  }
  const id = typeof raw.id === 'string' ? shorten(raw.id, ID_BYTES_MAX) : null;

  for (const key in raw) {
    if (!FIELDS.has(key))
      return refuse(id, 'EVENT_FIELD_UNKNOWN', key, raw[key], 'Move it into properties, or remove it.');
  }
  const text =
    checkText(raw, 'id', ID_BYTES_MAX) ??
    checkText(raw, 'source', NAME_BYTES_MAX) ??
    checkText(raw, 'account', NAME_BYTES_MAX) ??
    checkText(raw, 'meter', NAME_BYTES_MAX);
  if (text !== undefined) return refuse(id, text.code, text.field, raw[text.field], text.fix);

  if (raw.quantity === undefined) return missing(id, 'quantity', 'a decimal string such as "12.5"');
  const quantity = parseQuantity(raw.quantity);
  if (typeof quantity === 'string') return refuse(id, quantity, 'quantity', raw.quantity, QUANTITY_FIXES[quantity]);

  const { occurredAt } = raw;
  if (occurredAt === undefined)
    return missing(id, 'occurredAt', 'the time the usage happened, RFC 3339 or epoch milliseconds');
  const occurredAtMs = typeof occurredAt === 'string' ? parseRfc3339(occurredAt) : occurredAt;
  if (
    typeof occurredAtMs !== 'number' ||
    !Number.isSafeInteger(occurredAtMs) ||
    occurredAtMs < 0 ||
    occurredAtMs > TIME_MS_MAX
  ) {
    return refuse(
      id,
      'TIME_INVALID',
      'occurredAt',
      occurredAt,
      'Send RFC 3339 with an offset (2026-03-01T12:00:00Z) or whole epoch milliseconds.',
    );
  }

  const { sequence } = raw;
  if (sequence !== undefined && (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0)) {
    return refuse(
      id,
      'SEQUENCE_INVALID',
      'sequence',
      sequence,
      'Send a whole number from 0 to 2^53 − 1, or leave it out.',
    );
  }
  const { properties } = raw;
  if (properties !== undefined) {
    const problem = checkProperties(properties);
    if (problem !== undefined) return refuse(id, problem.code, 'properties', properties, problem.fix);
  }
  const named = trustTenant && raw.tenant !== undefined ? checkText(raw, 'tenant', TENANT_BYTES_MAX) : undefined;
  if (named !== undefined) return refuse(id, named.code, named.field, raw.tenant, named.fix);
  const tenant = trustTenant && typeof raw.tenant === 'string' ? raw.tenant : tenantOfSender;
  if (raw.tenant !== undefined && raw.tenant !== tenant) {
    return refuse(
      id,
      'TENANT_NOT_ALLOWED',
      'tenant',
      raw.tenant,
      'Leave tenant out; it follows from the key or the queue.',
    );
  }
  return { ok: true, event: build(raw, tenant, quantity, occurredAtMs) };
}

function build(raw: RawEvent, tenant: string, quantity: UsageEvent['quantity'], occurredAtMs: number): UsageEvent {
  const event: { -readonly [field in keyof UsageEvent]: UsageEvent[field] } = {
    tenant,
    id: String(raw.id),
    source: String(raw.source),
    account: String(raw.account),
    meter: String(raw.meter),
    quantity,
    occurredAtMs,
  };
  // Set one by one: spreading what an event may not have takes longer than all the rest of it.
  if (typeof raw.sequence === 'number') event.sequence = raw.sequence;
  if (isObject(raw.properties)) event.properties = raw.properties as NonNullable<UsageEvent['properties']>;
  return event;
}

type RawEvent = { readonly [key: string]: unknown };
type Problem = { readonly code: RejectionCode; readonly field: string; readonly fix: string };

const QUANTITY_FIXES: Readonly<Record<QuantityError, string>> = {
  QUANTITY_NOT_DECIMAL: 'Send a decimal string such as "12.5" (or a JSON number).',
  QUANTITY_NOT_FINITE: 'Send a finite decimal; JSON has no NaN or Infinity and 1e400 overflows a number.',
  QUANTITY_NEGATIVE: 'Usage is never negative. To give money back, credit the account with a top-up.',
  QUANTITY_TOO_LARGE: 'Use a larger unit for the meter; at most 18 whole digits.',
  QUANTITY_TOO_PRECISE: 'Round at the source; at most 18 decimals are kept exactly.',
};

/** What is wrong with an account's name, in words; undefined when usage may carry it. */
export function accountNameProblem(account: string): string | undefined {
  return checkText({ account }, 'account', NAME_BYTES_MAX)?.fix;
}

function checkText(raw: RawEvent, field: string, bytesMax: number): Problem | undefined {
  const value = raw[field];
  if (typeof value !== 'string') {
    return value === undefined || value === null
      ? { code: 'EVENT_FIELD_MISSING', field, fix: `Add ${field}: it is required.` }
      : { code: 'EVENT_FIELD_TYPE', field, fix: `Send ${field} as a string.` };
  }
  if (value === '') return { code: 'EVENT_TEXT_EMPTY', field, fix: `Send a non-empty ${field}.` };
  // A UTF-16 unit is at most three UTF-8 bytes: only texts near the limit need the exact count.
  if (value.length * 3 > bytesMax && Buffer.byteLength(value) > bytesMax) {
    return { code: 'EVENT_TEXT_TOO_LONG', field, fix: `Shorten ${field} to at most ${bytesMax} bytes of UTF-8.` };
  }
  if (hasControl(value))
    return { code: 'EVENT_TEXT_CONTROL', field, fix: `Remove control characters (NUL, newline, …) from ${field}.` };
  return undefined;
}

// Control characters break logs, terminals and PostgreSQL text; lone surrogates have no UTF-8 form. Bidi overrides
// could make an account read as another one. None belongs in an identifier.
function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
    if (
      code >= 0x2000 &&
      ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code >= 0xd800)
    ) {
      if (code < 0xe000) return !isWellFormedFrom(text, index);
      if (code < 0xd800) return true;
    }
  }
  return false;
}

function isWellFormedFrom(text: string, start: number): boolean {
  const rest = text.slice(start);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose.
  return rest.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(rest);
}

function checkProperties(value: unknown): Omit<Problem, 'field'> | undefined {
  if (!isObject(value)) return { code: 'EVENT_FIELD_TYPE', fix: 'Send properties as an object, or leave it out.' };
  const budget = { bytes: PROPERTIES_BYTES_MAX };
  if (depthExceeded(value, PROPERTIES_DEPTH_MAX, budget)) {
    return budget.bytes < 0
      ? {
          code: 'PROPERTIES_TOO_LARGE',
          fix: `Keep properties under ${PROPERTIES_BYTES_MAX} bytes; store large data elsewhere and send its id.`,
        }
      : { code: 'PROPERTIES_TOO_DEEP', fix: `Nest properties at most ${PROPERTIES_DEPTH_MAX} levels.` };
  }
  return undefined;
}

/** Spends the byte budget while walking, so that a hostile tree ends the walk early. */
function depthExceeded(value: unknown, depth: number, budget: { bytes: number }): boolean {
  if (typeof value === 'string') budget.bytes -= value.length + 2;
  else if (value === null || typeof value !== 'object') budget.bytes -= 8;
  else {
    if (depth === 0) return true;
    for (const key in value) {
      budget.bytes -= key.length + 3;
      if (budget.bytes < 0 || depthExceeded((value as RawEvent)[key], depth - 1, budget)) return true;
    }
  }
  return budget.bytes < 0;
}

function missing(id: string | null, field: string, what: string): ParsedEvent {
  return {
    ok: false,
    id,
    rejection: { code: 'EVENT_FIELD_MISSING', field, value: '(missing)', fix: `Add ${field}: ${what}.` },
  };
}

function refuse(id: string | null, code: RejectionCode, field: string, value: unknown, fix: string): ParsedEvent {
  return { ok: false, id, rejection: { code, field: shorten(field, 64), value: printable(value), fix } };
}

/** A value as shown in an error: JSON, without control characters, at most 80 characters. */
export function printable(value: unknown): string {
  if (value === undefined) return '(missing)';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return shorten(anyJson(typeof value === 'string' ? value.slice(0, 200) : value), 80);
}

/** Cuts a text to a length and makes it safe for logs, terminals and PostgreSQL. */
export function shorten(text: string, charactersMax: number): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing control characters is the purpose.
  return cut.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type { JsonValue };
