import { describe, expect, it } from 'vitest';
import {
  ID_BYTES_MAX,
  NAME_BYTES_MAX,
  PROPERTIES_BYTES_MAX,
  parseUsageEvent,
  printable,
} from '../../../src/domain/events/parse-event.ts';
import { JOB_BYTES_MAX, JOB_EVENTS_MAX, parseJob, UNPARSABLE } from '../../../src/domain/events/parse-job.ts';
import type { RejectionCode } from '../../../src/domain/events/usage-event.ts';

const GOOD = {
  id: 'evt-1',
  source: 'gateway',
  account: 'acct_1',
  meter: 'output_tokens',
  quantity: '12.5',
  occurredAt: '2026-03-01T12:00:00Z',
};

function without(field: keyof typeof GOOD): object {
  const { [field]: _left, ...rest } = GOOD;
  return rest;
}

/** An object nested `depth` levels deep, made from text so that nothing recurses here. */
function nested(depth: number): unknown {
  return JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
}

interface Case {
  readonly what: string;
  readonly raw: unknown;
  readonly code: RejectionCode;
  readonly field: string;
}

const refused: readonly Case[] = [
  { what: 'an array', raw: [GOOD], code: 'EVENT_NOT_OBJECT', field: '(event)' },
  { what: 'null', raw: null, code: 'EVENT_NOT_OBJECT', field: '(event)' },
  { what: 'a text', raw: 'evt-1', code: 'EVENT_NOT_OBJECT', field: '(event)' },
  { what: 'an unknown field', raw: { ...GOOD, quantty: '7' }, code: 'EVENT_FIELD_UNKNOWN', field: 'quantty' },
  { what: 'a prototype', raw: JSON.parse('{"__proto__":{"id":"x"}}'), code: 'EVENT_FIELD_UNKNOWN', field: '__proto__' },
  { what: 'no id', raw: without('id'), code: 'EVENT_FIELD_MISSING', field: 'id' },
  { what: 'id null', raw: { ...GOOD, id: null }, code: 'EVENT_FIELD_MISSING', field: 'id' },
  { what: 'no source', raw: without('source'), code: 'EVENT_FIELD_MISSING', field: 'source' },
  { what: 'no account', raw: without('account'), code: 'EVENT_FIELD_MISSING', field: 'account' },
  { what: 'no meter', raw: without('meter'), code: 'EVENT_FIELD_MISSING', field: 'meter' },
  { what: 'no quantity', raw: without('quantity'), code: 'EVENT_FIELD_MISSING', field: 'quantity' },
  { what: 'no time', raw: without('occurredAt'), code: 'EVENT_FIELD_MISSING', field: 'occurredAt' },
  { what: 'id a number', raw: { ...GOOD, id: 7 }, code: 'EVENT_FIELD_TYPE', field: 'id' },
  { what: 'id empty', raw: { ...GOOD, id: '' }, code: 'EVENT_TEXT_EMPTY', field: 'id' },
  { what: 'id of 257 bytes', raw: { ...GOOD, id: 'x'.repeat(257) }, code: 'EVENT_TEXT_TOO_LONG', field: 'id' },
  {
    what: 'id of 86 three-byte characters',
    raw: { ...GOOD, id: '€'.repeat(86) },
    code: 'EVENT_TEXT_TOO_LONG',
    field: 'id',
  },
  {
    what: 'account of 129 bytes',
    raw: { ...GOOD, account: 'x'.repeat(129) },
    code: 'EVENT_TEXT_TOO_LONG',
    field: 'account',
  },
  { what: 'NUL', raw: { ...GOOD, id: 'a\u0000b' }, code: 'EVENT_TEXT_CONTROL', field: 'id' },
  { what: 'a line break', raw: { ...GOOD, meter: 'a\nb' }, code: 'EVENT_TEXT_CONTROL', field: 'meter' },
  { what: 'DEL', raw: { ...GOOD, source: 'a\u007f' }, code: 'EVENT_TEXT_CONTROL', field: 'source' },
  { what: 'C1', raw: { ...GOOD, source: '\u0085' }, code: 'EVENT_TEXT_CONTROL', field: 'source' },
  { what: 'a bidi override', raw: { ...GOOD, account: 'acct_\u202e1' }, code: 'EVENT_TEXT_CONTROL', field: 'account' },
  { what: 'a bidi isolate', raw: { ...GOOD, account: 'acct_\u2066' }, code: 'EVENT_TEXT_CONTROL', field: 'account' },
  { what: 'half a surrogate pair', raw: { ...GOOD, id: 'a\ud800' }, code: 'EVENT_TEXT_CONTROL', field: 'id' },
  { what: 'halves in the wrong order', raw: { ...GOOD, id: '\udc00\ud800' }, code: 'EVENT_TEXT_CONTROL', field: 'id' },
  { what: 'a control behind an emoji', raw: { ...GOOD, id: '😀\u0000' }, code: 'EVENT_TEXT_CONTROL', field: 'id' },
  { what: 'bidi behind an emoji', raw: { ...GOOD, id: '😀\u2069' }, code: 'EVENT_TEXT_CONTROL', field: 'id' },
  { what: 'a word', raw: { ...GOOD, quantity: 'many' }, code: 'QUANTITY_NOT_DECIMAL', field: 'quantity' },
  { what: 'quantity null', raw: { ...GOOD, quantity: null }, code: 'QUANTITY_NOT_DECIMAL', field: 'quantity' },
  { what: 'NaN', raw: { ...GOOD, quantity: 'NaN' }, code: 'QUANTITY_NOT_FINITE', field: 'quantity' },
  {
    what: '1e400',
    raw: JSON.parse('{"id":"e","source":"s","account":"a","meter":"m","quantity":1e400,"occurredAt":0}'),
    code: 'QUANTITY_NOT_FINITE',
    field: 'quantity',
  },
  { what: 'below zero', raw: { ...GOOD, quantity: '-1' }, code: 'QUANTITY_NEGATIVE', field: 'quantity' },
  { what: '10^18', raw: { ...GOOD, quantity: '1e18' }, code: 'QUANTITY_TOO_LARGE', field: 'quantity' },
  {
    what: '30 decimals',
    raw: { ...GOOD, quantity: `0.${'1'.repeat(30)}` },
    code: 'QUANTITY_TOO_PRECISE',
    field: 'quantity',
  },
  { what: 'no offset', raw: { ...GOOD, occurredAt: '2026-03-01T12:00:00' }, code: 'TIME_INVALID', field: 'occurredAt' },
  {
    what: '30 February',
    raw: { ...GOOD, occurredAt: '2026-02-30T12:00:00Z' },
    code: 'TIME_INVALID',
    field: 'occurredAt',
  },
  { what: 'half a millisecond', raw: { ...GOOD, occurredAt: 0.5 }, code: 'TIME_INVALID', field: 'occurredAt' },
  { what: 'before 1970', raw: { ...GOOD, occurredAt: -1 }, code: 'TIME_INVALID', field: 'occurredAt' },
  {
    what: 'microseconds',
    raw: { ...GOOD, occurredAt: 1_772_366_400_000_000 },
    code: 'TIME_INVALID',
    field: 'occurredAt',
  },
  { what: 'time null', raw: { ...GOOD, occurredAt: null }, code: 'TIME_INVALID', field: 'occurredAt' },
  { what: 'sequence below zero', raw: { ...GOOD, sequence: -1 }, code: 'SEQUENCE_INVALID', field: 'sequence' },
  { what: 'sequence as text', raw: { ...GOOD, sequence: '1' }, code: 'SEQUENCE_INVALID', field: 'sequence' },
  { what: 'properties an array', raw: { ...GOOD, properties: [] }, code: 'EVENT_FIELD_TYPE', field: 'properties' },
  { what: 'properties null', raw: { ...GOOD, properties: null }, code: 'EVENT_FIELD_TYPE', field: 'properties' },
  {
    what: 'properties of 16 KB',
    raw: { ...GOOD, properties: { a: 'x'.repeat(PROPERTIES_BYTES_MAX) } },
    code: 'PROPERTIES_TOO_LARGE',
    field: 'properties',
  },
  { what: 'nine levels', raw: { ...GOOD, properties: nested(9) }, code: 'PROPERTIES_TOO_DEEP', field: 'properties' },
  {
    what: '100,000 levels',
    raw: { ...GOOD, properties: nested(100_000) },
    code: 'PROPERTIES_TOO_DEEP',
    field: 'properties',
  },
  {
    what: 'a quantity 100,000 levels deep',
    raw: { ...GOOD, quantity: nested(100_000) },
    code: 'QUANTITY_NOT_DECIMAL',
    field: 'quantity',
  },
  { what: 'a tenant', raw: { ...GOOD, tenant: 'other' }, code: 'TENANT_NOT_ALLOWED', field: 'tenant' },
];

