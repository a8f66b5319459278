import { expect, test } from 'vitest';
import { createFleetStore } from '../../src/adapters/postgres/fleet-store.ts';
import { createReplayStore } from '../../src/adapters/postgres/replay-store.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { FleetKeeper } from '../../src/pipeline/fleet/fleet-keeper.ts';
import { replayDecision } from '../../src/pipeline/replay/replay-decision.ts';
import { expectProven } from '../support/corrections.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

const RING = `id: ring-test
title: Accounts that signed up together
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: ring, on: signup, within: 10d, rarity: 3.5 }
say: "Linked to others. Fires from rarity {threshold}."
score: 45
once: { per: account, for: 24h, again_if: never }
tests:
  - name: eight on one device
    events:
      - { times: 8, every: 1h, accounts: 8, meter: signup, device: d1, fresh: [source], email_domain: m.example, region: eu }
    expect: fires
  - name: one each
    events:
      - { times: 8, every: 1h, accounts: 8, meter: signup, fresh: [device, source, email_domain], region: eu }
    expect: quiet
  - name: nobody
    events:
      - { times: 3, every: 1h, meter: dollars }
    expect: inconclusive
`;
const RULESET = `overdraft: 100.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 100, outcome: review, actions: [{ kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`;
const PRICING = `currency: USD
meters:
  - { name: dollars, unit: dollar, price: 1 USD }
  - { name: signup, unit: event, kind: fact }
`;

