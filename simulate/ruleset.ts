import { loadRuleset, type Ruleset } from '../src/domain/rules/ruleset.ts';

/** The account with a price of its own. */
export const DISCOUNTED = 'acct_1';

// Prices with fractions far below a nano, so that every charge leaves a residue; one that changes; one of another account.
const PRICING = `currency: USD
meters:
  - { name: tokens, unit: token, price: 0.0375 USD per 1000000 }
  - { name: calls, unit: call, price: 0.002 USD }
  - { name: thirds, unit: third, price: 0.33333333 USD per 1000000 }
  - name: images
    unit: image
    prices: [{ from: 2024-01-01, price: 0.30 USD }, { from: 2026-03-05, price: 0.20 USD }]
  - { name: signup, unit: event, kind: fact }
overrides:
  - { account: ${DISCOUNTED}, meter: calls, price: 0.0015 USD }
`;

const SETTINGS = `overdraft: 0.50 USD
bands:
  - { from: 0, to: 19, outcome: allow }
  - { from: 20, to: 34, outcome: watch }
  - { from: 35, to: 69, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 70, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 3 }, { kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 60 }
`;

// Short histories and low floors, so that a few hundred random events freeze wallets.
const BURST = `id: burst
title: Burst
why: Because.
owner: risk@example.com
mode: live
review_by: 2027-06-01
detect:
  kind: burst
  of: events
  window: 30min
  times: 2
  min_hours: 2
  floor: { above_expected: 4 }
say: "{observed} events in {window}."
score: 40
once: { per: account, for: 30min, again_if: observed_doubles }
tests:
  - { name: fires, series: "2x100 60@30min", expect: fires }
  - { name: quiet, series: "2x100 2@30min", expect: quiet }
  - { name: young, series: "2x1 60@30min", expect: inconclusive }
`;

// No rule may freeze alone, so a second one has to agree.
const SPEND = BURST.replace('id: burst', 'id: spend')
  .replace('of: events', 'of: spend')
  .replace('above_expected: 4', 'above_expected: 0.05 USD');

let loaded: Ruleset | undefined;

/** The rules and prices of every simulation. */
export function simulatedRuleset(): Ruleset {
  loaded ??= load();
  return loaded;
}

function load(): Ruleset {
  const result = loadRuleset(
    [
      { path: 'rules/burst.yaml', text: BURST },
      { path: 'rules/spend.yaml', text: SPEND },
      { path: 'rules/ruleset.yaml', text: SETTINGS },
      { path: 'rules/pricing.yaml', text: PRICING },
    ],
    { runTests: false },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}