describe('an event that cannot be used', () => {
  it.each(refused)('is refused with code, field, value and fix: $what', ({ raw, code, field }) => {
    const parsed = parseUsageEvent(raw, false);
    if (parsed.ok) throw new Error('it was accepted');
    expect(parsed.rejection).toMatchObject({ code, field });
    expect(parsed.rejection.fix).toMatch(/^[A-Z].{10,}\.$/);
    expect(parsed.rejection.value.length).toBeLessThanOrEqual(80);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what is shown must hold none of them.
    expect(parsed.rejection.value + parsed.id).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  });
});

describe('an event at the limits', () => {
  const accepted: readonly (readonly [string, object])[] = [
    ['an id of 256 bytes', { id: 'x'.repeat(ID_BYTES_MAX) }],
    ['an account of 128 bytes', { account: `${'€'.repeat(42)}xx` }],
    ['a name in any script', { account: 'Käufer 株式会社 😀👩‍💻' }],
    ['text that looks like code', { account: "'; drop table entry; --", meter: '<script>' }],
    ['a quantity of 36 digits', { quantity: `${'9'.repeat(18)}.${'9'.repeat(18)}` }],
    ['zero', { quantity: 0 }],
    ['the epoch', { occurredAt: 0 }],
    ['the year 9999', { occurredAt: '9999-12-31T23:59:59.999Z' }],
    ['the largest sequence', { sequence: Number.MAX_SAFE_INTEGER }],
    ['eight levels', { properties: nested(8) }],
    ['a prototype as a property', { properties: JSON.parse('{"__proto__":{"admin":true},"constructor":1}') }],
    ['the default tenant by name', { tenant: 'default' }],
  ];
  it.each(accepted)('is taken as it is: %s', (_what, fields) => {
    const parsed = parseUsageEvent({ ...GOOD, ...fields }, false);
    expect(parsed).toMatchObject({ ok: true });
    if (parsed.ok && 'properties' in fields)
      expect(JSON.stringify(parsed.event.properties)).toBe(JSON.stringify(fields.properties));
    expect(Buffer.byteLength(`${'€'.repeat(42)}xx`)).toBe(NAME_BYTES_MAX);
  });
});

