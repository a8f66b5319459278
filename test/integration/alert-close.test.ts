import { expect, test } from 'vitest';
import { loadRuleset } from '../../src/domain/rules/load-ruleset.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { closeAlert } from '../../src/pipeline/admin/close-alert.ts';
import { codeOf, expectProven } from '../support/corrections.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

const RULE = `id: jump
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
`;
const RULESET = `overdraft: 100000.00 USD
bands:
  - { from: 0, to: 34, outcome: allow }
  - { from: 35, to: 100, outcome: review, actions: [{ kind: notify, to: support }] }
budgets: { alerts_per_day: 40, freezes_per_day: 20 }
`;
const PRICING = `currency: USD
meters:
  - { name: dollars, unit: dollar, price: 1 USD }
`;

function ruleset(): Ruleset {
  const loaded = loadRuleset([
    { path: 'jump.yaml', text: RULE },
    { path: 'ruleset.yaml', text: RULESET },
    { path: 'pricing.yaml', text: PRICING },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.ruleset;
}

let sent = 0;

/** One event an hour, from an hour on, each of so many dollars. */
async function spend(ledger: TestLedger, fromHour: number, hours: number, dollars: number): Promise<void> {
  for (let hour = fromHour; hour < fromHour + hours; hour++) {
    const atMs = START_MS + hour * HOUR_MS;
    await ledger.use('acme', [{ id: `e${sent++}`, dollars: String(dollars), atMs, receivedAtMs: atMs }]);
  }
}

function closing(alertId: string, verdict: 'benign' | 'confirmed_fraud' | 'duplicate', atHour: number) {
  const nowMs = START_MS + atHour * HOUR_MS;
  const request = { tenant: 'default', alertId, verdict, reason: 'a test', key: `close-${sent++}`, actor: 'test:ana' };
  return { ...request, nowMs, dryRun: false };
}

const openAlerts = (ledger: TestLedger) => ledger.queries.alerts({ tenant: 'default', status: 'open', limit: 100 });

async function withStepChange(): Promise<{ readonly ledger: TestLedger; readonly alertId: string }> {
  const ledger = await openTestLedger(ruleset());
  await spend(ledger, 0, 48, 1);
  await spend(ledger, 48, 30, 30);
  const alerts = await openAlerts(ledger);
  // Flagged hours are not learned, so the step alarms again and again.
  expect(alerts.length).toBeGreaterThan(10);
  return { ledger, alertId: alerts.at(-1)?.alertId ?? '' };
}

test('a step change goes on alarming until it is closed as benign, and is normal from then on', async () => {
  const { ledger, alertId } = await withStepChange();
  const answer = await closeAlert(ledger.admin, closing(alertId, 'benign', 78));
  expect(answer).toMatchObject({ verdict: 'benign', before: 'open', isRepeated: false });
  expect(answer.duplicates.length).toBeGreaterThan(5);
  for (const left of await openAlerts(ledger)) {
    await closeAlert(ledger.admin, closing(left.alertId, 'duplicate', 78));
  }
  await spend(ledger, 78, 12, 30);
  expect(await openAlerts(ledger)).toEqual([]);
  const { rows } = await ledger.pool.query('select applied_batch from baseline_lesson');
  expect(rows).toEqual([{ applied_batch: expect.any(BigInt) }]);
  await expectProven(ledger);
});

test('confirmed fraud stays out of the baseline, and the next hit is news at once', async () => {
  const { ledger, alertId } = await withStepChange();
  await closeAlert(ledger.admin, closing(alertId, 'confirmed_fraud', 78));
  const before = (await openAlerts(ledger)).length;
  await spend(ledger, 78, 1, 30);
  expect((await openAlerts(ledger)).length).toBe(before + 1);
  await expectProven(ledger);
});

test('what was taught is kept when the lane is taken over, before and after the batch that learns it', async () => {
  const { ledger, alertId } = await withStepChange();
  await closeAlert(ledger.admin, closing(alertId, 'benign', 78));
  for (const left of await openAlerts(ledger)) {
    await closeAlert(ledger.admin, closing(left.alertId, 'duplicate', 78));
  }
  await ledger.takeOver();
  await spend(ledger, 78, 1, 30);
  await ledger.takeOver();
  await spend(ledger, 79, 10, 30);
  expect(await openAlerts(ledger)).toEqual([]);
  await expectProven(ledger);
});

test('a verdict can be changed, repeated safely, and not given twice', async () => {
  const { ledger, alertId } = await withStepChange();
  const request = closing(alertId, 'confirmed_fraud', 78);
  const first = await closeAlert(ledger.admin, request);
  expect(await closeAlert(ledger.admin, request)).toEqual({ ...first, isRepeated: true });
  expect(await codeOf(closeAlert(ledger.admin, { ...request, verdict: 'benign' }))).toBe('IDEMPOTENCY_CONFLICT');
  expect(await codeOf(closeAlert(ledger.admin, closing(alertId, 'confirmed_fraud', 79)))).toBe('ALERT_CLOSED');
  expect(await closeAlert(ledger.admin, closing(alertId, 'benign', 79))).toMatchObject({ before: 'confirmed_fraud' });
  expect(await codeOf(closeAlert(ledger.admin, closing('alt_none', 'benign', 79)))).toBe('ALERT_NOT_FOUND');
  const dry = await closeAlert(ledger.admin, { ...closing(alertId, 'duplicate', 80), dryRun: true });
  expect(dry.before).toBe('benign');
  const { rows } = await ledger.pool.query('select status, closed_by, closed_reason from alert where alert_id = $1', [
    alertId,
  ]);
  expect(rows).toEqual([{ status: 'benign', closed_by: 'test:ana', closed_reason: 'a test' }]);
  const audit = await ledger.pool.query("select actor from audit_log where action = 'wallet.label'");
  expect(audit.rows).toHaveLength(2);
});
