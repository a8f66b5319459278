import { expect, test } from 'vitest';
import { HOUR_MS } from '../../../src/domain/time.ts';
import { causeOf, isSafeToSend, isSettling, type MeterHour } from '../../../src/domain/usage-export/compare-hour.ts';

const HOUR = Date.UTC(2026, 2, 2, 9);
const AGREED: MeterHour = {
  hourMs: HOUR,
  counted: 100n,
  ledger: 100n,
  acknowledged: 100n,
  unacknowledged: 0n,
  rejected: 0n,
  unsent: 0n,
  tooLate: 0n,
  sentValues: [40n, 60n],
};

test('an hour in which both sides agree has no cause', () => {
  expect(causeOf(AGREED)).toBeUndefined();
});

test.each([
  ['not_sent', { ledger: 107n, unsent: 7n }],
  ['sent_unacknowledged', { ledger: 107n, unacknowledged: 7n }],
  ['rejected', { ledger: 107n, rejected: 7n }],
  ['late', { ledger: 107n, tooLate: 7n }],
  ['duplicate', { counted: 160n }],
  ['rounding', { ledger: 101n }],
  ['rounding', { counted: 101n }],
  ['unexplained', { counted: 93n }],
  ['unexplained', { ledger: 110n, unsent: 7n }],
] as const)('%s', (cause, difference) => {
  expect(causeOf({ ...AGREED, ...difference })).toBe(cause);
});

test('a single step that was not sent is not called rounding', () => {
  expect(causeOf({ ...AGREED, ledger: 101n, unsent: 1n })).toBe('not_sent');
});

test('only what was never sent is mended without a person', () => {
  const causes = [
    'not_sent',
    'sent_unacknowledged',
    'rejected',
    'late',
    'duplicate',
    'rounding',
    'unexplained',
  ] as const;
  expect(causes.filter(isSafeToSend)).toEqual(['not_sent']);
});

test('an hour settles an hour after its end and after what was sent last', () => {
  expect(isSettling({ hourMs: HOUR }, HOUR, HOUR + HOUR_MS - 1)).toBe(true);
  expect(isSettling({ hourMs: HOUR }, HOUR + HOUR_MS, HOUR + 2 * HOUR_MS - 1)).toBe(true);
  expect(isSettling({ hourMs: HOUR }, HOUR + HOUR_MS, HOUR + 2 * HOUR_MS)).toBe(false);
});
