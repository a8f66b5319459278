import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMetrics, METRICS } from '../../src/adapters/postgres/metrics.ts';
import { credit } from '../support/credit.ts';
import { openMoneyIn } from '../support/money-in.ts';
import { reconcileAll } from '../support/reconcile.ts';

test('metrics tell what is in the books, and ask for it four times a minute', async () => {
  const money = await openMoneyIn();
  let nowMs = 0;
  const metrics = createMetrics(money.ledger.pool, () => nowMs);
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

test('the page of metrics explains each of them in the words of the registry', () => {
  const page = readFileSync('docs/metrics.md', 'utf8');
  const rows = [...page.matchAll(/^\| `(tollkeeper_\w+)` \| (.*?) \| (.*) \|$/gm)];
  const told = rows.map(([, name, labels, help]) => ({ name, labels, help }));
  expect(told).toEqual(
    METRICS.map(({ name, help, labels = [] }) => ({ name, labels: labels.join(', ') || '–', help })),
  );
});