function ruleset(change: (text: string) => string = (text) => text): Ruleset {
  const loaded = loadRuleset([
    { path: 'ring-test.yaml', text: change(RING) },
    { path: 'ruleset.yaml', text: RULESET },
    { path: 'pricing.yaml', text: PRICING },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

const ACCOUNTS = Array.from({ length: 12 }, (_, index) => `farm-${index}`);

/** A free sign-up of each account, on one device, ten minutes apart, all in their own lanes. */
async function signUp(ledger: TestLedger, accounts: readonly string[], device: string, fromMs = START_MS) {
  for (const [index, account] of accounts.entries()) {
    const atMs = fromMs + index * 10 * MINUTE_MS;
    const properties = { device, email_domain: 'm.example', region: 'eu', plan: 'free' };
    const event = { id: `signup-${account}`, meter: 'signup', source: `web-${account}`, atMs, receivedAtMs: atMs };
    await ledger.use(account, [{ ...event, properties }]);
  }
}

function keeperOf(ledger: TestLedger, rules: Ruleset, owner = 'test'): FleetKeeper {
  const store = createFleetStore(ledger.pool, { connectionString: ledger.connectionString, currency: () => 'USD' });
  return new FleetKeeper({ store, ruleset: () => rules, owner });
}

/** Lets every lane judge what waits for it, without any usage. */
async function wake(ledger: TestLedger): Promise<void> {
  for (const account of ACCOUNTS) await ledger.writerOf(account).submit([]);
}

async function alertsByAccount(ledger: TestLedger): Promise<Record<string, number>> {
  const { rows } = await ledger.pool.query<{ account_id: string; alerts: number }>(
    'select account_id, count(*)::int as alerts from alert group by 1 order by 1',
  );
  return Object.fromEntries(rows.map((row) => [row.account_id, row.alerts]));
}

test('a ring across accounts raises one alert for each account that is linked enough', async () => {
  const rules = ruleset();
  const ledger = await openTestLedger(rules);
  const keeper = keeperOf(ledger, rules);
  await signUp(ledger, ACCOUNTS, 'device-1');
  expect(await keeper.turn()).toMatchObject({ isKeeper: true, folded: ACCOUNTS.length });
  await wake(ledger);
  const alerts = await alertsByAccount(ledger);
  expect(Object.keys(alerts).length).toBeGreaterThan(ACCOUNTS.length / 2);
  expect(new Set(Object.values(alerts))).toEqual(new Set([1]));
  const { rows } = await ledger.pool.query('select ruleset_hash, evidence from decision limit 1');
  expect(rows[0]).toMatchObject({
    ruleset_hash: rules.hash,
    evidence: { raised: true, event: { source: 'tollkeeper' } },
  });
  await wake(ledger);
  await keeper.turn();
  await wake(ledger);
  expect(await alertsByAccount(ledger)).toEqual(alerts);
  await keeper.close();
  const store = createReplayStore(ledger.pool);
  const stored = await ledger.pool.query<{ decision_id: string }>('select decision_id from decision');
  for (const { decision_id: id } of stored.rows) {
    const decision = await store.decision('default', id);
    if (decision === undefined) throw new Error('stored a moment ago');
    expect(await replayDecision(store, () => Promise.resolve(rules), decision)).toMatchObject({ status: 'same' });
  }
  await expectProven(ledger);
});

test('the same alerts come out once when keeper and lanes are replaced in the middle', async () => {
  const rules = ruleset();
  const [whole, cut] = [await openTestLedger(rules), await openTestLedger(rules)];
  const one = keeperOf(whole, rules);
  await signUp(whole, ACCOUNTS, 'device-1');
  await one.turn();
  await wake(whole);
  await one.close();

  for (const [index, account] of ACCOUNTS.entries()) {
    await signUp(cut, [account], 'device-1', START_MS + index * 10 * MINUTE_MS);
    const keeper = keeperOf(cut, rules, `keeper ${index}`);
    await keeper.turn();
    // Before the lanes have seen what was found, or after.
    if (index % 3 === 0) await wake(cut);
    if (index % 2 === 0) await cut.takeOver();
    await keeper.close();
  }
  await wake(cut);
  const expected = await alertsByAccount(whole);
  expect(Object.keys(expected).length).toBeGreaterThan(5);
  expect(await alertsByAccount(cut)).toEqual(expected);
  const findings = 'select count(*)::int as waiting from fleet_finding where applied_batch is null';
  expect((await cut.pool.query(findings)).rows).toEqual([{ waiting: 0 }]);
  await expectProven(cut);
});

test('only one process keeps the rules across accounts, and one that was replaced writes nothing', async () => {
  const rules = ruleset();
  const ledger = await openTestLedger(rules);
  const [first, second] = [keeperOf(ledger, rules, 'first'), keeperOf(ledger, rules, 'second')];
  await signUp(ledger, ACCOUNTS.slice(0, 6), 'device-1');
  expect(await first.turn()).toMatchObject({ isKeeper: true, folded: 6 });
  expect(await second.turn()).toMatchObject({ isKeeper: false, folded: 0 });
  // As if the first had lost its session and come back later.
  await ledger.pool.query('update fleet_keeper set epoch = epoch + 1');
  await signUp(ledger, ACCOUNTS.slice(6), 'device-1', START_MS + 60 * MINUTE_MS);
  expect(await first.turn()).toEqual({ isKeeper: false, folded: 0, findings: 0 });
  expect((await ledger.pool.query('select count(*)::int as n from fleet_sighting where fold_no is null')).rows).toEqual(
    [{ n: 6 }],
  );
  expect(await first.turn()).toMatchObject({ isKeeper: true, folded: 6 });
  await first.close();
  expect((await second.turn()).isKeeper).toBe(true);
  await second.close();
});

test('a rule in shadow is recorded and raises nothing', async () => {
  const rules = ruleset((text) => text.replace('mode: live', 'mode: shadow'));
  const ledger = await openTestLedger(rules);
  const keeper = keeperOf(ledger, rules);
  await signUp(ledger, ACCOUNTS, 'device-1');
  await keeper.turn();
  await wake(ledger);
  await keeper.close();
  expect(await alertsByAccount(ledger)).toEqual({});
  const { rows } = await ledger.pool.query<{ outcome: string; status: string; mode: string }>(
    `select distinct outcome, evidence -> 'results' -> 0 ->> 'status' as status,
       evidence -> 'results' -> 0 ->> 'mode' as mode from decision`,
  );
  expect(rows).toContainEqual({ outcome: 'allow', status: 'hit', mode: 'shadow' });
});

test('sign-ups that share nothing are no ring, and ordinary usage writes no rows', async () => {
  const rules = ruleset();
  const ledger = await openTestLedger(rules);
  const keeper = keeperOf(ledger, rules);
  for (const [index, account] of ACCOUNTS.entries()) {
    const properties = { device: `d${index}`, email_domain: `m${index}.example`, region: 'eu' };
    await ledger.use(account, [{ id: `s-${account}`, meter: 'signup', source: `web-${index}`, properties }]);
    await ledger.use(account, [{ id: `u-${account}` }]);
  }
  expect(await keeper.turn()).toEqual({ isKeeper: true, folded: ACCOUNTS.length, findings: 0 });
  await keeper.close();
});

test('closed hours are counted once, no account for more than the rest, and lanes judge with what is published', async () => {
  const rules = ruleset();
  const ledger = await openTestLedger(rules);
  const keeper = keeperOf(ledger, rules);
  const hourMs = Math.floor(START_MS / HOUR_MS) * HOUR_MS;
  for (let account = 0; account < 30; account++) {
    const events = Array.from({ length: account === 0 ? 400 : 2 }, (_, index) => ({
      id: `u${account}-${index}`,
      dollars: '0.01',
      atMs: hourMs + index * 1_000,
      receivedAtMs: hourMs + index * 1_000,
    }));
    await ledger.use(`acct-${account}`, events);
  }
  await keeper.turn();
  const hours = 'select hour, accounts, events::int as events, factor from platform_hour where accounts > 0';
  expect((await ledger.pool.query(hours)).rows).toEqual([]);
  const laterMs = hourMs + HOUR_MS + 10 * MINUTE_MS;
  await ledger.use('acct-1', [{ id: 'later', atMs: laterMs, receivedAtMs: laterMs }]);
  // Fourteen days are caught up on, a few hours a turn.
  for (let turn = 0; turn < 80; turn++) await keeper.turn();
  expect((await ledger.pool.query(hours)).rows).toEqual([
    { hour: new Date(hourMs), accounts: 30, events: 60, factor: 1 },
  ]);
  await keeper.close();

  await ledger.pool.query('insert into platform_hour (hour, accounts, events, factor) values ($1, 30, 120, 2)', [
    new Date(hourMs + HOUR_MS),
  ]);
  await ledger.takeOver();
  const nextMs = laterMs + HOUR_MS;
  await ledger.use('acct-1', [{ id: 'next', atMs: nextMs, receivedAtMs: nextMs }]);
  await ledger.use('acct-1', [{ id: 'after', atMs: nextMs + 1, receivedAtMs: nextMs + 1 }]);
  const used = await ledger.pool.query('select factor, hour from platform_use');
  expect(used.rows).toEqual([{ factor: 2, hour: new Date(hourMs + HOUR_MS) }]);
});
