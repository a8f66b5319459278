import { expect, test } from 'vitest';
import { counted, exactAmount } from '../../../src/adapters/postgres/queries/proof-text.ts';

test.each([
  [0n, '0'],
  [3_000_000_000n, '3'],
  [6_158_509_918_600n, '6,158.5099186'],
  [-1_234_567_000_000_001n, '-1,234,567.000000001'],
])('an exact amount of %d nanos reads %s: thousands grouped, no decimal lost', (nanos, text) => {
  expect(exactAmount(nanos)).toBe(text);
});

test('counts are grouped, however large', () => {
  expect([counted(999), counted(396_112), counted(12_345_678_901_234_567_890n)]).toEqual([
    '999',
    '396,112',
    '12,345,678,901,234,567,890',
  ]);
});
