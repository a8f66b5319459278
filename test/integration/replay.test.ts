import { expect, test } from 'vitest';
import { createReplayStore } from '../../src/adapters/postgres/replay-store.ts';
import { parseConfig } from '../../src/config.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { closeAlert } from '../../src/pipeline/admin/close-alert.ts';
import { replayDecision } from '../../src/pipeline/replay/replay-decision.ts';
import { openBooks } from '../../src/wire/books.ts';
import { runCli } from '../support/cli.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

const rule = (id: string, detect: string, score: number) => `id: ${id}
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: ${detect}
say: "{observed} in {window}."
score: ${score}
once: { per: account, for: 2h, again_if: observed_doubles }
tests:
  - { name: jump, series: "1x96 90@10min", expect: fires }
  - { name: steady, series: "1x96 1", expect: quiet }
  - { name: new, series: "1x3 90@10min", expect: inconclusive }
`;

function ruleset(): Ruleset {
  const floor = 'floor: { above_expected: 5.00 USD }';
  const loaded = loadRuleset([
    {
      path: 'hour.yaml',
      text: rule('hour', `{ kind: burst, of: spend, window: 1h, times: 3, min_hours: 24, ${floor} }`, 40),
    },
    {
      path: 'day.yaml',
      text: rule(
        'day',
        `{ kind: z_score, of: spend, window: 6h, baseline: { from: 14d, compare: all, method: log_mad, min_points: 48, spread_floor: 15% }, threshold: 3, ${floor} }`,
        35,
      ),
    },
    {
      path: 'ruleset.yaml',
      text: `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 69, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 70, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
costs: { review: 5.00 USD, friction: 25.00 USD }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`,
    },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

/** A step change with late, repeated and altered events, a verdict in the middle, and two owners of the lane. */
async function eventful(rules: Ruleset): Promise<TestLedger> {
  const ledger = await openTestLedger(rules);
  const use = (hour: number, dollars: number, name = `e${hour}`, lateHours = 0) => {
    const atMs = START_MS + hour * HOUR_MS;
    return ledger.use('acme', [
      { id: name, dollars: String(dollars), atMs: atMs - lateHours * HOUR_MS, receivedAtMs: atMs },
    ]);
  };
  for (let hour = 0; hour < 140; hour++) {
    await use(hour, hour < 100 ? 1 + (hour % 3) : 20 + hour);
    if (hour % 7 === 0) await use(hour, 2, `late${hour}`, 5);
    if (hour % 11 === 0) await use(hour, hour < 100 ? 1 + (hour % 3) : 20 + hour);
    if (hour === 60) await ledger.takeOver();
    if (hour === 120) {
      const [alert] = await ledger.queries.alerts({ tenant: 'default', status: 'open', limit: 1 });
      const request = { tenant: 'default', alertId: alert?.alertId ?? '', reason: 'a test', key: 'k', actor: 'test' };
      const nowMs = START_MS + hour * HOUR_MS;
      await closeAlert(ledger.admin, { ...request, verdict: 'benign', nowMs, dryRun: false });
    }
  }
  return ledger;
}

test('every decision comes out again as it was stored, whatever happened in between', async () => {
  const rules = ruleset();
  const ledger = await eventful(rules);
  const store = createReplayStore(ledger.pool);
  const { rows } = await ledger.pool.query<{ decision_id: string }>('select decision_id from decision');
  expect(rows.length).toBeGreaterThan(10);
  for (const { decision_id } of rows) {
    const decision = await store.decision('default', decision_id);
    if (decision === undefined) throw new Error('stored a moment ago');
    expect(await replayDecision(store, () => Promise.resolve(rules), decision)).toEqual({
      status: 'same',
      events: expect.any(Number),
    });
  }
  const sample = await store.sample(5);
  expect(new Set(sample.map(({ decisionId }) => decisionId)).size).toBe(5);
});

test('the first field that differs is named, and what is gone is no difference', async () => {
  const rules = ruleset();
  const ledger = await eventful(rules);
  const store = createReplayStore(ledger.pool);
  const [first] = await store.sample(1);
  const decision = await store.decision('default', first?.decisionId ?? '');
  if (decision === undefined) throw new Error('there are decisions');
  const evidence = structuredClone(decision.evidence) as { results: { observed: number; ruleId: string }[] };
  const changed = evidence.results[1];
  if (changed === undefined) throw new Error('two rules were judged');
  changed.observed += 1;
  expect(await replayDecision(store, () => Promise.resolve(rules), { ...decision, evidence })).toMatchObject({
    status: 'differs',
    field: 'results[1].observed',
    stored: changed.observed,
    replayed: changed.observed - 1,
  });
  expect(await replayDecision(store, () => Promise.resolve(undefined), decision)).toMatchObject({
    status: 'impossible',
  });
  expect(
    await replayDecision(store, () => Promise.resolve(rules), { ...decision, decisionId: 'dec_other' }),
  ).toMatchObject({ status: 'impossible', reason: expect.stringContaining('not among') });
});

test('the command says so for one decision and for a sample, and fails when one differs', async () => {
  const rules = ruleset();
  const ledger = await eventful(rules);
  const config = parseConfig({ DATABASE_URL: ledger.connectionString });
  const cli = (...args: readonly string[]) =>
    runCli(args, {
      readRules: () => Promise.resolve({ directory: 'rules', result: { ok: true, ruleset: rules, warnings: [] } }),
      openBooks: () => openBooks(config, () => undefined),
    });
  const sample = await cli('rules', 'replay', '--sample', '4', '--json');
  expect(sample).toMatchObject({ exitCode: 0, stderr: '' });
  const { decisions } = sample.json() as { decisions: { decision: string; status: string }[] };
  expect(decisions.map(({ status }) => status)).toEqual(['same', 'same', 'same', 'same']);
  const id = decisions[0]?.decision ?? '';
  await ledger.pool.query('update decision set score = score + 1 where decision_id = $1', [id]);
  const one = await cli('rules', 'replay', id);
  expect(one).toMatchObject({ exitCode: 1 });
  expect(one.stdout).toMatch(/^✗ dec_\w+: score was \d+ and comes out as \d+\n1 decision: 0 the same, 1 different/);
  expect(await cli('rules', 'replay')).toMatchObject({ exitCode: 2 });
  expect((await cli('rules', 'replay', 'dec_none')).stderr).toContain('DECISION_NOT_FOUND');
});
