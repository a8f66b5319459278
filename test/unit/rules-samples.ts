/** Small valid files that tests change one word of. */
export const Z_RULE = `id: sample
title: Sample
why: Because.
owner: risk@example.com
mode: live
review_by: 2027-06-01
# a comment
detect:
  kind: z_score
  of: spend
  window: 6h
  baseline: { from: 28d, compare: all, method: log_mad, min_points: 48, spread_floor: 15% }
  threshold: 3.5
  floor: { above_expected: 20.00 USD }
say: "Spent {observed} in {window}, usually {expected}."
score: 40
once: { per: account, for: 6h, again_if: observed_doubles }
tests:
  - { name: fires, series: "9x672 410", expect: fires }
  - { name: quiet, series: "380x672 410", expect: quiet }
  - { name: young, series: "9x48 410", expect: inconclusive }
`;

export const BURST_RULE = `id: burst
title: Burst
why: Because.
owner: risk@example.com
mode: live
review_by: 2027-06-01
detect:
  kind: burst
  of: spend
  window: 30min
  times: 6
  floor: { above_expected: 10.00 USD }
say: "Spent {observed} in {window}."
score: 40
once: { per: account, for: 6h, again_if: observed_doubles }
tests:
  - { name: fires, series: "2x100 60@30min", expect: fires }
  - { name: quiet, series: "2x100 5@30min", expect: quiet }
  - { name: young, series: "2x6 60@30min", expect: inconclusive }
`;

export const SETTINGS = `overdraft: 5.00 USD
bands:
  - { from: 0, to: 19, outcome: allow }
  - { from: 20, to: 34, outcome: watch }
  - { from: 35, to: 69, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 70, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`;

export const PRICING = `currency: USD
meters:
  - { name: output_tokens, unit: token, price: 0.60 USD per 1000000 }
  - { name: api.calls, unit: call, price: 0.002 USD }
  - name: image.count
    unit: image
    prices: [{ from: 2024-01-01, price: 0.03 USD }, { from: 2026-01-01, price: 0.02 USD }]
  - { name: topup, unit: event, kind: fact }
overrides:
  - { account: acct_1, meter: api.calls, price: 0.0015 USD }
`;