describe('a tenant', () => {
  it('is taken from a trusted queue only, and is text like any other', () => {
    expect(parseUsageEvent({ ...GOOD, tenant: 'acme' }, true)).toMatchObject({ ok: true, event: { tenant: 'acme' } });
    for (const tenant of ['', 7, null, {}])
      expect(parseUsageEvent({ ...GOOD, tenant }, true)).toMatchObject({ ok: false });
    for (const tenant of ['a\u0000b', 'a\u202e', 'x'.repeat(65)])
      expect(parseUsageEvent({ ...GOOD, tenant }, true)).toMatchObject({ ok: false, rejection: { field: 'tenant' } });
  });
});

describe('a job', () => {
  const jobs: readonly (readonly [string, unknown, RejectionCode, string])[] = [
    ['text that was not JSON', { [UNPARSABLE]: '{"v":1,' }, 'JOB_NOT_JSON', '(data)'],
    ['null', null, 'JOB_SHAPE', '(data)'],
    ['a bare array', [GOOD], 'JOB_SHAPE', '(data)'],
    ['arrays 100,000 levels deep', JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)), 'JOB_SHAPE', '(data)'],
    ['no version', { events: [GOOD] }, 'JOB_SHAPE', 'v'],
    ['another version', { v: 2, events: [GOOD] }, 'JOB_SHAPE', 'v'],
    ['events that are no array', { v: 1, events: GOOD }, 'JOB_SHAPE', 'events'],
    ['an unknown field', { v: 1, events: [GOOD], extra: 1 }, 'JOB_SHAPE', 'extra'],
    ['the clock of a file', { v: 1, events: [GOOD], clock: 'file' }, 'JOB_SHAPE', 'clock'],
    ['10,001 events', { v: 1, events: new Array(JOB_EVENTS_MAX + 1).fill(GOOD) }, 'JOB_TOO_MANY_EVENTS', 'events'],
  ];
  it.each(jobs)('is refused as a whole with code, field and fix: %s', (_what, data, code, field) => {
    const parsed = parseJob(data, { trusted: false });
    if (parsed.ok) throw new Error('it was accepted');
    expect(parsed.rejection).toMatchObject({ code, field });
    expect(parsed.rejection.fix).toMatch(/^[A-Z].{10,}\.$/);
    expect(parsed.rejection.value.length).toBeLessThanOrEqual(80);
  });

  it('names a field safely, whatever it is called', () => {
    const parsed = parseJob({ v: 1, events: [], [`\u0000\u202e${'x'.repeat(10_000)}`]: 1 }, { trusted: false });
    if (parsed.ok) throw new Error('it was accepted');
    expect(parsed.rejection.field.length).toBeLessThanOrEqual(64);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what is shown must hold none of them.
    expect(parsed.rejection.field).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('beyond four megabytes is refused by its size', () => {
    const parsed = parseJob(GOOD, { trusted: false, bytes: JOB_BYTES_MAX + 1 });
    expect(parsed).toMatchObject({ ok: false, rejection: { code: 'JOB_TOO_LARGE' } });
  });

  it('answers one result per event in input order, good beside bad', () => {
    const parsed = parseJob(
      { v: 1, events: [GOOD, 7, { ...GOOD, id: '' }, { ...GOOD, id: 'evt-2' }] },
      { trusted: false },
    );
    if (!parsed.ok) throw new Error('it was refused');
    expect(parsed.events.map((event) => (event.ok ? event.event.id : event.rejection.code))).toEqual([
      'evt-1',
      'EVENT_NOT_OBJECT',
      'EVENT_TEXT_EMPTY',
      'evt-2',
    ]);
  });

  it('may ask for the clock of a file on a trusted queue', () => {
    expect(parseJob({ v: 1, events: [GOOD], clock: 'file' }, { trusted: true })).toMatchObject({
      ok: true,
      clock: 'file',
    });
  });
});

describe('a value shown in an error', () => {
  it('is short and safe, whatever it is', () => {
    expect(printable('a\u0000b')).toBe('"a\\u0000b"');
    expect(printable('x'.repeat(10_000))).toHaveLength(80);
    expect(printable(Number.POSITIVE_INFINITY)).toBe('Infinity');
    expect(printable(undefined)).toBe('(missing)');
    expect(printable(nested(100_000)).length).toBeLessThanOrEqual(80);
    expect(printable(10n)).toBe('"10"');
  });
});
