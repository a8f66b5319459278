import fc from 'fast-check';
import { expect, test } from 'vitest';
import { APPROVAL_MS, type Approval, decide, moneyAtStake } from '../../../src/domain/approvals/approval.ts';

const NOW = Date.UTC(2026, 2, 2, 9);
const asked: Approval = { state: 'pending', askedBy: 'cli:ana@one', expiresAtMs: NOW + APPROVAL_MS, decidedBy: null };

test.each([
  ['by somebody else', 'cli:bob@one', 'approved', NOW, 'approved'],
  ['by who asked', 'cli:ana@one', 'approved', NOW, 'same_person'],
  ['by who asked, from another machine', 'cli:Ana@two', 'approved', NOW, 'same_person'],
  ['a day later', 'cli:bob@one', 'approved', NOW + APPROVAL_MS, 'expired'],
  ['taken back by who asked', 'cli:ana@one', 'refused', NOW, 'refused'],
] as const)('a decision %s', (_, actor, as, nowMs, outcome) => {
  const decided = decide(asked, { actor, as, nowMs });
  expect(decided.ok ? decided.approval.state : decided.reason).toBe(outcome);
});

test('however decisions follow each other, who asked never approves, and a decision never turns', () => {
  const actor = fc.constantFrom('cli:ana@one', 'cli:ANA@two', 'cli:bob@one', 'key:key_1');
  const step = fc.record({
    actor,
    as: fc.constantFrom('approved', 'refused'),
    nowMs: fc.integer({ min: NOW, max: NOW + 2 * APPROVAL_MS }),
  });
  let approvals = 0;
  fc.assert(
    fc.property(actor, fc.array(step, { maxLength: 8 }), (askedBy, steps) => {
      let approval: Approval = { ...asked, askedBy };
      for (const taken of steps) {
        const decided = decide(approval, taken);
        if (!decided.ok) continue;
        if (approval.state !== 'pending') expect(decided.approval).toBe(approval);
        approval = decided.approval;
      }
      if (approval.state !== 'approved') return;
      approvals += 1;
      const person = (name: string) => name.split('@')[0]?.toLowerCase();
      expect(person(approval.decidedBy ?? '')).not.toBe(person(askedBy));
    }),
    { seed: 7, numRuns: 500 },
  );
  expect(approvals).toBeGreaterThan(50);
});

test('what is at stake counts a debt like a balance, and usage that waits', () => {
  expect(moneyAtStake({ posted: -5n, quarantined: 2n })).toBe(7n);
  expect(moneyAtStake({ posted: 5n, quarantined: 2n })).toBe(7n);
});
