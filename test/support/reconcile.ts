import { createReconcileStore } from '../../src/adapters/postgres/stripe/reconcile-store.ts';
import { createStripeBalance } from '../../src/adapters/stripe/balance.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { type ReconcileParts, type ReconcileRequest, reconcile } from '../../src/pipeline/reconcile/reconcile.ts';
import type { ReconcileReport } from '../../src/pipeline/reconcile/report.ts';
import { settlePayment } from '../../src/pipeline/stripe/settle-payment.ts';
import { START_MS } from './ledger.ts';
import type { TestMoney } from './money-in.ts';

/** What reconciliation works with, on a test's money. */
export function reconcileParts(money: TestMoney, over: Partial<ReconcileParts> = {}): ReconcileParts {
  return {
    balance: createStripeBalance(money.sdk),
    store: createReconcileStore(money.ledger.pool),
    money: money.store,
    settle: (paymentIntent) => settlePayment(money, paymentIntent),
    now: money.now,
    ...over,
  };
}

/** Reconciles the day before and the days after the tests' beginning. */
export function reconcileAll(
  money: TestMoney,
  over: Partial<ReconcileRequest> = {},
  parts: Partial<ReconcileParts> = {},
): Promise<ReconcileReport> {
  const request = { fromMs: START_MS - DAY_MS, toMs: money.now() + 60_000, dryRun: false, ...over };
  return reconcile(reconcileParts(money, parts), request);
}
