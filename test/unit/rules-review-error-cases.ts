import type { Case } from './rules-load-error-cases.ts';

/** Mistakes in what a language model may review. */
export const REVIEW_CASES: readonly Case[] = [
  {
    code: 'RULE-REVIEW-001',
    name: 'a review of what is frozen',
    settings: [
      [
        'budgets:',
        'review: { model: m, band: { from: 20, to: 90 }, budget_per_day: 1.00 USD, prices: [{ model: m, input: 1.00 USD, output: 2.00 USD }] }\nbudgets:',
      ],
    ],
    at: '7:43',
    says: 'at most',
  },
  {
    code: 'RULE-REVIEW-002',
    name: 'a reviewing model without a price',
    settings: [
      [
        'budgets:',
        'review: { model: n, band: { from: 20, to: 30 }, budget_per_day: 1.00 USD, prices: [{ model: m, input: 1.00 USD, output: 2.00 USD }] }\nbudgets:',
      ],
    ],
    at: '7:18',
    says: 'prices',
  },
  {
    code: 'RULE-REVIEW-003',
    name: 'a reviewing model with two prices',
    settings: [
      [
        'budgets:',
        'review: { model: m, band: { from: 20, to: 30 }, budget_per_day: 1.00 USD, prices: [{ model: m, input: 1.00 USD, output: 2.00 USD }, { model: m, input: 1.00 USD, output: 3.00 USD }] }\nbudgets:',
      ],
    ],
    at: '7:133',
    says: 'remove one',
  },
];
