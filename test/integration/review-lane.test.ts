import { expect, test } from 'vitest';
import { createReviewModel } from '../../src/adapters/openai/review-model.ts';
import { createReviewStore } from '../../src/adapters/postgres/review-store.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { BreakerState, reviewAlert } from '../../src/pipeline/review/review-alert.ts';
import { honest, startFakeModel } from '../support/hostile-model.ts';
import { openTestLedger, START_MS } from '../support/ledger.ts';

const RULE = `id: hour
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: 1h, times: 3, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 40
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x48 30@10min", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30@10min", expect: inconclusive }
`;
const REVIEW = `review:
  model: fake
  band: { from: 35, to: 69 }
  budget_per_day: 1.00 USD
  prices: [{ model: fake, input: 1.00 USD, output: 2.00 USD }]`;

function rulesetWith(review: string): Ruleset {
  const settings = `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 100, outcome: review, actions: [{ kind: notify, to: support }] }
${review}
budgets: { alerts_per_day: 40 }
`;
  const loaded = loadRuleset([
    { path: 'hour.yaml', text: RULE },
    { path: 'ruleset.yaml', text: settings },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

async function afterJump(review: string) {
  const ruleset = rulesetWith(review);
  const ledger = await openTestLedger(ruleset);
  for (let hour = 0; hour < 49; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    await ledger.use('acme', [{ id: `e${hour}`, dollars: hour < 48 ? '1' : '30', atMs, receivedAtMs: atMs }]);
  }
  const [alert] = await ledger.queries.alerts({ tenant: 'default', limit: 10 });
  const { rows } = await ledger.pool.query<{ payload: unknown }>(`select payload from outbox where topic = 'review'`);
  return { ruleset, ledger, alert, asked: rows.map(({ payload }) => payload) };
}

test('a lane asks for a review with the alert, and only where the ruleset has one', async () => {
  const off = await afterJump('');
  expect(off.alert?.outcome).toBe('review');
  expect(off.asked).toEqual([]);

  const { ruleset, ledger, alert, asked } = await afterJump(REVIEW);
  // The alert is there before any model has been asked: none exists yet.
  expect(asked).toEqual([{ v: 1, tenant: 'default', alert: alert?.alertId }]);
  const server = await startFakeModel(() => ({ content: honest({ verdict: 'likely_benign', confidence: 1 }) }));
  const parts = {
    store: createReviewStore(ledger.pool),
    model: createReviewModel({ apiKey: undefined, baseUrl: server.baseUrl }),
    rules: () => ruleset,
    now: () => START_MS,
    breaker: new BreakerState(),
  };
  const result = await reviewAlert(parts, { tenant: 'default', alertId: alert?.alertId ?? '' });
  // Ten points down from 40 would leave the band, which begins at 35.
  expect(result).toMatchObject({ status: 'reviewed', score: 35, proposesClosing: false });
  const [first] = server.asked[0]?.evidence ?? [];
  expect(first).toMatchObject({ id: 'e1', kind: 'rule', figures: { observed: 30, fires: 1, points: 40 } });
  expect(await ledger.queries.alert('default', alert?.alertId ?? '')).toMatchObject({
    alert: { status: 'open', outcome: 'review' },
    decision: { outcome: 'review', score: 40 },
    review: { scoreAfter: 35 },
  });
});
