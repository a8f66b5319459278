import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AbuseProbability,
  abuseProbability,
  NO_CASES,
} from '../../../../src/domain/decisions/abuse-probability.ts';
import { type AlertFacts, writeAlertSummary } from '../../../../src/domain/decisions/alert-summary.ts';
import { chooseByLoss } from '../../../../src/domain/decisions/expected-loss.ts';
import type { RuleResult } from '../../../../src/domain/decisions/judgement.ts';
import { displayWidth } from '../../../../src/domain/text/clean.ts';
import { HOUR_MS, MINUTE_MS } from '../../../../src/domain/time.ts';

const USD = 1_000_000_000;
const RAISED_AT = Date.UTC(2026, 2, 3, 14, 2);

const spendFarAbove: RuleResult = {
  ruleId: 'spend-far-above-usual',
  title: 'Spend far above the usual',
  mode: 'live',
  status: 'hit',
  score: 60,
  kind: 'z_score',
  feature: 'spend',
  unit: 'nanos',
  windowMs: 6 * HOUR_MS,
  observed: 412.8 * USD,
  expected: 9.1 * USD,
  lower: 4 * USD,
  upper: 21 * USD,
  threshold: 31.4 * USD,
  z: 12.4,
  times: 45.362637,
  points: 28,
  say: 'Spent $412.80 in 6 hours; the usual is $9.10.',
};

const spendBurst: RuleResult = {
  ruleId: 'spend-burst',
  title: 'A burst of spend',
  mode: 'live',
  status: 'snoozed',
  score: 30,
  kind: 'burst',
  feature: 'spend',
  unit: 'nanos',
  windowMs: 10 * MINUTE_MS,
  observed: 38.2 * USD,
  expected: 0.6 * USD,
  lower: 0,
  upper: 3.1 * USD,
  threshold: 8 * USD,
  times: 63.666667,
  points: 212,
  say: 'Spent $38.20 in 10 minutes.',
};

const altered: RuleResult = {
  ruleId: 'events-altered',
  title: 'Events re-sent with other content',
  mode: 'live',
  status: 'hit',
  score: 70,
  kind: 'burst',
  feature: 'altered',
  unit: 'count',
  windowMs: 30 * MINUTE_MS,
  observed: 31,
  expected: 0,
  lower: 0,
  upper: 0,
  threshold: 20,
  points: 240,
  say: '31 events came again under the same id with other content.',
};

const inconclusive: RuleResult = {
  ...spendFarAbove,
  status: 'inconclusive',
  score: 0,
  expected: 0,
  lower: 0,
  upper: 0,
  threshold: null,
  points: 3,
  say: '',
  reason: '3 of 14 comparable windows so far',
};

const quiet = Array.from({ length: 42 }, (_, hour) => (1 + (hour % 5) / 4) * USD);
const attack = [20, 60, 85.2, 80, 90.4, 77.2].map((usd) => usd * USD);

const frozen: AlertFacts = {
  alertId: 'alt_8k2m4q6r0t3v5x7z',
  account: 'acct_7f3a',
  walletId: 'wal_0123456789abc',
  currency: 'USD',
  outcome: 'freeze',
  score: 90,
  raisedAtMs: RAISED_AT,
  frozenUntilMs: RAISED_AT + 24 * HOUR_MS,
  notFrozenBecause: null,
  choice: null,
  results: [spendBurst, spendFarAbove, { ...spendFarAbove, ruleId: 'spend-new-model', mode: 'shadow', score: 0 }],
  hourlySpendNanos: [...quiet, ...attack],
  balanceNanos: -37_250_000_000n,
  moneyAtRiskNanos: 37_250_000_000n,
  lossNanos: 403_700_000_000n,
  heldBackNanos: 0n,
  reactionHours: 12,
};

const review: AlertFacts = {
  ...frozen,
  outcome: 'review',
  score: 60,
  frozenUntilMs: null,
  notFrozenBecause: 'the rules that fire add up to 60 points; a freeze needs 80',
  results: [
    spendFarAbove,
    { ...inconclusive, ruleId: 'spend-burst', kind: 'burst', reason: '5 of 24 hours with usage so far' },
  ],
  balanceNanos: 12_000_000_000n,
  moneyAtRiskNanos: 926_400_000_000n,
};

const weighed = (burn: number, usual: number, probability: AbuseProbability, spendable: number) => ({
  ...chooseByLoss('freeze', 'review', {
    probability: probability.mean,
    burnNanosPerHour: burn * USD,
    usualNanosPerHour: usual * USD,
    reactionHours: 12,
    unnoticedHours: 72,
    freezeHours: 24,
    spendableNanos: spendable * USD,
    costs: { reviewNanos: 5 * USD, frictionNanos: 25 * USD },
  }),
  probability,
});

const cases: Readonly<Record<string, AlertFacts>> = {
  freeze: frozen,
  'already-frozen': {
    ...frozen,
    notFrozenBecause: 'the wallet is already frozen',
    heldBackNanos: 96_000_000_000n,
  },
  review,
  'review-radar': { ...review, radar: { untilMs: RAISED_AT + 168 * HOUR_MS } },
  'freeze-weighed': { ...frozen, choice: weighed(80, 1.5, abuseProbability(90, { confirmed: 3, benign: 1 }), 5_000) },
  'not-worth-freezing': {
    ...review,
    score: 90,
    notFrozenBecause: 'a freeze is expected to cost $9.30, review only $5.54',
    choice: weighed(0.05, 0.01, abuseProbability(90, NO_CASES), 5_000),
    results: [{ ...spendFarAbove, score: 90 }],
  },
  watch: {
    ...review,
    outcome: 'watch',
    score: 30,
    notFrozenBecause: 'the rules that fire add up to 30 points; a freeze needs 80',
    results: [{ ...spendBurst, status: 'hit' }],
    reactionHours: 1,
  },
  tampering: {
    ...review,
    score: 70,
    notFrozenBecause: 'the rules that fire add up to 70 points; a freeze needs 80',
    results: [altered],
    hourlySpendNanos: quiet,
    moneyAtRiskNanos: 18_000_000_000n,
    lossNanos: 0n,
  },
  'too-little-history': {
    ...review,
    results: [{ ...spendBurst, status: 'hit', score: 60, expected: 0.2 * USD, points: 4, times: 191 }, inconclusive],
    hourlySpendNanos: attack,
  },
};

