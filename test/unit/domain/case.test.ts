import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CASE_CLOCK, type CaseFile, clockOf, clockState, sharpened } from '../../../src/domain/cases/case.ts';
import { DAY_MS, HOUR_MS } from '../../../src/domain/time.ts';

const NOW = Date.UTC(2026, 2, 2, 9);
const file: CaseFile = {
  ...{ caseId: 'cas_1', tenant: 'default', account: 'acme', severity: 'normal', state: 'open', assignee: null },
  ...{ openedAtMs: NOW, ...clockOf('normal', NOW), answeredAtMs: null },
  ...{ resolution: null, resolvedAtMs: null, resolvedBy: null },
};

test.each([
  ['just opened', {}, NOW, 'in_time'],
  ['nobody took it within a day', {}, NOW + DAY_MS + 1, 'answer_late'],
  ['somebody took it', { answeredAtMs: NOW }, NOW + DAY_MS + 1, 'in_time'],
  ['still open after three days', { answeredAtMs: NOW }, NOW + 3 * DAY_MS + 1, 'late'],
  ['resolved', { state: 'resolved' }, NOW + 9 * DAY_MS, 'done'],
] as const)('a case that is %s', (_, over, nowMs, state) => {
  expect(clockState({ ...file, ...over }, nowMs)).toBe(state);
});

test('something severe that joins brings the clock forward, and never back', () => {
  const later = NOW + 10 * HOUR_MS;
  expect(sharpened(file, 'severe', later)).toEqual({
    severity: 'severe',
    answerByMs: later + CASE_CLOCK.severe.answerMs,
    dueAtMs: later + CASE_CLOCK.severe.resolveMs,
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 * DAY_MS }), fc.constantFrom('severe', 'normal'), (after, severity) => {
      const next = sharpened(file, severity, NOW + after);
      expect(next.answerByMs).toBeLessThanOrEqual(file.answerByMs);
      expect(next.dueAtMs).toBeLessThanOrEqual(file.dueAtMs);
      expect(sharpened({ ...file, ...next }, severity, NOW + after + 1)).toMatchObject(next);
    }),
  );
});
