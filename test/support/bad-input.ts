import { DAY_MS, formatIso } from '../../src/domain/time.ts';

/** One line of the bad input and what has to become of it. */
interface BadLine {
  readonly what: string;
  readonly text: string;
  readonly status: 'posted' | 'duplicate' | 'quarantined' | 'rejected' | 'skipped';
  readonly code?: string;
}

/** Every kind of bad input once, between good events of the same account, with the expected status per line. */
export function badInput(startMs: number): { readonly ndjson: string; readonly expected: string } {
  const lines = badLines(formatIso(startMs + DAY_MS / 2), formatIso(startMs + DAY_MS / 2 + 1_200));
  const expected = lines.map(({ what, status, code }, index) =>
    JSON.stringify({ line: index + 1, what, status, ...(code === undefined ? {} : { code }) }),
  );
  return {
    ndjson: `${lines.map(({ text }) => text).join('\n')}\n`,
    expected: `[\n  ${expected.join(',\n  ')}\n]\n`,
  };
}

function badLines(occurredAt: string, receivedAt: string): readonly BadLine[] {
  const good = {
    id: 'ev_good',
    source: 'meter-gw.eu-west',
    account: 'acct_badinput',
    meter: 'output_tokens',
    quantity: '1250' as string | number,
    occurredAt,
    properties: { received_at: receivedAt, key: 'key_5d1f20aa', region: 'eu-west' },
  };
  const line = (id: string, changes: Readonly<Record<string, unknown>> = {}): string =>
    JSON.stringify({ ...good, id, ...changes });
  const refused = (what: string, code: string, text: string): BadLine => ({ what, text, status: 'rejected', code });
  const aside = (what: string, code: string, text: string): BadLine => ({ what, text, status: 'quarantined', code });
  // JSON.stringify cannot write these: a number beyond a double, and a key that would set a prototype.
  const raw = (id: string, from: string, to: string): string => line(id).replace(from, to);
  return [
    { what: 'a good event', text: line('ev_good'), status: 'posted' },
    refused('negative quantity', 'QUANTITY_NEGATIVE', line('ev_negative', { quantity: '-12.5' })),
    refused('negative number', 'QUANTITY_NEGATIVE', line('ev_negative_number', { quantity: -12.5 })),
    refused('NaN as text', 'QUANTITY_NOT_FINITE', line('ev_nan', { quantity: 'NaN' })),
    refused('1e400 as a number', 'QUANTITY_NOT_FINITE', raw('ev_overflow', '"quantity":"1250"', '"quantity":1e400')),
    refused('30 decimals', 'QUANTITY_TOO_PRECISE', line('ev_precise', { quantity: `0.${'1'.repeat(30)}` })),
    refused('quantity null', 'QUANTITY_NOT_DECIMAL', line('ev_null', { quantity: null })),
    refused('quantity missing', 'EVENT_FIELD_MISSING', line('ev_no_quantity', { quantity: undefined })),
    aside('a date of 1970', 'too_late', line('ev_1970', { occurredAt: '1970-01-01T00:00:00Z' })),
    aside('a date of 2100', 'in_future', line('ev_2100', { occurredAt: '2100-01-01T00:00:00Z' })),
    refused('30 February', 'TIME_INVALID', line('ev_february', { occurredAt: '2026-02-30T00:00:00Z' })),
    refused('no offset', 'TIME_INVALID', line('ev_local_time', { occurredAt: '2026-03-03 12:00' })),
    refused('an id of 10 KB', 'EVENT_TEXT_TOO_LONG', line(`ev_${'x'.repeat(10_237)}`)),
    refused('NUL in the id', 'EVENT_TEXT_CONTROL', line('ev_\u0000nul')),
    refused('empty account', 'EVENT_TEXT_EMPTY', line('ev_empty', { account: '' })),
    refused('account missing', 'EVENT_FIELD_MISSING', line('ev_nobody', { account: undefined })),
    refused('account not text', 'EVENT_FIELD_TYPE', line('ev_number', { account: 42 })),
    refused('sequence below zero', 'SEQUENCE_INVALID', line('ev_sequence', { sequence: -1 })),
    refused('properties not an object', 'EVENT_FIELD_TYPE', line('ev_properties', { properties: ['key'] })),
    {
      what: '__proto__ in properties is data like any other',
      text: raw('ev_proto', '"key":"key_5d1f20aa"', '"__proto__":{"admin":true}'),
      status: 'posted',
    },
    aside('unknown meter', 'unknown_meter', line('ev_meter', { meter: 'output_tokenz' })),
    { what: 'the good event again', text: line('ev_good'), status: 'duplicate' },
    aside('the good id with other content', 'altered', line('ev_good', { quantity: '3' })),
    refused('unknown field', 'EVENT_FIELD_UNKNOWN', line('ev_field', { quantty: '7' })),
    refused('an array', 'EVENT_NOT_OBJECT', '[1,2,3]'),
    refused('not JSON', 'JOB_NOT_JSON', '{"id":"ev_cut","source":"meter-gw.eu-west","acc'),
    { what: 'an empty line', text: '', status: 'skipped' },
    {
      what: 'an account never seen before: its wallet opens at zero',
      text: line('ev_stranger', { account: 'acct_neverseen', quantity: '10' }),
      status: 'posted',
    },
    { what: 'a good event after all that', text: line('ev_last', { quantity: 900 }), status: 'posted' },
  ];
}