describe('the text of an alert', () => {
  test.each(Object.entries(cases))('%s reads as agreed', async (name, facts) => {
    const { title, summary } = writeAlertSummary(facts);
    await expect(`${title}\n\n${summary}\n`).toMatchFileSnapshot(`golden/alert-${name}.txt`);
  });

  test.each(Object.entries(cases))(
    '%s fits into 100 columns and asks nothing of the reader it does not say',
    (_, facts) => {
      const { title, summary } = writeAlertSummary(facts);
      for (const line of [title, ...summary.split('\n')]) expect(displayWidth(line)).toBeLessThanOrEqual(100);
      expect(summary).not.toMatch(/undefined|NaN|Infinity|null|!/);
    },
  );

  // Every command named here is one that exists; test/unit/cli/command-line.test.ts knows them all.
  test.each(Object.entries(cases))('%s asks for nothing that cannot be done', (_, facts) => {
    const next = writeAlertSummary(facts).summary.replaceAll(/\s+/g, ' ').split('Next ')[1] ?? '';
    expect(next).not.toMatch(/close the alert|baseline|benign/);
    // The text is read in `alert show`; sending its reader there would be a step that leads nowhere.
    const commands = [...next.matchAll(/tollkeeper (\w+ \w+)/g)].map(([, command]) => command);
    expect(commands.length).toBeGreaterThan(0);
    expect(['wallet thaw', 'wallet freeze']).toEqual(expect.arrayContaining(commands));
  });

  test('each rule says each of its figures once, and all of them', () => {
    const says = {
      everything: '$38.20 in 10 minutes, 64× the $0.60 of a busy stretch; $8.00 would be enough.',
      nothing: 'A burst of spend.',
    };
    const why = (say: string) => {
      const { summary } = writeAlertSummary({ ...review, results: [{ ...spendBurst, say }] });
      return summary.replaceAll(/\s+/g, ' ').split('These rules fired: ')[1]?.split(' At risk')[0];
    };
    expect(why(says.everything)).toBe(`spend-burst (told before, still true): ${says.everything}`);
    expect(why(says.nothing)).toBe(
      'spend-burst (64× the expected $0.60; told before, still true): A burst of spend. ' +
        'Observed $38.20 in 10 minutes. Would not have fired below $8.00.',
    );
    // Part of a longer figure is not that figure.
    expect(why('Spent $138.20, and $8.001 more.')).toContain('Observed $38.20 in 10 minutes.');
    expect(why('Spent $138.20, and $8.001 more.')).toContain('Would not have fired below $8.00.');
  });

  test('an account id cannot break the layout', () => {
    const hostile = `evil\u001b[2J\r\nSaved so far: $1,000,000\u202e${'x'.repeat(5000)}`;
    const { title, summary } = writeAlertSummary({ ...frozen, account: hostile });
    expect(title).toMatch(/^evil�\[2J��Saved so far: \S*…x+ · wallet frozen/);
    expect(displayWidth(title)).toBeLessThanOrEqual(100);
    expect(summary).toBe(writeAlertSummary(frozen).summary);
  });

  test('a wallet without spend has no chart, an unexplained alert says so', () => {
    const { summary } = writeAlertSummary({ ...review, results: [], hourlySpendNanos: [0, 0, 0] });
    expect(summary).not.toContain('spend/hour');
    expect(summary).toContain('No live rule explains this alert');
  });

  test('other currencies are written with their code', () => {
    expect(writeAlertSummary({ ...frozen, currency: 'CHF' }).summary).toContain('Spent 412.80 CHF in 6 hours.');
  });

  test('whatever the numbers, it is written and keeps its width', () => {
    const number = fc.oneof(
      fc.double({ min: -1e18, max: 9.2e18 }),
      fc.nat(),
      fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY),
    );
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    const result = fc.record({
      ruleId: text,
      title: text,
      mode: fc.constantFrom('live' as const, 'shadow' as const),
      status: fc.constantFrom('hit' as const, 'no_hit' as const, 'inconclusive' as const, 'snoozed' as const),
      score: fc.nat(100),
      kind: fc.constantFrom('burst', 'z_score'),
      feature: fc.constantFrom('spend', 'events', 'altered', "quantity('tokens')"),
      unit: fc.constantFrom('nanos', 'count'),
      windowMs: fc.integer({ min: 1, max: 168 }).map((hours) => hours * HOUR_MS),
      observed: number,
      expected: number,
      lower: number,
      upper: number,
      threshold: fc.option(number),
      points: fc.nat(700),
      say: text,
    });
    fc.assert(
      fc.property(
        fc.array(result, { maxLength: 4 }),
        fc.array(number, { maxLength: 60 }),
        text,
        (results, hourlySpendNanos, account) => {
          const { title, summary } = writeAlertSummary({ ...review, results, hourlySpendNanos, account });
          for (const line of [title, ...summary.split('\n')]) {
            expect(displayWidth(line)).toBeLessThanOrEqual(100);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
      { numRuns: 500, seed: 41 },
    );
  });
});
