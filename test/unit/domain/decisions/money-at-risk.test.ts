import { expect, test } from 'vitest';
import { moneyAtRisk } from '../../../../src/domain/decisions/money-at-risk.ts';

const usd = (amount: number) => BigInt(amount) * 1_000_000_000n;
const calm = {
  postedNanos: usd(20),
  reversibleTopUpsNanos: 0n,
  burnNanosPerHour: 0n,
  reactionHours: 12,
  frozen: false,
};

test.each([
  ['a paid balance that nobody uses risks nothing', calm, 0n],
  ['debt is at risk', { ...calm, postedNanos: usd(-7) }, usd(7)],
  ['a top-up that can be reversed is at risk', { ...calm, reversibleTopUpsNanos: usd(50) }, usd(50)],
  ['burn counts for the whole reaction time', { ...calm, burnNanosPerHour: usd(3) }, usd(36)],
  ['a fraction of an hour counts as such', { ...calm, burnNanosPerHour: usd(3), reactionHours: 0.5 }, 1_500_000_000n],
  ['a frozen wallet burns nothing', { ...calm, burnNanosPerHour: usd(3), postedNanos: usd(-7), frozen: true }, usd(7)],
  ['a negative burn lowers nothing', { ...calm, burnNanosPerHour: usd(-3) }, 0n],
  [
    'the parts add up exactly, far beyond the safe integers',
    { ...calm, postedNanos: -9_000_000_000_000_001n, burnNanosPerHour: 1n, reactionHours: 1 },
    9_000_000_000_000_002n,
  ],
])('%s', (_, exposure, expected) => {
  expect(moneyAtRisk(exposure)).toBe(expected);
});
