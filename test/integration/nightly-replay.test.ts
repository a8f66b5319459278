import { expect, test } from 'vitest';
import { createReplayCheckLog, databaseSeed, readReplayCheck } from '../../src/adapters/postgres/replay-check.ts';
import { createReplayStore } from '../../src/adapters/postgres/replay-store.ts';
import { createRulesetArchive } from '../../src/adapters/postgres/ruleset-archive.ts';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { judgeReplay } from '../../src/pipeline/doctor/judge-replay.ts';
import { dueAt, NightlyCheck } from '../../src/pipeline/replay/nightly-check.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

function ruleset(): Ruleset {
  const loaded = loadRuleset([
    {
      path: 'jump.yaml',
      text: `id: jump
title: Far above its busy hours
why: A test.
owner: team@example.com
mode: live
review_by: 2099-01-01
detect: { kind: burst, of: spend, window: 1h, times: 3, min_hours: 24, floor: { above_expected: 5.00 USD } }
say: "{observed} in {window}."
score: 40
once: { per: account, for: 2h, again_if: never }
tests:
  - { name: jump, series: "1x48 30", expect: fires }
  - { name: steady, series: "1x48 1", expect: quiet }
  - { name: new, series: "1x3 30", expect: inconclusive }
`,
    },
    {
      path: 'ruleset.yaml',
      text: `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 100, outcome: review, actions: [{ kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`,
    },
    { path: 'pricing.yaml', text: 'currency: USD\nmeters:\n  - { name: dollars, unit: dollar, price: 1 USD }\n' },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

/** Decisions about two accounts, with the rules kept as a service keeps them. */
async function withDecisions(): Promise<TestLedger> {
  const rules = ruleset();
  const ledger = await openTestLedger(rules);
  await createRulesetArchive(ledger.pool).keep(rules);
  for (let hour = 0; hour < 60; hour++) {
    const at = { atMs: START_MS + hour * HOUR_MS, receivedAtMs: START_MS + hour * HOUR_MS };
    const dollars = hour > 50 ? '30' : '1';
    await ledger.use('acme', [{ id: `a${hour}`, dollars, ...at }]);
    await ledger.use('beta', [{ id: `b${hour}`, dollars, ...at }]);
  }
  return ledger;
}

const NOON = Date.UTC(2026, 3, 1, 12);

/** A process that was started at noon, and the clock it lives by. */
async function processOn(ledger: TestLedger, owner: string, now: { ms: number }, isStopping = () => false) {
  const store = createReplayStore(ledger.pool);
  return new NightlyCheck({
    store,
    log: createReplayCheckLog(ledger.pool, owner),
    rulesetOf: store.ruleset,
    seed: await databaseSeed(ledger.pool),
    now: () => now.ms,
    breathe: () => Promise.resolve(),
    isStopping,
  });
}

test('the check runs once a night, in one process, and doctor shows what came of it', async () => {
  const ledger = await withDecisions();
  const now = { ms: NOON };
  const [first, second] = [await processOn(ledger, 'first', now), await processOn(ledger, 'second', now)];
  await Promise.all([first.sweep(), second.sweep()]);
  expect(await readReplayCheck(ledger.pool)).toBeUndefined();
  expect(judgeReplay(undefined, now.ms)).toEqual([]);
  now.ms = NOON + 17 * HOUR_MS;
  await Promise.all([first.sweep(), second.sweep()]);
  const check = await readReplayCheck(ledger.pool);
  expect(check).toMatchObject({ different: 0, impossible: 0, cutShort: false, problem: null, finishedAtMs: now.ms });
  expect(check?.decisions).toBeGreaterThan(3);
  expect(check?.same).toBe(check?.decisions);
  expect(judgeReplay(check, now.ms)).toMatchObject([
    { status: 'ok', message: expect.stringContaining('came out the same') },
  ]);
  expect(judgeReplay(check, now.ms + 3 * DAY_MS)).toMatchObject([{ status: 'warn' }]);
  now.ms += HOUR_MS;
  await first.sweep();
  expect((await readReplayCheck(ledger.pool))?.startedAtMs).toBe(NOON + 17 * HOUR_MS);
  now.ms += DAY_MS;
  await second.sweep();
  expect((await readReplayCheck(ledger.pool))?.startedAtMs).toBe(now.ms);
});

test('a decision that comes out otherwise fails the check, and is named', async () => {
  const ledger = await withDecisions();
  const { rows } = await ledger.pool.query<{ decision_id: string }>(
    'update decision set score = 41 where decision_id = (select min(decision_id) from decision) returning decision_id',
  );
  const now = { ms: NOON };
  const check = await processOn(ledger, 'only', now);
  now.ms += DAY_MS;
  await check.sweep();
  const stored = await readReplayCheck(ledger.pool);
  const decision = rows[0]?.decision_id ?? '';
  expect(stored).toMatchObject({
    different: 1,
    firstDifferent: { decision, field: 'score', stored: '41', replayed: '40' },
  });
  expect(judgeReplay(stored, now.ms)).toMatchObject([{ status: 'fail', fix: expect.stringContaining(decision) }]);
});

test('a check that is stopped, fails or never ends is told apart', async () => {
  const ledger = await withDecisions();
  const now = { ms: NOON };
  let asked = 0;
  const stopped = await processOn(ledger, 'stopped', now, () => ++asked > 3);
  now.ms += DAY_MS;
  await stopped.sweep();
  const short = await readReplayCheck(ledger.pool);
  expect(short).toMatchObject({ cutShort: true, different: 0, decisions: 0 });
  expect(judgeReplay(short, now.ms)).toMatchObject([{ status: 'warn' }]);
  const failing = await processOn(ledger, 'failing', now);
  await ledger.pool.query('alter table batch_facts disable trigger all');
  await ledger.pool.query("update batch_facts set facts = '\\x00'");
  now.ms += DAY_MS;
  await expect(failing.sweep()).rejects.toThrow();
  const failed = await readReplayCheck(ledger.pool);
  expect(judgeReplay(failed, now.ms)).toMatchObject([{ status: 'warn', message: expect.stringContaining('failed') }]);
  const unfinished = { ...short, startedAtMs: now.ms, finishedAtMs: null, cutShort: false, problem: null } as const;
  const lost = unfinished as unknown as Parameters<typeof judgeReplay>[0];
  expect(judgeReplay(lost, now.ms + 60_000)).toMatchObject([{ status: 'ok' }]);
  expect(judgeReplay(lost, now.ms + 2 * HOUR_MS)).toMatchObject([{ status: 'warn' }]);
});

test('the due time lies at night, once a day, and follows from the database alone', () => {
  for (const seed of ['', 'tollkeeper 2026', 'other', '🦊']) {
    const due = dueAt(seed, NOON);
    expect(due).toBeLessThanOrEqual(NOON);
    const hour = (due % DAY_MS) / HOUR_MS;
    expect(hour).toBeGreaterThanOrEqual(1);
    expect(hour).toBeLessThan(5);
    expect(dueAt(seed, due)).toBe(due);
    expect(dueAt(seed, due - 1)).toBe(due - DAY_MS);
    expect(dueAt(seed, due + DAY_MS)).toBe(due + DAY_MS);
  }
  expect(new Set(['a', 'b', 'c', 'd'].map((seed) => dueAt(seed, NOON))).size).toBe(4);
});
