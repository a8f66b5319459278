import { abuseProbability } from '../../src/domain/decisions/abuse-probability.ts';
import type { AlertFacts } from '../../src/domain/decisions/alert-facts.ts';
import { chooseByLoss } from '../../src/domain/decisions/expected-loss.ts';
import type { RuleResult } from '../../src/domain/decisions/judgement.ts';
import type { AlertStory, SummaryStyle } from '../../src/domain/summaries/alert-story.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';

const USD = 1_000_000_000;
export const RAISED_AT = Date.UTC(2026, 2, 3, 14, 2);

export const farAbove: RuleResult = {
  ...{ ruleId: 'spend-far-above-usual', title: 'Spend far above the usual', mode: 'live', status: 'hit', score: 60 },
  ...{ kind: 'z_score', feature: 'spend', unit: 'nanos', windowMs: 6 * HOUR_MS, observed: 412.8 * USD },
  ...{ expected: 9.1 * USD, lower: 4 * USD, upper: 21 * USD, threshold: 31.4 * USD, z: 12.4, times: 45.362637 },
  ...{ points: 28, say: 'Spent $412.80 in 6 hours; the usual is $9.10.' },
};

export const burst: RuleResult = {
  ...{ ...farAbove, ruleId: 'spend-burst', title: 'A burst of spend', status: 'snoozed', score: 30, kind: 'burst' },
  ...{ windowMs: 10 * MINUTE_MS, observed: 38.2 * USD, expected: 0.6 * USD, lower: 0, upper: 3.1 * USD },
  ...{ threshold: 8 * USD, times: 63.666667, points: 212, say: 'Spent $38.20 in 10 minutes.' },
};

const { times: _, ...burstWithoutUsual } = burst;
export const altered: RuleResult = {
  ...burstWithoutUsual,
  ...{ ruleId: 'events-altered', title: 'Events re-sent with other content', status: 'hit', score: 70 },
  ...{
    feature: 'altered',
    unit: 'count',
    windowMs: 30 * MINUTE_MS,
    observed: 31,
    expected: 0,
    upper: 0,
    threshold: 20,
  },
  ...{ points: 240, say: '31 events came again under the same id with other content.' },
};

const quiet = Array.from({ length: 42 }, (_, hour) => (1 + (hour % 5) / 4) * USD);
const attack = [20, 60, 85.2, 80, 90.4, 77.2].map((usd) => usd * USD);

export const frozenFacts: AlertFacts = {
  ...{ alertId: 'alt_8k2m4q6r0t3v5x7z', account: 'acct_7f3a', walletId: 'wal_0123456789abc', currency: 'USD' },
  ...{ outcome: 'freeze', score: 90, raisedAtMs: RAISED_AT, frozenUntilMs: RAISED_AT + 24 * HOUR_MS },
  notFrozenBecause: null,
  choice: {
    ...chooseByLoss('freeze', 'review', {
      ...{ probability: 0.86, burnNanosPerHour: 80 * USD, usualNanosPerHour: 1.5 * USD, reactionHours: 12 },
      ...{ unnoticedHours: 72, freezeHours: 24, spendableNanos: 5_000 * USD },
      costs: { reviewNanos: 5 * USD, frictionNanos: 25 * USD },
    }),
    probability: abuseProbability(90, { confirmed: 33, benign: 8 }),
  },
  results: [burst, farAbove, { ...farAbove, ruleId: 'spend-new-model', mode: 'shadow', score: 0 }],
  hourlySpendNanos: [...quiet, ...attack],
  ...{ balanceNanos: -37_250_000_000n, moneyAtRiskNanos: 37_250_000_000n, lossNanos: 403_700_000_000n },
  ...{ heldBackNanos: 96_000_000_000n, reactionHours: 12 },
};

export const reviewFacts: AlertFacts = {
  ...frozenFacts,
  ...{ alertId: 'alt_1111222233334444', outcome: 'review', score: 60, frozenUntilMs: null, choice: null },
  notFrozenBecause: 'the rules that fire add up to 60 points; a freeze needs 80',
  results: [
    farAbove,
    { ...farAbove, ruleId: 'spend-burst', status: 'inconclusive', score: 0, threshold: null, points: 3, say: '' },
  ],
  ...{ balanceNanos: 12_000_000_000n, moneyAtRiskNanos: 926_400_000_000n, heldBackNanos: 0n },
};

export const slowedFacts: AlertFacts = {
  ...reviewFacts,
  alertId: 'alt_5555666677778888',
  slowed: { limitNanos: 5_000_000_000n, periodMs: HOUR_MS, untilMs: RAISED_AT + 12 * HOUR_MS },
  radar: { untilMs: RAISED_AT + 168 * HOUR_MS },
};

export const tamperedFacts: AlertFacts = {
  ...reviewFacts,
  ...{ alertId: 'alt_9999000099990000', score: 70, results: [altered], hourlySpendNanos: quiet, lossNanos: 0n },
};

/** A story with everything in it. */
export function storyOf(facts: AlertFacts = frozenFacts, change: Partial<AlertStory> = {}): AlertStory {
  return {
    facts,
    accountName: 'Acme Robotics',
    openedAtMs: Date.UTC(2025, 8, 14, 9),
    earlier: { fraud: 0, benign: 2 },
    similar: { fraud: 33, benign: 8 },
    payments: [
      { amountNanos: 50_000_000_000n, currency: 'USD', atMs: Date.UTC(2026, 2, 3, 7, 40), state: 'paid' },
      { amountNanos: 50_000_000_000n, currency: 'USD', atMs: Date.UTC(2026, 1, 3, 8, 5), state: 'paid' },
    ],
    modelReview: null,
    ...change,
  };
}

export const ENGLISH_STYLE: SummaryStyle = {
  reader: { language: 'en', timeZone: 'UTC' },
  customer: { language: 'en', timeZone: 'UTC' },
  baseUrl: 'https://tollkeeper.example.com',
};

export const GERMAN_STYLE: SummaryStyle = {
  reader: { language: 'de', timeZone: 'Europe/Berlin' },
  customer: { language: 'de', timeZone: 'Europe/Berlin' },
  baseUrl: 'https://tollkeeper.example.com',
};
