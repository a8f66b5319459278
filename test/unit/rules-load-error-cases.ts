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
  readonly at: string;
  /** Text the message or fix must hold. */
  readonly says?: string;
  readonly isWarning?: boolean;
  /** Further files: as they stand, or the rule of the samples changed. */
  readonly more?: readonly (
    | { readonly path: string; readonly text: string }
    | { readonly path: string; readonly change: readonly (readonly [string, string])[] }
  )[];
  /** Files of the samples that are not there. */
  readonly without?: readonly string[];
  readonly options?: Omit<LoadOptions, 'inForce'> & { readonly inForce?: 'without sample' | 'in euros' };
}

/** Mistakes in shape, names and units. */
export const SHAPE_CASES: readonly Case[] = [
  // shape
  {
    code: 'RULE-SHAPE-001',
    name: 'a misspelt key',
    rule: [['threshold:', 'treshold:']],
    at: '13:3',
    says: 'did you mean threshold?',
  },
  { code: 'RULE-SHAPE-001', name: 'an unknown key at the top', rule: [['title:', 'colour: red\ntitle:']], at: '2:1' },
  { code: 'RULE-SHAPE-002', name: 'no score', at: '1:1', rule: [['score: 40\n', '']], says: 'score' },
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
  {
    code: 'RULE-SHAPE-003',
    name: 'a number for text',
    at: '2:8',
    rule: [['title: Sample', 'title: 42']],
    says: 'quote it: "42"',
  },
  {
    code: 'RULE-SHAPE-003',
    name: 'a fraction for a whole number',
    at: '16:8',
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
    at: '15:1',
    rule: [['floor: { above_expected: 20.00 USD }', 'floor: { above_expected: 20.00 USD']],
  },
  {
    code: 'RULE-SHAPE-006',
    name: 'an unquoted no',
    rule: [['title: Sample', 'title: no']],
    at: '2:8',
    says: 'no is true or false',
  },
  { code: 'RULE-SHAPE-007', name: 'base 60', at: '11:11', rule: [['window: 6h', 'window: 1:30']], says: 'base 60' },
  { code: 'RULE-SHAPE-008', name: 'a leading zero', rule: [['score: 40', 'score: 08']], at: '16:8', says: 'octal' },
  {
    code: 'RULE-SHAPE-009',
    name: 'an exponent',
    at: '13:14',
    rule: [['threshold: 3.5', 'threshold: 1e3']],
    says: 'write the number out',
  },
  {
    code: 'RULE-SHAPE-009',
    name: 'an underscore in a number',
    at: '13:14',
    rule: [['threshold: 3.5', 'threshold: 1_000']],
  },
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
  {
    code: 'RULE-SHAPE-012',
    name: 'brackets without end',
    at: '2:24',
    rule: [['title: Sample', `title: ${'['.repeat(20_000)}`]],
  },
  {
    code: 'RULE-SHAPE-012',
    name: 'lists in lists without end',
    at: '3:40001',
    rule: [['title: Sample', `title:\n${'- '.repeat(20_000)}x`]],
  },
  {
    code: 'RULE-SHAPE-013',
    name: 'a right-to-left override',
    rule: [['title: Sample', 'title: Sam\u202eple']],
    at: '2:11',
    says: 'U+202E',
  },
  { code: 'RULE-SHAPE-013', name: 'a zero-width space', at: '5:11', rule: [['mode: live', 'mode: live\u200b']] },
  {
    code: 'RULE-SHAPE-014',
    name: 'a control character',
    at: '2:11',
    rule: [['title: Sample', 'title: Sam\u0007ple']],
    says: 'U+0007',
  },
  {
    code: 'RULE-SHAPE-015',
    name: 'two documents',
    at: '3:1',
    rule: [['title: Sample', 'title: Sample\n---\nid: other']],
  },
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
    at: '12:35',
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
    at: '10:7',
    rule: [['of: spend', 'of: output_tokens']],
    says: "quantity('output_tokens')",
  },
  {
    code: 'RULE-NAME-002',
    name: 'an unknown meter',
    at: '10:7',
    rule: [['of: spend', "of: quantity('output_tokn')"]],
    says: 'did you mean output_tokens?',
  },
  {
    code: 'RULE-NAME-002',
    name: 'an override of an unknown meter',
    at: '10:31',
    pricing: [['meter: api.calls', 'meter: api.call']],
    says: 'did you mean api.calls?',
  },
  {
    code: 'RULE-NAME-003',
    name: 'an unknown action',
    at: '6:61',
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
  { code: 'RULE-NAME-008', name: 'a meter twice', at: '8:13', pricing: [['name: topup', 'name: api.calls']] },
  { code: 'RULE-NAME-010', name: 'an unknown currency', pricing: [['currency: USD', 'currency: USX']], at: '1:11' },
  {
    code: 'RULE-NAME-011',
    name: 'an override twice',
    at: '11:5',
    pricing: [['overrides:', 'overrides:\n  - { account: acct_1, meter: api.calls, price: 0.001 USD }']],
  },
  {
    code: 'RULE-SHAPE-020',
    name: 'a gate on something else',
    at: '17:42',
    rule: [['again_if: observed_doubles', 'again_if: money_doubles']],
    says: 'money_at_risk_doubles',
  },
  { code: 'RULE-NAME-004', name: 'a field without its end', at: '15:6', rule: [['{expected}.', '{expected.']] },
  // units
  { code: 'RULE-UNIT-001', name: 'a bare number for money', rule: [['20.00 USD', '20']], at: '14:28', says: '20 USD' },
  { code: 'RULE-UNIT-001', name: 'a bare overdraft', at: '1:12', settings: [['overdraft: 5.00 USD', 'overdraft: 5']] },
  {
    code: 'RULE-UNIT-004',
    name: 'an overdraft that is no policy',
    settings: [['overdraft: 5.00 USD', 'overdraft: infinite']],
    at: '1:12',
    says: 'or none, or unlimited',
  },
  {
    code: 'RULE-UNIT-002',
    name: 'another currency',
    at: '14:28',
    rule: [['20.00 USD', '20.00 EUR']],
    says: 'prices are in USD',
  },
  { code: 'RULE-UNIT-003', name: 'ten decimals', at: '14:28', rule: [['20.00 USD', '20.0000000001 USD']] },
  { code: 'RULE-UNIT-004', name: 'a dollar sign', at: '14:28', rule: [['20.00 USD', '"$20.00"']], says: '20.00 USD' },
  {
    code: 'RULE-UNIT-005',
    name: 'money for a count',
    at: '14:28',
    rule: [['of: spend', 'of: events']],
    says: 'a plain number',
  },
  { code: 'RULE-UNIT-006', name: 'no duration', at: '11:11', rule: [['window: 6h', 'window: six hours']] },
  { code: 'RULE-UNIT-006', name: 'no time at all', at: '17:28', rule: [['for: 6h', 'for: 0h']] },
  {
    code: 'RULE-UNIT-007',
    name: 'an ambiguous minute',
    at: '10:11',
    burst: [['window: 30min', 'window: 30m']],
    says: '30min, or 900d',
  },
  { code: 'RULE-UNIT-008', name: 'a window between buckets', at: '10:11', burst: [['window: 30min', 'window: 7min']] },
  {
    code: 'RULE-UNIT-008',
    name: 'half an hour for sums of hours',
    at: '11:11',
    rule: [['window: 6h', 'window: 90min']],
    says: 'kind: burst',
  },
  {
    code: 'RULE-UNIT-009',
    name: 'a share without %',
    at: '12:87',
    rule: [['spread_floor: 15%', 'spread_floor: "0.15"']],
  },
  { code: 'RULE-UNIT-010', name: 'a negative floor', at: '14:28', rule: [['20.00 USD', '-20.00 USD']] },
  { code: 'RULE-UNIT-010', name: 'a negative price', at: '4:43', pricing: [['price: 0.002 USD', 'price: -0.002 USD']] },
  {
    code: 'RULE-UNIT-011',
    name: 'a price per three',
    at: '3:48',
    pricing: [['per 1000000', 'per 3']],
    says: 'power of ten',
  },
  { code: 'RULE-UNIT-012', name: '30 February', rule: [['2027-06-01', '2027-02-30']], at: '6:12' },
  {
    code: 'RULE-UNIT-013',
    name: 'prices out of order',
    at: '7:61',
    pricing: [['from: 2026-01-01', 'from: 2023-01-01']],
  },
];
