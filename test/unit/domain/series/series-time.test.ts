import { expect, test } from 'vitest';
import { parseSeriesTime } from '../../../../src/domain/series/series-time.ts';
import { parseSeriesValue } from '../../../../src/domain/series/series-value.ts';

const NOON = Date.UTC(2026, 2, 1, 12);

test.each([
  ['2026-03-01T12:00:00Z', NOON],
  ['2026-03-01T12:00:00.250Z', NOON + 250],
  ['2026-03-01 12:00:00', NOON],
  ['2026-03-01 12:00', NOON],
  ['2026/03/01 12:00:00', NOON],
  ['2026-03-01T14:00:00+02:00', NOON],
  ['2026-03-01T06:30:00-0530', NOON],
  ['2026-03-01 12:00:00 UTC', NOON],
  ['2026-03-01', NOON - 12 * 3_600_000],
  [`${NOON / 1000}`, NOON],
  [`${NOON / 1000}.5`, NOON + 500],
  [`${NOON}`, NOON],
  [`${NOON}000`, NOON],
  [`${NOON}000000`, NOON],
  ['0', 0],
  ['-60', -60_000],
  [' 2024-02-29 ', Date.UTC(2024, 1, 29)],
])('the time %s is understood', (text, ms) => {
  expect(parseSeriesTime(text)).toBe(ms);
});

test.each(['', 'noon', '2026-02-30', '2026-13-01', '2026-03-01T24:00:00Z', '01.03.2026', '9'.repeat(25), '1e9', 'NaN'])(
  'the time %j is not',
  (text) => {
    expect(parseSeriesTime(text)).toBeUndefined();
  },
);

test.each([
  ['1', 1],
  [' -2.5 ', -2.5],
  ['+3.', 3],
  ['.5', 0.5],
  ['1e-9', 1e-9],
  ['1,5', 1.5],
])('the value %j is understood', (text, value) => {
  expect(parseSeriesValue(text)).toBe(value);
});

test.each(['', 'NaN', 'Infinity', '0x10', '1e999', '1.2.3', '1,234,567', '=1+1', '1 000', '١٢'])(
  'the value %j is not',
  (text) => {
    expect(parseSeriesValue(text)).toBeUndefined();
  },
);
