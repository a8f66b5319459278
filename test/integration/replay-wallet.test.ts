import { expect, test } from 'vitest';
import { createReplayStore } from '../../src/adapters/postgres/replay-store.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { replayDecision } from '../../src/pipeline/replay/replay-decision.ts';
import { openTestLedger, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const HEAD = `why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
`;

/** Fires above ten dollars an hour, while the wallet holds less than a hundred. */
const POOR = `id: poor
title: Spends what it does not have
${HEAD}detect: { kind: burst, of: spend, window: 1h, limit: 10.00 USD, min_hours: 1 }
when: wallet.available < 100.00 USD && wallet.status == 'active'
say: "{observed} in {window}."
score: 40
once: { per: account, for: 2h, again_if: observed_doubles }
tests:
  - { name: jump, series: "1x48 30", given: { "wallet.available": 5.00 USD, "wallet.status": active }, expect: fires }
  - { name: steady, series: "1x48 1", given: { "wallet.available": 5.00 USD, "wallet.status": active }, expect: quiet }
  - { name: unknown wallet, series: "1x48 30", expect: inconclusive }
`;

/** Looks at the balance after every event. */
const DRAIN = `id: runway
title: Little is left at this rate
${HEAD}detect: { kind: drain, rarity: 2.5, runway: 12h }
say: "{observed} hours are left."
score: 30
once: { per: account, for: 6h, again_if: observed_doubles }
tests:
  - name: no balance is known
    events: [{ times: 50, every: 1h, meter: dollars, quantity: 1 }]
    expect: inconclusive
  - { name: quiet, events: [{ times: 10, every: 1h, meter: dollars, quantity: 1 }], expect: quiet }
  - { name: fires, events: [{ times: 10, every: 1h, meter: dollars, quantity: 1 }], expect: fires }
`;

function ruleset(...rules: readonly [path: string, text: string][]): Ruleset {
  const loaded = loadRuleset(
    [
      ...rules.map(([path, text]) => ({ path, text })),
      {
        path: 'ruleset.yaml',
        text: `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 69, outcome: review, actions: [{ kind: notify, to: support }] }
  - { from: 70, to: 100, outcome: freeze, actions: [{ kind: freeze_wallet, hours: 24 }, { kind: notify, to: support }] }
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

/** Usage between top-ups that come and are used up, so that the same spend is judged with other wallets. */
async function poorAndRich(rules: Ruleset): Promise<TestLedger> {
  const ledger = await openTestLedger(rules);
  for (let hour = 0; hour < 120; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    if (hour % 30 === 0) {
      const wallet = { tenant: 'default', account: 'acme', currency: 'USD' };
      const request = { key: `top-${hour}`, actor: 'test', reason: null, nowMs: atMs, dryRun: false };
      await topUp(ledger.admin, { ...request, ...wallet, amount: 400n * USD, source: 'paid', overdraftNanos: 0n });
    }
    await ledger.use('acme', [
      { id: `e${hour}`, dollars: hour % 5 < 3 ? '12' : '2', atMs, receivedAtMs: atMs },
      { id: `f${hour}`, dollars: hour % 30 > 25 ? '40' : '1', atMs: atMs + 60_000, receivedAtMs: atMs + 60_000 },
    ]);
  }
  return ledger;
}

async function replayAll(ledger: TestLedger, rules: Ruleset) {
  const store = createReplayStore(ledger.pool);
  const { rows } = await ledger.pool.query<{ decision_id: string; rule: string }>(
    `select decision_id, (select string_agg(r ->> 'ruleId', ',') from json_array_elements(evidence -> 'results') r
       where r ->> 'status' in ('hit', 'snoozed')) as rule from decision order by decided_at`,
  );
  const results = [];
  for (const { decision_id } of rows) {
    const decision = await store.decision('default', decision_id);
    if (decision === undefined) throw new Error('stored a moment ago');
    results.push(await replayDecision(store, () => Promise.resolve(rules), decision));
  }
  return { rows, results };
}

test('a rule that asks for the wallet comes out again, with the figures each decision kept', async () => {
  const rules = ruleset(['poor.yaml', POOR]);
  const ledger = await poorAndRich(rules);
  const { rows, results } = await replayAll(ledger, rules);
  expect(rows.filter(({ rule }) => rule === 'poor').length).toBeGreaterThan(5);
  expect(results.filter(({ status }) => status !== 'same')).toEqual([]);
});

test('a rule that looks at the balance after every event comes out again', async () => {
  const rules = ruleset(['runway.yaml', DRAIN]);
  const ledger = await poorAndRich(rules);
  const { rows, results } = await replayAll(ledger, rules);
  expect(rows.filter(({ rule }) => rule === 'runway').length).toBeGreaterThan(0);
  expect(results.filter(({ status }) => status !== 'same')).toEqual([]);
});

test('a decision that kept no figures names the rule that needs them', async () => {
  const rules = ruleset(['poor.yaml', POOR]);
  const ledger = await poorAndRich(rules);
  await ledger.pool.query("update decision set evidence = (evidence::jsonb - 'wallet')::json");
  const { results } = await replayAll(ledger, rules);
  expect(results[0]).toEqual({
    status: 'impossible',
    reason: 'rule poor asks for the wallet, and the decision kept no figures of it',
  });
});

test('entries that went to the archive are no difference', async () => {
  const rules = ruleset(['runway.yaml', DRAIN]);
  const ledger = await poorAndRich(rules);
  const store = createReplayStore(ledger.pool);
  const [one] = await store.sample(1);
  const decision = await store.decision('default', one?.decisionId ?? '');
  if (decision === undefined) throw new Error('there are decisions');
  const result = await replayDecision(
    { ...store, balances: async (...args) => (await store.balances(...args)).slice(40) },
    () => Promise.resolve(rules),
    decision,
  );
  expect(result).toMatchObject({ status: 'impossible', reason: expect.stringContaining('rule runway') });
});
