import { expect, test } from 'vitest';
import { createRulesetArchive } from '../../src/adapters/postgres/ruleset-archive.ts';
import { parseConfig } from '../../src/config.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

interface RuleOptions {
  readonly mode?: 'live' | 'shadow';
  readonly score?: number;
  readonly when?: string;
  readonly minHours?: number;
  readonly times?: number;
  /** What the conditions ask for, for the rule's own tests. */
  readonly given?: string;
}

const rule = (
  id: string,
  { mode = 'live', score = 40, when, minHours = 24, times = 3, given = '' }: RuleOptions = {},
) => `id: ${id}
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: ${mode}
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: 1h, times: ${times}, min_hours: ${minHours}, floor: { above_expected: 5.00 USD, times_record: 2 } }
${when === undefined ? '' : `when: ${when}\n`}say: "{observed} in {window}."
score: ${score}
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x800 90@10min", ${given}expect: fires }
  - { name: steady, series: "1x800 1", ${given}expect: quiet }
  - { name: new, series: "1x3 90@10min", expect: inconclusive }
`;

function rulesetOf(files: { readonly [path: string]: string }, costs: string): Ruleset {
  const loaded = loadRuleset(
    [
      ...Object.entries(files).map(([path, text]) => ({ path, text })),
      {
        path: 'ruleset.yaml',
        text: `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 69, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 70, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
${costs}
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`,
      },
      { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
    ],
    { runTests: false },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

const FILES = {
  'alone.yaml': rule('alone', { mode: 'shadow' }),
  'busy.yaml': rule('busy', { times: 5, when: "events('24h') >= 1000", given: `given: { "events('24h')": 2000 }, ` }),
  'jump.yaml': rule('jump'),
  'second.yaml': rule('second', {
    times: 4,
    score: 35,
    when: 'wallet.posted < 100000.00 USD',
    given: 'given: { "wallet.posted": 9.00 USD }, ',
  }),
  'veteran.yaml': rule('veteran', { minHours: 600 }),
};

const EVIL = '\u001b]0;owned\u0007<img src=x>=cmd()\u202e';

/** Two days of a dollar an hour, then thirty, from an event whose id and source want to be more than text. */
async function afterJump(rules: Ruleset, isKept = true): Promise<TestLedger> {
  const ledger = await openTestLedger(rules);
  if (isKept) await createRulesetArchive(ledger.pool).keep(rules);
  for (let hour = 0; hour < 49; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    const isJump = hour === 48;
    const [id, source] = isJump ? [`last ${EVIL}`, `box ${EVIL}`] : [`e${hour}`, 'api'];
    await ledger.use('acme', [{ id, source, dollars: isJump ? '30' : '1', atMs, receivedAtMs: atMs }]);
  }
  return ledger;
}

function cliOn(ledger: TestLedger) {
  const config = parseConfig({ DATABASE_URL: ledger.connectionString });
  return (...args: readonly string[]) =>
    runCli(['rules', 'explain', ...args], { openBooks: () => openBooks(config, () => undefined) });
}

const alertOf = async (ledger: TestLedger) =>
  (await ledger.queries.alerts({ tenant: 'default', limit: 1 }))[0]?.alertId ?? '';

interface Explained {
  readonly rules: readonly { readonly rule: string; readonly checks: readonly object[] }[];
  readonly decision: string;
}

test('every rule is taken apart: what it saw, needed and would have needed, whatever came of it', async () => {
  const ledger = await afterJump(rulesetOf(FILES, 'costs: { review: 5.00 USD, friction: 3000.00 USD }'));
  const cli = cliOn(ledger);
  const id = await alertOf(ledger);
  const answer = (await cli(id, '--json')).json() as Explained;
  expect(answer).toMatchObject({
    alert: id,
    score: 75,
    outcome: 'review',
    band: { from: 70, to: 100, outcome: 'freeze' },
    harsher: [],
    notFrozenBecause: expect.stringContaining('a freeze is expected to cost'),
    // 49 events charged a wallet that nobody filled: 78 owed, and twelve hours of thirty.
    moneyAtRisk: { total: '438', owed: '78', reversible: '0', usage: '360', burnPerHour: '30', reactionHours: 12 },
    expectedLoss: { chosen: 'review', byPoints: 'freeze', chance: { mean: 0.75, cases: 0 } },
  });
  const of = (name: string) => answer.rules.find((one) => one.rule === name);
  expect(of('jump')).toMatchObject({
    verdict: 'fires',
    mode: 'live',
    unit: 'USD',
    observed: '30',
    firesFrom: '6',
    baseline: { expected: '1', lower: '0', upper: '1', points: 47 },
    wouldChange: ['Would not have fired below $6.00.'],
    without: { score: 35, outcome: 'review' },
    checks: [
      { text: 'observed', value: '30', against: '6', unit: 'USD', holds: true },
      { text: 'times the busy hour', value: 30, against: 3, unit: 'times', holds: true },
      { text: 'above the usual', value: '29', against: '5', unit: 'USD', holds: true },
      { text: '2 × the highest so far', value: '30', against: '2', unit: 'USD', holds: true },
    ],
  });
  expect(of('second')?.checks.at(-1)).toEqual({
    ...{
      part: 'when',
      text: 'wallet.posted < 100000.00 USD',
      value: '-78',
      against: '100000',
      unit: 'USD',
      holds: true,
    },
  });
  expect(of('busy')).toMatchObject({
    verdict: 'held_back',
    points: 0,
    wouldChange: ["Would have fired had `events('24h') >= 1000` not been false."],
  });
  expect(of('busy')?.checks.at(-1)).toMatchObject({ part: 'when', value: 25, against: 1000, holds: false });
  expect(of('veteran')).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('of 600 hours') });
  expect(of('alone')).toMatchObject({ verdict: 'fires', mode: 'shadow', points: 0, firesFrom: '6' });
});

test('the text says the same, and what customers chose stays text', async () => {
  const ledger = await afterJump(rulesetOf(FILES, 'costs: { review: 5.00 USD, friction: 3000.00 USD }'));
  const cli = cliOn(ledger);
  const { stdout, exitCode } = await cli(await alertOf(ledger));
  expect(exitCode).toBe(0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
  const flat = stdout.replace(/\s+/g, ' ');
  for (const said of [
    'jump · fires, 40 points · live',
    'alone · fires · shadow: without effect',
    'busy · over its threshold, held back · live',
    'veteran · cannot be said · live',
    'Would not have fired below $6.00.',
    '75 of 100 = jump 40 + second 35; 70 to 100 means freeze. Outcome: review.',
    'Without jump: 35 points, review.',
    'Fires in shadow, which adds nothing: alone.',
    '$438.00 = $78.00 owed (balance below zero) + $0.00 of top-ups that can be reversed + $360.00 of usage (12 hours',
    'Not frozen a freeze is expected to cost',
    'Not certain 1 rule could not judge: veteran.',
    'of abuse 75 % (',
    'what the points allow would have been chosen',
  ])
    expect(flat).toContain(said);
});

test('the chance from which it would have been frozen is where the sums cross', async () => {
  const ledger = await afterJump(rulesetOf(FILES, 'costs: { review: 5.00 USD, friction: 3000.00 USD }'));
  const { expectedLoss } = (await cliOn(ledger)(await alertOf(ledger), '--json')).json() as {
    expectedLoss: { chosenUntilChance: number; options: { outcome: string; loss: string; friction: string }[] };
  };
  const option = (outcome: string) => expectedLoss.options.find((one) => one.outcome === outcome);
  const lost = Number(option('review')?.loss) / 0.75;
  const friction = Number(option('freeze')?.friction) / 0.25;
  const p = expectedLoss.chosenUntilChance;
  // At that chance a review is exactly a fifth cheaper, which is what stepping down takes.
  expect(p * lost + 5).toBeCloseTo(0.8 * ((1 - p) * friction + 5), 0);
});

test('a shadow hit without an alert is found by account and rule, or by its decision', async () => {
  const rules = rulesetOf({ 'alone.yaml': FILES['alone.yaml'] }, '');
  const ledger = await afterJump(rules, false);
  const cli = cliOn(ledger);
  expect(await alertOf(ledger)).toBe('');
  const found = (await cli('--account', 'acme', '--rule', 'alone', '--json')).json() as Explained;
  expect(found).toMatchObject({ alert: null, outcome: 'allow', band: null });
  // Without the rule files of that day the threshold as a whole is what is left.
  expect(found.rules[0]?.checks).toEqual([
    { part: 'detect', text: 'observed', value: '30', against: '6', unit: 'USD', holds: true },
  ]);
  const byId = await cli(found.decision);
  expect(byId.stdout).toContain('no alert');
  expect(byId.stdout).toContain('are not kept');
  expect((await cli('--account', 'acme', '--rule', 'other')).stderr).toContain('DECISION_NOT_FOUND');
  expect((await cli('alt_none')).stderr).toContain('ALERT_NOT_FOUND');
  expect((await cli('dec_none')).stderr).toContain('DECISION_NOT_FOUND');
  expect((await cli()).exitCode).toBe(2);
  expect((await cli('alt_x', '--rule', 'jump')).exitCode).toBe(2);
});
