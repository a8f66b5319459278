import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { openTestLedger, START_MS, type TestLedger } from './ledger.ts';

function ruleset(): Ruleset {
  const loaded = loadRuleset([
    ...['jump', 'leap'].map((id) => ({
      path: `${id}.yaml`,
      text: `id: ${id}
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: 1h, times: ${id === 'jump' ? 3 : 4}, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 45
once: { per: account, for: 1h, again_if: money_at_risk_doubles }
tests:
  - { name: jump, series: "1x48 30", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30", expect: inconclusive }
`,
    })),
    {
      path: 'ruleset.yaml',
      text: `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 79, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 80, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`,
    },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

/** Rules that freeze after a burst, from six quiet days on. */
export const FREEZING_RULES = ruleset();
/** Hours after the tests' beginning. */
export const BURST_HOUR = 24 * 6 + 12;

/** Six quiet days, then an hour of thirty times as much, and usage that is refused after it. */
export async function frozen(account = 'acme'): Promise<TestLedger> {
  const ledger = await openTestLedger(FREEZING_RULES);
  for (let hour = 0; hour <= BURST_HOUR + 2; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    const quantity = hour < BURST_HOUR ? '1' : '30';
    await ledger.use(account, [{ id: `${account}-${hour}`, dollars: quantity, atMs, receivedAtMs: atMs }]);
  }
  return ledger;
}
