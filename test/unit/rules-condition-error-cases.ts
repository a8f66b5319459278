import type { Case } from './rules-load-error-cases.ts';

/** The sample with a condition on line 15, whose text begins in column 7. */
function when(condition: string): NonNullable<Case['rule']> {
  return [['say:', `when: ${condition}\nsay:`]];
}

/** The sample with an exception on line 15, whose text begins in column 9. */
function unless(condition: string): NonNullable<Case['rule']> {
  return [['say:', `unless: ${condition}\nsay:`]];
}

const TRUSTED = `why: Partners.
entries:
  - { value: acct_1, until: 2027-03-01, why: "a partner" }
  - { value: acct_2, until: 2027-03-01, why: "a partner" }
`;

function trusted(from: string, to: string): NonNullable<Case['more']> {
  return [{ path: 'rules/lists/trusted.yaml', text: TRUSTED.replace(from, to) }];
}

function planned(text: string): NonNullable<Case['settings']> {
  return [['budgets:', `planned:\n  - { ${text} }\nbudgets:`]];
}

const LAUNCH = 'account: acct_1, from: 2027-02-01, to: 2027-02-03, ceiling: 500.00 USD, why: launch';

const METERS = Array.from({ length: 31 }, (_, index) => `meter-${index}`);

/** Rules that look at one meter each, and the prices of those. */
const TOO_MUCH: NonNullable<Case['more']> = [
  {
    path: 'rules/pricing.yaml',
    text: `currency: USD\nmeters:\n${METERS.map((name) => `  - { name: ${name}, unit: thing, price: 1 USD }\n`).join('')}`,
  },
  ...METERS.map((name) => ({
    path: `rules/${name}.yaml`,
    change: [
      ['id: sample', `id: ${name}`],
      ['of: spend', `of: quantity('${name}')`],
      ['20.00 USD', '20'],
    ] as const,
  })),
];

/** Seven rules with a hundred tests each. */
const TESTED: NonNullable<Case['more']> = Array.from({ length: 7 }, (_, index) => ({
  path: `rules/tested-${index}.yaml`,
  change: [
    ['id: sample', `id: tested-${index}`],
    ['threshold: 3.5', `threshold: ${4 + index}`],
    [
      'tests:\n',
      `tests:\n${Array.from({ length: 97 }, (_, test) => `  - { name: t${test}, series: "1", expect: quiet }\n`).join('')}`,
    ],
  ] as const,
}));

