import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_CATALOGUE } from '../../../../src/errors.ts';
import {
  holdJobSchema,
  holdJsonSchema,
  holdResultSchema,
  parseHoldJob,
} from '../../../../src/pipeline/holds/hold-job.ts';

const place = { v: 1, do: 'place', hold: 'h1', account: 'acme', amount: '0.50 USD' };
const page = readFileSync(new URL('../../../../docs/ledger-holds.md', import.meta.url), 'utf8');

test('a placing has the documented defaults', () => {
  expect(parseHoldJob(place, 'USD')).toEqual({
    ok: true,
    holdId: 'h1',
    account: 'acme',
    key: undefined,
    ask: { do: 'place', amount: 500_000_000n, captureMax: 550_000_000n, seconds: 600 },
  });
});

test.each([
  ['no object', 7, '(job)'],
  ['nothing to do', { ...place, do: undefined }, 'do'],
  ['another version', { ...place, v: 2 }, 'v'],
  ['an unknown field', { ...place, tenant: 'other' }, '(job)'],
  ['no hold id', { ...place, hold: '' }, 'hold'],
  ['a control character in the id', { ...place, hold: 'a\u0000b' }, 'hold'],
  ['half a character in the id', { ...place, hold: 'a\ud800' }, 'hold'],
  ['a long id', { ...place, hold: 'x'.repeat(201) }, 'hold'],
  ['an amount that is a number', { ...place, amount: 0.5 }, 'amount'],
  ['nothing held', { ...place, amount: '0.00' }, 'amount'],
  ['a negative amount', { ...place, amount: '-1' }, 'amount'],
  ['another currency', { ...place, amount: '1 EUR' }, 'amount'],
  ['a capture below the hold', { ...place, captureMax: '0.49' }, 'captureMax'],
  ['a capture beyond twice the hold', { ...place, captureMax: '1.01' }, 'captureMax'],
  ['no time', { ...place, seconds: 0 }, 'seconds'],
  ['more than a week', { ...place, seconds: 604_801 }, 'seconds'],
  ['an extension of nothing', { v: 1, do: 'extend', hold: 'h1', account: 'acme' }, 'seconds'],
  ['a capture of nothing', { v: 1, do: 'capture', hold: 'h1', account: 'acme', amount: '0' }, 'amount'],
])('%s is refused by the name of its field', (_name, data, field) => {
  expect(parseHoldJob(data, 'USD')).toMatchObject({
    ok: false,
    code: 'HOLD_INVALID',
    message: expect.stringMatching(new RegExp(`^${field.replace(/[()]/g, '\\$&')}: `)),
    fix: ERROR_CATALOGUE.HOLD_INVALID.fix,
  });
});

test('docs/hold-job.schema.json is up to date (npx vitest run -u on this file writes it)', async () => {
  await expect(`${JSON.stringify(holdJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
    '../../../../docs/hold-job.schema.json',
  );
});

test('the examples in docs/ledger-holds.md are valid', () => {
  const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']): unknown => JSON.parse(text));
  expect(examples).toHaveLength(4);
  for (const example of examples) {
    const schema =
      typeof example === 'object' && example !== null && 'ok' in example ? holdResultSchema : holdJobSchema;
    expect(schema.safeParse(example).error).toBeUndefined();
  }
});

test('docs/ledger-holds.md names every code that is about holds', () => {
  const codes = Object.keys(ERROR_CATALOGUE).filter((code) => /^(HOLD|CAPTURE)_|_FUNDS$|_FROZEN$/.test(code));
  expect(codes.length).toBeGreaterThanOrEqual(7);
  for (const code of codes) expect(page).toContain(`| \`${code}\` | `);
});
