import { expect, test } from 'vitest';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { expectProven } from '../support/corrections.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

const rule = (id: string, window: string) => `id: ${id}
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: ${window}, times: 3, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 40
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x48 30@10min", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30@10min", expect: inconclusive }
`;

function rulesetWith(costs: string): Ruleset {
  const settings = `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 69, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 70, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
${costs}
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`;
  const loaded = loadRuleset([
    { path: 'hour.yaml', text: rule('hour', '1h') },
    { path: 'half.yaml', text: rule('half', '30min') },
    { path: 'ruleset.yaml', text: settings },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

async function afterJump(costs: string): Promise<TestLedger> {
  const ledger = await openTestLedger(rulesetWith(costs));
  for (let hour = 0; hour < 49; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    const dollars = hour < 48 ? '1' : '30';
    await ledger.use('acme', [{ id: `e${hour}`, dollars, atMs, receivedAtMs: atMs }]);
  }
  return ledger;
}

test.each([
  ['without costs the points decide', '', 'frozen', 'freeze'],
  [
    'a freeze that saves more than it costs is made',
    'costs: { review: 5.00 USD, friction: 25.00 USD }',
    'frozen',
    'freeze',
  ],
  ['one that costs more is not', 'costs: { review: 5.00 USD, friction: 3000.00 USD }', 'active', 'review'],
])('%s', async (_, costs, status, outcome) => {
  const ledger = await afterJump(costs);
  const [alert] = await ledger.queries.alerts({ tenant: 'default', limit: 10 });
  expect(alert?.outcome).toBe(outcome);
  const [shown] = await ledger.queries.wallet({ tenant: 'default', name: 'acme' });
  expect(shown?.wallet.status).toBe(status);
  if (costs === '') expect(alert?.summary).not.toContain('Weighed');
  // 80 points: 0.8 x 30 USD x 12 hours + 5, and 0.2 x (3,000 or 25 + 12 hours of the usual dollar) + 5.
  if (costs.includes('25.00')) expect(alert?.summary.replace(/\s+/g, ' ')).toContain('review $293.00 ($288.00 lost');
  if (costs.includes('3000')) {
    expect(alert?.summary.replace(/\s+/g, ' ')).toContain('a freeze is expected to cost $607.40, review only $293.00');
  }
  await expectProven(ledger);
});