/** Mistakes in conditions, lists and plans, and those that take several files. */
export const CONDITION_CASES: readonly Case[] = [
  // syntax
  { code: 'RULE-CEL-001', name: 'a condition that ends early', rule: when("spend('1h') >"), at: '15:20' },
  {
    code: 'RULE-CEL-001',
    name: 'a dollar sign',
    rule: when("spend('1h') > $20"),
    at: '15:21',
    says: 'money as 20.00 USD',
  },
  {
    code: 'RULE-CEL-001',
    name: 'a mistake in a folded block, at its own line',
    rule: when("|\n  spend('1h') > 20.00 USD\n  && events('1h') >> 3"),
    at: '17:20',
  },
  {
    code: 'RULE-CEL-002',
    name: 'a misspelt name',
    rule: when('z > 4 && walet.balance < 0.00 USD'),
    at: '15:16',
    says: 'did you mean wallet.balance?',
  },
  {
    code: 'RULE-CEL-002',
    name: 'a meter without its function',
    rule: when('output_tokens > 1000'),
    at: '15:7',
    says: "sum('output_tokens', '6h')",
  },
  {
    code: 'RULE-CEL-002',
    name: 'an unknown field in double quotes with an escape before it',
    rule: when('"event.source == \\"a\\" && account.ages > 3"'),
    at: '15:33',
    says: 'account.age_days',
  },
  {
    code: 'RULE-CEL-003',
    name: 'an unknown function',
    rule: when("distict('key', '24h') >= 3"),
    at: '15:7',
    says: 'did you mean distinct?',
  },
  { code: 'RULE-CEL-004', name: 'a window left out', rule: when("distinct('key') >= 3"), at: '15:7', says: "'24h'" },
  { code: 'RULE-CEL-004', name: 'a number for a window', rule: when('spend(1) > 20.00 USD'), at: '15:13' },
  { code: 'RULE-CEL-004', name: 'startsWith without a text', rule: when('account.startsWith(3)'), at: '15:7' },
  { code: 'RULE-CEL-005', name: 'a number for a condition', rule: when("distinct('key', '24h')"), at: '15:7' },
  { code: 'RULE-CEL-005', name: 'a number beside &&', rule: when("z > 4 && events('1h')"), at: '15:16' },
  { code: 'RULE-CEL-006', name: 'text against a number', rule: when('account > 3'), at: '15:7' },
  { code: 'RULE-CEL-006', name: 'an order of texts', rule: when("account < 'b'"), at: '15:7' },
  { code: 'RULE-CEL-006', name: 'a number in a list', rule: when("z in ['a']"), at: '15:7' },
  { code: 'RULE-CEL-006', name: 'a number on a written list', rule: when('account in [1]'), at: '15:19' },
  { code: 'RULE-CEL-007', name: 'a macro', rule: when('"[\'a\'].exists(x, x == account)"'), at: '15:8' },
  { code: 'RULE-CEL-007', name: 'a choice', rule: when("'z > 4 ? z > 5 : z > 6'"), at: '15:8' },
  { code: 'RULE-CEL-007', name: 'null', rule: when('account == null'), at: '15:18' },
  { code: 'RULE-CEL-008', name: 'a condition of a page', rule: when(`z > 4 ${'&& z > 5 '.repeat(400)}`), at: '15:7' },
  { code: 'RULE-CEL-008', name: 'forty comparisons', rule: when(Array(40).fill('z > 4').join(' || ')), at: '15:7' },
  { code: 'RULE-CEL-009', name: 'a division by zero', rule: when("spend('1h') / 0 > 3.00 USD"), at: '15:21' },
  { code: 'RULE-CEL-010', name: 'a value against itself', rule: when("events('1h') > events( '1h' )"), at: '15:7' },
  // names
  {
    code: 'RULE-NAME-012',
    name: 'a list that is not there',
    rule: unless("account in list('trusted')"),
    at: '15:25',
    says: 'A live rule needs it. add lists/trusted.yaml',
  },
  {
    code: 'RULE-NAME-012',
    name: 'a list that is spelt otherwise',
    rule: unless("account in list('trustd')"),
    more: trusted('', ''),
    at: '15:25',
    says: 'did you mean trusted?',
  },
  {
    code: 'RULE-NAME-013',
    name: 'different values of something unknown',
    rule: when("distinct('keys', '24h') >= 3"),
    at: '15:16',
    says: 'did you mean key?',
  },
  {
    code: 'RULE-NAME-002',
    name: 'an unknown meter in a condition',
    rule: when("sum('output_token', '6h') > 100"),
    at: '15:11',
    says: 'did you mean output_tokens?',
  },
  // units
  {
    code: 'RULE-UNIT-014',
    name: 'money against a count',
    rule: when("spend('1h') > events('1h')"),
    at: '15:7',
    says: 'money (USD) stands against a count',
  },
  {
    code: 'RULE-UNIT-015',
    name: 'tokens against calls',
    rule: when("sum('output_tokens', '6h') > sum('api.calls', '6h')"),
    at: '15:7',
    says: 'compare the ratio',
  },
  { code: 'RULE-UNIT-016', name: 'days against a ratio', rule: when('account.age_days > times'), at: '15:7' },
  { code: 'RULE-UNIT-017', name: 'money times money', rule: when("spend('1h') * spend('2h') > 3.00 USD"), at: '15:7' },
  {
    code: 'RULE-UNIT-001',
    name: 'a bare number in a condition',
    rule: when("spend('1h') > 20"),
    at: '15:21',
    says: '20 USD',
  },
  {
    code: 'RULE-UNIT-002',
    name: 'another currency in a condition',
    rule: when("spend('1h') > 20.00 EUR"),
    at: '15:21',
  },
  { code: 'RULE-UNIT-003', name: 'an amount too fine', rule: when("spend('1h') > 0.00000000001 USD"), at: '15:21' },
  { code: 'RULE-UNIT-007', name: 'an ambiguous window', rule: when("spend('30m') > 3.00 USD"), at: '15:13' },
  {
    code: 'RULE-UNIT-008',
    name: 'a window between buckets in a condition',
    rule: when("spend('7min') > 3.00 USD"),
    at: '15:13',
  },
  // statistics
  { code: 'RULE-STAT-012', name: 'a window of eight weeks', rule: when("spend('56d') > 3.00 USD"), at: '15:13' },
  // logic
  { code: 'RULE-LOGIC-012', name: 'a count of at least zero', rule: when("events('1h') >= 0 && z > 4"), at: '15:7' },
  { code: 'RULE-LOGIC-012', name: 'true', rule: when('"true"'), at: '15:8' },
  { code: 'RULE-LOGIC-012', name: 'two halves that cover everything', rule: when('z > 3 || z < 4'), at: '15:7' },
  { code: 'RULE-LOGIC-013', name: 'a count below zero', rule: when("z > 4 && events('1h') < 0"), at: '15:16' },
  {
    code: 'RULE-LOGIC-013',
    name: 'two parts that exclude each other',
    rule: when('z > 5 && times > 2 && z < 5'),
    at: '15:7',
  },
  { code: 'RULE-LOGIC-013', name: 'an hour after midnight', rule: when('now.hour == 24'), at: '15:7' },
  { code: 'RULE-LOGIC-013', name: 'an empty list', rule: when('account in []'), at: '15:18' },
  {
    code: 'RULE-LOGIC-014',
    name: 'an exception for every case',
    rule: [['say:', 'when: z > 4 && events(\'1h\') > 3\nunless: events( "1h" ) > 3\nsay:']],
    at: '16:9',
  },
  {
    code: 'RULE-LOGIC-015',
    name: 'a rule that adds nothing',
    rule: [['score: 40', 'score: 45']],
    more: [
      {
        path: 'rules/narrow.yaml',
        change: [
          ['id: sample', 'id: narrow'],
          ['threshold: 3.5', 'threshold: 4'],
          ['score: 40', 'score: 5'],
        ],
      },
    ],
    isWarning: true,
    at: '16:8',
    says: 'Whenever narrow fires, sample fires as well',
  },
  // lists
  { code: 'RULE-LIST-001', name: 'a value twice', more: trusted('acct_2', 'acct_1'), at: '4:14' },
  {
    code: 'RULE-LIST-002',
    name: 'an entry that has ended',
    more: trusted('2027-03-01', '2026-03-01'),
    options: { nowMs: Date.UTC(2026, 10, 1) },
    isWarning: true,
    at: '3:29',
  },
  {
    code: 'RULE-LIST-003',
    name: 'an entry for ever',
    more: trusted('2027-03-01', 'never'),
    isWarning: true,
    at: '3:29',
  },
  { code: 'RULE-LIST-004', name: 'a list nobody uses', more: trusted('', ''), isWarning: true, at: '1:1' },
  {
    code: 'RULE-LIST-005',
    name: 'a list with nothing in force',
    rule: unless("account in list('trusted')"),
    more: trusted('', ''),
    options: { nowMs: Date.UTC(2027, 10, 1) },
    isWarning: true,
    at: '3:3',
  },
  {
    code: 'RULE-SHAPE-002',
    name: 'an entry without end',
    more: trusted(', until: 2027-03-01', ''),
    at: '3:5',
    says: 'until',
  },
  { code: 'RULE-SHAPE-003', name: 'a number on a list', more: trusted('acct_1', '17'), at: '3:14', says: 'quote it' },
  // plans
  {
    code: 'RULE-PLAN-001',
    name: 'an end before the beginning',
    settings: planned(LAUNCH.replace('02-03', '01-03')),
    at: '8:46',
  },
  {
    code: 'RULE-PLAN-002',
    name: 'a plan of the past',
    settings: planned(LAUNCH),
    options: { nowMs: Date.UTC(2027, 10, 1) },
    isWarning: true,
    at: '8:46',
  },
  {
    code: 'RULE-PLAN-003',
    name: 'a spike of a year',
    settings: planned(LAUNCH.replace('2027-02-03', '2028-02-03')),
    at: '8:46',
  },
  {
    code: 'RULE-PLAN-004',
    name: 'two plans for one time',
    settings: planned(`${LAUNCH} }\n  - { ${LAUNCH}`),
    at: '9:5',
  },
  {
    code: 'RULE-PLAN-005',
    name: 'a ceiling of nothing',
    settings: planned(LAUNCH.replace('500.00', '0.00')),
    at: '8:67',
  },
  {
    code: 'RULE-PLAN-006',
    name: 'a plan for what no rule sees',
    settings: planned(LAUNCH.replace('500.00 USD', '500, of: events')),
    isWarning: true,
    at: '8:76',
  },
  {
    code: 'RULE-UNIT-001',
    name: 'a ceiling without currency',
    settings: planned(LAUNCH.replace('500.00 USD', '500')),
    at: '8:67',
  },
  {
    code: 'RULE-UNIT-012',
    name: 'a plan from a time that is none',
    settings: planned(LAUNCH.replace('2027-02-01', '2027-02-01T25:00Z')),
    at: '8:30',
  },
  // tests
  {
    code: 'RULE-TEST-008',
    name: 'a given value nobody asks for',
    rule: [
      ['say:', "when: distinct('key', '24h') >= 3\nsay:"],
      ['expect: fires', `given: { "distinct('keys','24h')": 4 }, expect: fires`],
    ],
    at: '20:50',
    says: "did you mean distinct('key','24h')?",
  },
  {
    code: 'RULE-TEST-008',
    name: 'a given value that the series says',
    rule: [
      ['say:', 'when: observed > 3.00 USD\nsay:'],
      ['expect: fires', 'given: { observed: 4.00 USD }, expect: fires'],
    ],
    at: '20:50',
    says: 'comes from the series',
  },
  {
    code: 'RULE-TEST-009',
    name: 'a text for a number',
    rule: [
      ['say:', "when: distinct('key', '24h') >= 3\nsay:"],
      ['expect: fires', `given: { "distinct('key','24h')": many }, expect: fires`],
    ],
    at: '20:75',
  },
  // several files
  { code: 'RULE-TEST-010', name: 'seven hundred tests', more: TESTED, isWarning: true, at: '1:1', says: 'rules test' },
  { code: 'RULE-SHAPE-021', name: 'no pricing.yaml', without: ['rules/pricing.yaml'], at: '1:1', says: 'pricing.yaml' },
  { code: 'RULE-SHAPE-022', name: 'one name twice', more: [{ path: 'rules/more/sample.yaml', change: [] }], at: '1:1' },
  { code: 'RULE-SHAPE-024', name: 'a file in .yml', more: [{ path: 'rules/other.yml', change: [] }], at: '1:1' },
  {
    code: 'RULE-LOGIC-008',
    name: 'two live rules that fire on the same',
    more: [{ path: 'rules/twin.yaml', change: [['id: sample', 'id: twin']] }],
    at: '9:3',
    says: 'twin and sample',
  },
  {
    code: 'RULE-LOGIC-011',
    name: 'more features than are kept',
    without: ['rules/pricing.yaml'],
    more: TOO_MUCH,
    options: { runTests: false },
    at: '1:1',
    says: '32 features',
  },
  // change
  {
    code: 'RULE-SAFE-011',
    name: 'a rule that was never in shadow',
    options: { inForce: 'without sample' },
    isWarning: true,
    at: '5:7',
  },
  { code: 'RULE-SAFE-012', name: 'another currency', options: { inForce: 'in euros' }, at: '1:11' },
];
