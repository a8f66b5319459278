import type { RuleErrorCode } from '../../src/domain/rules/load-error-codes.ts';
import type { LoadOptions } from '../../src/domain/rules/load-ruleset.ts';
import { Z_RULE } from './rules-samples.ts';

/** One mistake in the samples, and the finding it must give. */
export interface Case {
  readonly code: RuleErrorCode;
  readonly name: string;
  /** What to change: every pair is replaced once, and must be there. */
  readonly rule?: readonly (readonly [string, string])[];
  readonly burst?: readonly (readonly [string, string])[];
  readonly settings?: readonly (readonly [string, string])[];
  readonly pricing?: readonly (readonly [string, string])[];
  /** `line:col` of the finding. */
  readonly at?: string;
  /** Text the message or fix must hold. */
  readonly says?: string;
  readonly isWarning?: boolean;
  readonly options?: LoadOptions;
}

/** At least one case per code, except those that need other files. */
export const CASES: readonly Case[] = [
  // shape
  {
    code: 'RULE-SHAPE-001',
    name: 'a misspelt key',
    rule: [['threshold:', 'treshold:']],
    at: '13:3',
    says: 'did you mean threshold?',
  },
  { code: 'RULE-SHAPE-001', name: 'an unknown key at the top', rule: [['title:', 'colour: red\ntitle:']], at: '2:1' },
  { code: 'RULE-SHAPE-002', name: 'no score', rule: [['score: 40\n', '']], says: 'score' },
  {
    code: 'RULE-SHAPE-002',
    name: 'no threshold',
    rule: [['  threshold: 3.5\n', '']],
    at: '9:3',
    says: 'detect has no threshold',
  },
  {
    code: 'RULE-SHAPE-003',
    name: 'text for a number',
    rule: [['score: 40', 'score: high']],
    at: '16:8',
    says: 'a number',
  },
  { code: 'RULE-SHAPE-003', name: 'a number for text', rule: [['title: Sample', 'title: 42']], says: 'quote it: "42"' },
  {
    code: 'RULE-SHAPE-003',
    name: 'a fraction for a whole number',
    rule: [['score: 40', 'score: 40.5']],
    says: 'a whole number',
  },
  {
    code: 'RULE-SHAPE-004',
    name: 'a key twice',
    rule: [['score: 40', 'score: 40\nscore: 60']],
    at: '17:1',
    says: 'already written above',
  },
  {
    code: 'RULE-SHAPE-005',
    name: 'a bracket left open',
    rule: [['floor: { above_expected: 20.00 USD }', 'floor: { above_expected: 20.00 USD']],
  },
  {
    code: 'RULE-SHAPE-006',
    name: 'an unquoted no',
    rule: [['title: Sample', 'title: no']],
    at: '2:8',
    says: 'no is true or false',
  },
  { code: 'RULE-SHAPE-007', name: 'base 60', rule: [['window: 6h', 'window: 1:30']], says: 'base 60' },
  { code: 'RULE-SHAPE-008', name: 'a leading zero', rule: [['score: 40', 'score: 08']], at: '16:8', says: 'octal' },
  {
    code: 'RULE-SHAPE-009',
    name: 'an exponent',
    rule: [['threshold: 3.5', 'threshold: 1e3']],
    says: 'write the number out',
  },
  { code: 'RULE-SHAPE-009', name: 'an underscore in a number', rule: [['threshold: 3.5', 'threshold: 1_000']] },
  {
    code: 'RULE-SHAPE-010',
    name: 'an anchor and alias',
    rule: [
      ['title: Sample', 'title: &t Sample'],
      ['why: Because.', 'why: *t'],
    ],
    at: '2:11',
  },
  { code: 'RULE-SHAPE-011', name: 'a huge file', rule: [['why: Because.', `why: ${'x'.repeat(300_000)}`]], at: '1:1' },
  { code: 'RULE-SHAPE-012', name: 'brackets without end', rule: [['title: Sample', `title: ${'['.repeat(20_000)}`]] },
  {
    code: 'RULE-SHAPE-012',
    name: 'lists in lists without end',
    rule: [['title: Sample', `title:\n${'- '.repeat(20_000)}x`]],
  },
  {
    code: 'RULE-SHAPE-013',
    name: 'a right-to-left override',
    rule: [['title: Sample', 'title: Sam\u202eple']],
    at: '2:11',
    says: 'U+202E',
  },
  { code: 'RULE-SHAPE-013', name: 'a zero-width space', rule: [['mode: live', 'mode: live\u200b']] },
  {
    code: 'RULE-SHAPE-014',
    name: 'a control character',
    rule: [['title: Sample', 'title: Sam\u0007ple']],
    says: 'U+0007',
  },
  { code: 'RULE-SHAPE-015', name: 'two documents', rule: [['title: Sample', 'title: Sample\n---\nid: other']] },
  { code: 'RULE-SHAPE-016', name: 'an empty file', rule: [[Z_RULE, '# nothing yet\n']], at: '1:1' },
  { code: 'RULE-SHAPE-017', name: 'a tag', rule: [['title: Sample', 'title: !!js/function Sample']], at: '2:22' },
  {
    code: 'RULE-SHAPE-018',
    name: 'a score over 100',
    rule: [['score: 40', 'score: 101']],
    at: '16:8',
    says: 'at most 100',
  },
  { code: 'RULE-SHAPE-019', name: 'an id with capitals', rule: [['id: sample', 'id: Sample']], at: '1:5' },
  {
    code: 'RULE-SHAPE-020',
    name: 'an unknown mode',
    rule: [['mode: live', 'mode: alive']],
    at: '5:7',
    says: 'did you mean live?',
  },
  {
    code: 'RULE-SHAPE-020',
    name: 'an unknown comparison',
    rule: [['compare: all', 'compare: hour_of_days']],
    says: 'did you mean hour_of_day?',
  },
  { code: 'RULE-SHAPE-023', name: 'a merge key', rule: [['title: Sample', '<<: { title: Sample }']], at: '2:1' },
  // names
  {
    code: 'RULE-NAME-001',
    name: 'an unknown feature',
    rule: [['of: spend', 'of: spent']],
    at: '10:7',
    says: 'did you mean spend?',
  },
  {
    code: 'RULE-NAME-001',
    name: 'a meter without its function',
    rule: [['of: spend', 'of: output_tokens']],
    says: "quantity('output_tokens')",
  },
  {
    code: 'RULE-NAME-002',
    name: 'an unknown meter',
    rule: [['of: spend', "of: quantity('output_tokn')"]],
    says: 'did you mean output_tokens?',
  },
  {
    code: 'RULE-NAME-002',
    name: 'an override of an unknown meter',
    pricing: [['meter: api.calls', 'meter: api.call']],
    says: 'did you mean api.calls?',
  },
  {
    code: 'RULE-NAME-003',
    name: 'an unknown action',
    settings: [['kind: freeze_wallet', 'kind: freeze_walet']],
    says: 'did you mean freeze_wallet?',
  },
  {
    code: 'RULE-NAME-004',
    name: 'an unknown field in say',
    rule: [['{observed}', '{observd}']],
    at: '15:6',
    says: 'did you mean observed?',
  },
  {
    code: 'RULE-NAME-005',
    name: 'an unknown kind',
    rule: [['kind: z_score', 'kind: zscore']],
    at: '9:9',
    says: 'did you mean z_score?',
  },
  {
    code: 'RULE-NAME-006',
    name: 'a file with another name',
    rule: [['id: sample', 'id: other']],
    at: '1:5',
    says: 'id: sample',
  },
  { code: 'RULE-NAME-008', name: 'a meter twice', pricing: [['name: topup', 'name: api.calls']] },
  {
    code: 'RULE-NAME-009',
    name: 'a condition',
    rule: [['say:', "when: distinct('key', '24h') >= 3\nsay:"]],
    at: '15:1',
    says: 'this version does not evaluate it',
  },
  { code: 'RULE-NAME-009', name: 'an exception', rule: [['say:', "unless: account in list('trusted')\nsay:"]] },
  { code: 'RULE-NAME-010', name: 'an unknown currency', pricing: [['currency: USD', 'currency: USX']], at: '1:11' },
  {
    code: 'RULE-NAME-011',
    name: 'an override twice',
    pricing: [['overrides:', 'overrides:\n  - { account: acct_1, meter: api.calls, price: 0.001 USD }']],
  },
  {
    code: 'RULE-NAME-009',
    name: 'a gate on money at risk',
    rule: [['again_if: observed_doubles', 'again_if: money_at_risk_doubles']],
    says: 'observed_doubles',
  },
  { code: 'RULE-NAME-004', name: 'a field without its end', rule: [['{expected}.', '{expected.']] },
  // units
  { code: 'RULE-UNIT-001', name: 'a bare number for money', rule: [['20.00 USD', '20']], at: '14:28', says: '20 USD' },
  { code: 'RULE-UNIT-001', name: 'a bare overdraft', settings: [['overdraft: 5.00 USD', 'overdraft: 5']] },
  {
    code: 'RULE-UNIT-004',
    name: 'an overdraft that is no policy',
    settings: [['overdraft: 5.00 USD', 'overdraft: infinite']],
    at: '1:12',
    says: 'or none, or unlimited',
  },
  { code: 'RULE-UNIT-002', name: 'another currency', rule: [['20.00 USD', '20.00 EUR']], says: 'prices are in USD' },
  { code: 'RULE-UNIT-003', name: 'ten decimals', rule: [['20.00 USD', '20.0000000001 USD']] },
  { code: 'RULE-UNIT-004', name: 'a dollar sign', rule: [['20.00 USD', '"$20.00"']], says: '20.00 USD' },
  { code: 'RULE-UNIT-005', name: 'money for a count', rule: [['of: spend', 'of: events']], says: 'a plain number' },
  { code: 'RULE-UNIT-006', name: 'no duration', rule: [['window: 6h', 'window: six hours']] },
  { code: 'RULE-UNIT-006', name: 'no time at all', rule: [['for: 6h', 'for: 0h']] },
  {
    code: 'RULE-UNIT-007',
    name: 'an ambiguous minute',
    burst: [['window: 30min', 'window: 30m']],
    says: '30min, or 900d',
  },
  { code: 'RULE-UNIT-008', name: 'a window between buckets', burst: [['window: 30min', 'window: 7min']] },
  {
    code: 'RULE-UNIT-008',
    name: 'half an hour for sums of hours',
    rule: [['window: 6h', 'window: 90min']],
    says: 'kind: burst',
  },
  { code: 'RULE-UNIT-009', name: 'a share without %', rule: [['spread_floor: 15%', 'spread_floor: "0.15"']] },
  { code: 'RULE-UNIT-010', name: 'a negative floor', rule: [['20.00 USD', '-20.00 USD']] },
  { code: 'RULE-UNIT-010', name: 'a negative price', pricing: [['price: 0.002 USD', 'price: -0.002 USD']] },
  { code: 'RULE-UNIT-011', name: 'a price per three', pricing: [['per 1000000', 'per 3']], says: 'power of ten' },
  { code: 'RULE-UNIT-012', name: '30 February', rule: [['2027-06-01', '2027-02-30']], at: '6:12' },
  { code: 'RULE-UNIT-013', name: 'prices out of order', pricing: [['from: 2026-01-01', 'from: 2023-01-01']] },
  // statistics
  { code: 'RULE-STAT-001', name: 'no spread floor', rule: [[', spread_floor: 15%', '']], at: '12:13' },
  { code: 'RULE-STAT-001', name: 'a spread floor of nothing', rule: [['spread_floor: 15%', 'spread_floor: 0%']] },
  {
    code: 'RULE-STAT-002',
    name: 'more points than there are',
    rule: [['compare: all', 'compare: hour_of_week']],
    says: 'at most 4',
  },
  {
    code: 'RULE-STAT-003',
    name: 'a threshold beyond reach',
    rule: [['threshold: 3.5', 'threshold: 120']],
    at: '13:14',
  },
  {
    code: 'RULE-STAT-004',
    name: 'a weekly comparison over two weeks',
    rule: [['from: 28d, compare: all', 'from: 14d, compare: hour_of_week']],
  },
  { code: 'RULE-STAT-005', name: 'a window of eight days', rule: [['window: 6h', 'window: 8d']] },
  { code: 'RULE-STAT-005', name: 'a burst of three hours', burst: [['window: 30min', 'window: 3h']], says: 'z_score' },
  { code: 'RULE-STAT-006', name: 'five weeks back', rule: [['from: 28d', 'from: 35d']], says: '28 days' },
  { code: 'RULE-STAT-007', name: 'a look-back of one window', rule: [['from: 28d', 'from: 8h']] },
  {
    code: 'RULE-STAT-008',
    name: 'a burst with nothing to compare',
    burst: [
      ['  times: 6\n', ''],
      ['  floor: { above_expected: 10.00 USD }\n', ''],
    ],
  },
  { code: 'RULE-STAT-009', name: 'a judgement after three points', rule: [['min_points: 48', 'min_points: 3']] },
  {
    code: 'RULE-STAT-010',
    name: 'a limit of zero',
    burst: [
      ['  times: 6\n', '  limit: 0.00 USD\n'],
      ['  floor: { above_expected: 10.00 USD }\n', ''],
    ],
  },
  {
    code: 'RULE-STAT-011',
    name: 'no money floor',
    rule: [['  floor: { above_expected: 20.00 USD }\n', '']],
    isWarning: true,
    options: { runTests: false },
  },
  // logic
  { code: 'RULE-LOGIC-001', name: 'a gap between bands', settings: [['from: 20', 'from: 22']], says: '20 to 21' },
  { code: 'RULE-LOGIC-002', name: 'bands that overlap', settings: [['from: 20', 'from: 18']], says: '18 to 19' },
  { code: 'RULE-LOGIC-003', name: 'a band no sum reaches', rule: [['score: 40', 'score: 5']], isWarning: true },
  {
    code: 'RULE-LOGIC-004',
    name: 'one rule that freezes',
    rule: [['score: 40', 'score: 70']],
    at: '16:8',
    says: '69 or less',
  },
  { code: 'RULE-LOGIC-005', name: 'bands that end at 90', settings: [['to: 100', 'to: 90']] },
  { code: 'RULE-LOGIC-005', name: 'bands that begin at 5', settings: [['from: 0', 'from: 5']] },
  { code: 'RULE-LOGIC-006', name: 'review before watch', settings: [['outcome: watch', 'outcome: review']] },
  {
    code: 'RULE-LOGIC-007',
    name: 'a rule without effect',
    rule: [['score: 40', 'score: 1']],
    burst: [['score: 40', 'score: 1']],
    isWarning: true,
  },
  { code: 'RULE-LOGIC-009', name: 'a band that ends before it begins', settings: [['to: 34', 'to: 10']] },
  { code: 'RULE-LOGIC-010', name: 'a floor beside a limit', burst: [['times: 6', 'limit: 20.00 USD']] },
  { code: 'RULE-LOGIC-010', name: 'a fact with a price', pricing: [['kind: fact', 'kind: fact, price: 1 USD']] },
  // safety
  {
    code: 'RULE-SAFE-001',
    name: 'a freeze without end',
    settings: [['kind: freeze_wallet, hours: 24', 'kind: freeze_wallet']],
  },
  { code: 'RULE-SAFE-002', name: 'a freeze of two weeks', settings: [['hours: 24', 'hours: 336']] },
  { code: 'RULE-SAFE-003', name: 'no owner', rule: [['owner: risk@example.com\n', '']] },
  { code: 'RULE-SAFE-004', name: 'no why', rule: [['why: Because.\n', '']] },
  { code: 'RULE-SAFE-005', name: 'no review date', rule: [['review_by: 2027-06-01\n', '']] },
  { code: 'RULE-SAFE-006', name: 'an overdue review', options: { nowMs: Date.UTC(2028, 0, 1) }, isWarning: true },
  { code: 'RULE-SAFE-007', name: 'the account in say', rule: [['{observed}', '{account}']] },
  { code: 'RULE-SAFE-007', name: 'markup in say', rule: [['Spent {observed}', '<b>Spent</b> {observed}']] },
  { code: 'RULE-SAFE-008', name: 'no cap on freezes', settings: [[', freezes_per_day: 20', '']] },
  {
    code: 'RULE-SAFE-009',
    name: 'a freeze in the review band',
    settings: [['{ kind: notify, to: support }', '{ kind: freeze_wallet, hours: 2 }']],
  },
  {
    code: 'RULE-SAFE-009',
    name: 'a freeze band that does not freeze',
    settings: [['{ kind: freeze_wallet, hours: 24 }, ', '']],
  },
  {
    code: 'RULE-SAFE-010',
    name: 'a review nobody hears of',
    settings: [[', actions: [{ kind: notify, to: support }]', '']],
  },
  // evidence
  { code: 'RULE-TEST-001', name: 'no test that fires', rule: [['expect: fires', 'expect: quiet']] },
  { code: 'RULE-TEST-002', name: 'no test that is quiet', rule: [['expect: quiet', 'expect: fires']] },
  { code: 'RULE-TEST-003', name: 'no test that is inconclusive', rule: [['expect: inconclusive', 'expect: quiet']] },
  {
    code: 'RULE-TEST-004',
    name: 'a test that fails',
    rule: [['series: "9x672 410"', 'series: "9x672 10"']],
    at: '19:5',
    says: 'the result is quiet',
  },
  { code: 'RULE-TEST-005', name: 'a series that cannot be read', rule: [['9x672 410', '9*672 410']], says: '9*672' },
  { code: 'RULE-TEST-006', name: 'two tests of one name', rule: [['name: quiet', 'name: fires']] },
  { code: 'RULE-TEST-007', name: 'a series of a year', rule: [['9x672 410', '9x8760 410']] },
];
