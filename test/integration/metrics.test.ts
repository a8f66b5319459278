import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMetrics, METRICS } from '../../src/adapters/metrics/metrics.ts';
import { createProcessMetrics } from '../../src/adapters/metrics/process-metrics.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { confirmTaken } from '../../src/pipeline/usage-export/check-meters.ts';
import { runExport } from '../../src/pipeline/usage-export/run-export.ts';
import { credit } from '../support/credit.ts';
import { USD } from '../support/ledger.ts';
import { openMoneyIn } from '../support/money-in.ts';
import { reconcileAll } from '../support/reconcile.ts';
import { openExport } from '../support/usage-export.ts';

test('metrics tell what is in the books, and ask for it four times a minute', async () => {
  const money = await openMoneyIn();
  let nowMs = 0;
  const metrics = createMetrics({ pool: money.ledger.pool }, () => nowMs);
  // Never reconciled is not reconciled just now.
  expect(await metrics.read()).not.toMatch(/^(?:tollkeeper_wallets|tollkeeper_reconcile_age_seconds)\b/m);
  await credit(money.ledger, 'acme', 20, { key: 'stripe-pi_neverheardof' });
  money.advance(3_600_000);
  await reconcileAll(money);
  expect(await metrics.read()).not.toContain('tollkeeper_wallets{');
  nowMs += 15_000;
  const text = await metrics.read();
  expect(text).toContain('tollkeeper_wallets{status="active"} 1\n');
  expect(text).toContain('tollkeeper_reconcile_drift_left{currency="USD"} 20\n');
  expect(text).toContain('tollkeeper_money_cases_open{kind="reconcile_unknown_in_stripe"} 1\n');
  expect(metrics.contentType).toContain('text/plain');
});

test('metrics tell deficits, queues, budgets and what an event costs', async () => {
  const money = await openMoneyIn();
  await credit(money.ledger, 'acme', 20);
  await money.ledger.use('acme', [
    { id: 'a', dollars: '24' },
    { id: 'b', dollars: '0' },
    { id: 'c', dollars: '50' },
  ]);
  // The ledger of the tests lives in a time of its own; the figure looks at the last 30 days of the database's.
  await money.ledger.pool.query('alter table batch disable trigger user');
  await money.ledger.pool.query('update batch set posted_at = now()');
  await money.ledger.pool.query(
    `insert into stripe_fee_day (day, currency, fee, turnover, transactions, updated_at)
     values (current_date - 1, 'usd', 150, 5000, 2, now()), (current_date - 40, 'usd', 9999, 1, 1, now())`,
  );
  const read = createMetrics(
    {
      pool: money.ledger.pool,
      queues: async () => [{ queue: 'usage', waiting: 7, active: 2, failed: 0 }],
      alertsPerDayMax: () => 40,
      ownCostPerMonth: { nanos: USD / 2n, currency: 'USD' },
    },
    () => 0,
  ).read;
  const text = await read();
  expect(text).toContain('tollkeeper_deficit{currency="USD"} 4\n');
  expect(text).toContain('tollkeeper_wallets_below_zero 1\n');
  expect(text).toContain('tollkeeper_quarantined{currency="USD",reason="over_limit"} 50\n');
  expect(text).toContain('tollkeeper_queue_jobs{queue="usage",state="waiting"} 7\n');
  expect(text).toContain('tollkeeper_alert_budget_day 40\n');
  // Two dollars, over the two events that were posted.
  expect(text).toContain('tollkeeper_cost_per_event{currency="USD"} 1\n');
});

test('the process tells how long usage took to be posted, exported and confirmed', async () => {
  const ofProcess = createProcessMetrics();
  const { money, parts, use, nextHour } = await openExport();
  ofProcess.onCommit({
    clockMs: 10_000,
    decisions: [],
    facts: [
      { status: 'posted', item: { event: { occurredAtMs: 8_000 } } },
      { status: 'duplicate', item: { event: { occurredAtMs: 0 } } },
    ],
  } as unknown as Parameters<typeof ofProcess.onCommit>[0]);
  await use('acme', { id: 'a', dollars: '5' });
  nextHour();
  const told = { ...parts, onCleared: ofProcess.onCleared };
  await runExport(told);
  money.advance(2 * HOUR_MS);
  await confirmTaken(told);
  await confirmTaken(told);
  ofProcess.onResponse({ route: '/v1/events', method: 'POST', status: 202, ms: 3 });
  const text = await createMetrics({ pool: money.ledger.pool }, () => 0, ofProcess).read();
  expect(text).toContain('tollkeeper_usage_events_total{status="posted"} 1\n');
  expect(text).toContain('tollkeeper_usage_events_total{status="duplicate"} 1\n');
  expect(text).toContain('tollkeeper_time_to_clear_seconds_sum{stage="posted"} 2\n');
  for (const stage of ['posted', 'exported', 'confirmed'])
    expect(text).toContain(`tollkeeper_time_to_clear_seconds_count{stage="${stage}"} 1\n`);
  expect(text).toContain('tollkeeper_time_to_clear_seconds_sum{stage="confirmed"} 7200\n');
  expect(text).toContain('tollkeeper_http_request_seconds_count{route="/v1/events",method="POST",status="2xx"} 1\n');
  expect(text).toContain('tollkeeper_usage_export_due_hours 0\n');
  const named = new Set([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`));
  expect([...named].sort()).toEqual(METRICS.map(({ name, type }) => `${name} ${type}`).sort());
});

test('the page of metrics explains each of them in the words of the registry', () => {
  const page = readFileSync('docs/metrics.md', 'utf8');
  const rows = [...page.matchAll(/^\| `(tollkeeper_\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm)];
  const told = rows.map(([, name, type, labels, help]) => ({ name, type, labels, help }));
  expect(told).toEqual(
    METRICS.map(({ name, type, help, labels = [] }) => ({ name, type, labels: labels.join(', ') || '–', help })),
  );
});
