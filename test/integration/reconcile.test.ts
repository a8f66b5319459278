import { describe, expect, test } from 'vitest';
import { createReconcileStore } from '../../src/adapters/postgres/stripe/reconcile-store.ts';
import { createStripeBalance } from '../../src/adapters/stripe/balance.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { topUp as creditWallet } from '../../src/pipeline/admin/top-up.ts';
import type { StripeBalance } from '../../src/pipeline/reconcile/reconcile-port.ts';
import type { ReconcileReport } from '../../src/pipeline/reconcile/report.ts';
import { credit, expectProven } from '../support/credit.ts';
import { PLAIN_RULESET, START_MS, USD } from '../support/ledger.ts';
import { openMoneyIn, type TestMoney } from '../support/money-in.ts';
import { reconcileAll } from '../support/reconcile.ts';

const { overdraftNanos } = PLAIN_RULESET;

/** A top-up that Stripe has charged, of which no word has reached the ledger. */
async function chargedUnseen(money: TestMoney, account: string, dollars = 50): Promise<string> {
  const { customer, card } = await money.withCard(account);
  const walletId = await money.setAuto(account);
  const topUp = await money.store.topUps.insert(
    {
      topupId: `top_${account}`,
      tenant: 'default',
      account,
      walletId,
      currency: 'USD',
      kind: 'auto',
      amountNanos: BigInt(dollars) * USD,
      status: 'pending',
      customer,
      paymentMethod: card,
      requestKey: `request-${account}`,
      requestHash: 'x',
      actor: 'test',
    },
    money.now(),
  );
  if (topUp === undefined) throw new Error('the top-up is there already');
  const intent = await money.sdk.paymentIntents.create({
    amount: dollars * 100,
    currency: 'usd',
    customer,
    payment_method: card,
    off_session: true,
    confirm: true,
    metadata: { wallet_topup_id: topUp.topupId },
  });
  return intent.id;
}

/** The same, with the credit posted. */
async function charged(money: TestMoney, account: string, dollars = 50): Promise<string> {
  const payment = await chargedUnseen(money, account, dollars);
  for (const event of money.events()) await money.send(event);
  await money.drain();
  return payment;
}

function said({ items }: ReconcileReport) {
  return items.map(({ cause, reference, outcome }) => [cause, reference, outcome]);
}

/** Everything that a run may change. */
async function booksOf(money: TestMoney) {
  const { pool } = money.ledger;
  const tables = await Promise.all(
    [
      'select lane, batch_no, encode(chain, $$hex$$) as chain from batch order by 1, 2',
      'select wallet_id, posted, seq from wallet order by 1',
      'select case_id, kind, subject, title, status from money_case order by 1',
      'select topup_id, status, credited, refunded, disputed from topup order by 1',
    ].map((sql) => pool.query(sql)),
  );
  return tables.map(({ rows }) => rows);
}

describe('reconcile', () => {
  test('finds nothing in books that agree, and sums fees by day', async () => {
    const money = await openMoneyIn();
    const payment = await charged(money, 'acme');
    await money.sdk.refunds.create({ payment_intent: payment, amount: 1_000 });
    money.sandbox.control.dispute(payment, { amount: 2_000 });
    for (const event of money.events()) await money.send(event);
    await money.drain();
    money.advance(DAY_MS);
    const report = await reconcileAll(money, { fromMs: Date.UTC(2026, 2, 2), toMs: Date.UTC(2026, 2, 3) });
    expect(said(report)).toEqual([]);
    expect(report.totals).toMatchObject({ pairs: 3, agreed: 3, foreign: 0, oldestMs: null });
    expect(report.totals.byCurrency.get('USD')).toMatchObject({
      ledgerNanos: 20n * USD,
      stripeNanos: 20n * USD,
      driftNanos: 0n,
    });
    // 2.9 % and 30 cents of the payment, and the fee of the dispute.
    expect(report.fees).toEqual([
      { dayMs: Date.UTC(2026, 2, 2), currency: 'USD', feeMinor: 175n + 1_500n, turnoverMinor: 8_000n, transactions: 3 },
    ]);
    const { rows } = await money.ledger.pool.query('select fee, transactions from stripe_fee_day');
    expect(rows).toEqual([{ fee: 1_675n, transactions: 3n }]);
  });

  test('posts what a lost webhook should have, once, and says why', async () => {
    const money = await openMoneyIn();
    const payment = await chargedUnseen(money, 'acme');
    money.advance(HOUR_MS);
    const dry = await reconcileAll(money, { dryRun: true });
    expect(said(dry)).toEqual([['webhook_lost', payment, 'would_heal']]);
    expect(dry.left.get('USD')).toBe(50n * USD);
    const before = await booksOf(money);
    const report = await reconcileAll(money);
    expect(said(report)).toEqual([['webhook_lost', payment, 'healed']]);
    expect(report.items[0]?.because).toContain(`Posted by reconciliation ${report.runId}.`);
    expect(report.totals.byCurrency.get('USD')).toMatchObject({ driftNanos: 50n * USD });
    expect(report.left.size).toBe(0);
    expect(await booksOf(money)).not.toEqual(before);
    expect(await money.dollars('acme')).toBe(50);
    // The webhook itself comes after all.
    for (const event of money.events()) await money.send(event);
    await money.drain();
    const after = await booksOf(money);
    expect(said(await reconcileAll(money))).toEqual([]);
    expect(await booksOf(money)).toEqual(after);
    expect(await money.dollars('acme')).toBe(50);
    await expectProven(money.ledger);
  });

  test('heals a refund and a dispute that were made in the Dashboard, and a refund that failed later', async () => {
    const money = await openMoneyIn();
    const payment = await charged(money, 'acme');
    const refund = await money.sdk.refunds.create({ payment_intent: payment, amount: 1_500 });
    money.advance(HOUR_MS);
    expect(said(await reconcileAll(money))).toEqual([['webhook_lost', refund.id, 'healed']]);
    expect(await money.dollars('acme')).toBe(35);
    money.sandbox.control.dispute(payment, { amount: 2_000 });
    money.sandbox.control.settleRefund(refund.id, false);
    money.advance(HOUR_MS);
    const causes = said(await reconcileAll(money)).map(([cause, , outcome]) => [cause, outcome]);
    expect(causes).toEqual([
      ['webhook_lost', 'healed'],
      ['webhook_lost', 'healed'],
    ]);
    expect(await money.dollars('acme')).toBe(30);
    expect(said(await reconcileAll(money))).toEqual([]);
    await expectProven(money.ledger);
  });

  test('leaves to people what it may not decide: one case each, however often it runs', async () => {
    const money = await openMoneyIn();
    const twice = await charged(money, 'acme');
    const by = {
      tenant: 'default',
      currency: 'USD',
      source: 'paid' as const,
      actor: 'cli:ana',
      nowMs: money.now(),
      dryRun: false,
    };
    const post = (account: string, dollars: number, key: string, reason: string, currency = 'USD') =>
      creditWallet(money.ledger.admin, {
        ...by,
        currency,
        account,
        amount: BigInt(dollars) * USD,
        key,
        reason,
        overdraftNanos,
      });
    await post('acme', 50, 'by-hand-1', `customer shows a receipt for ${twice}`);
    await post('acme', 70, 'stripe-pi_neverheardof', 'typed by hand');
    const wrong = await chargedUnseen(money, 'short');
    await post('short', 40, `stripe-${wrong}`, 'read 40 instead of 50');
    const euro = await chargedUnseen(money, 'euro');
    await post('euro', 50, `stripe-${euro}`, 'euros', 'EUR');
    const unknown = await chargedUnseen(money, 'gone');
    await money.ledger.pool.query(`delete from topup where topup_id = 'top_gone'`);
    money.advance(HOUR_MS);
    const report = await reconcileAll(money);
    const expected = [
      ['posted_twice', twice, 'case'],
      ['unknown_in_stripe', 'pi_neverheardof', 'case'],
      ['amount', wrong, 'case'],
      ['currency', euro, 'case'],
      ['unknown_here', unknown, 'case'],
    ];
    expect(new Set(said(report).map(String))).toEqual(new Set(expected.map(String)));
    expect(await money.openCases()).toEqual([
      'reconcile_amount',
      'reconcile_currency',
      'reconcile_posted_twice',
      'reconcile_unknown_here',
      'reconcile_unknown_in_stripe',
    ]);
    expect(report.left.get('USD')).toBe((50n + 70n + 10n + 50n) * USD);
    const after = await booksOf(money);
    const again = await reconcileAll(money);
    expect(said(again)).toEqual(said(report));
    expect(await booksOf(money)).toEqual(after);
  });

  test('does not touch what is on its way, in another window, or none of its business', async () => {
    const money = await openMoneyIn();
    // Paid with the same Stripe account, and no top-up.
    await money.sdk.paymentIntents.create({
      amount: 900,
      currency: 'usd',
      payment_method: 'pm_card_visa',
      confirm: true,
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    // Cash by bank transfer has nothing to do with Stripe.
    await credit(money.ledger, 'wire', 500);
    const early = await charged(money, 'early');
    money.advance(2 * HOUR_MS);
    const fresh = await chargedUnseen(money, 'fresh');
    const report = await reconcileAll(money);
    expect(said(report)).toEqual([['timing', fresh, 'noted']]);
    expect(report.totals).toMatchObject({ foreign: 1, agreed: 1 });
    expect(report.left.size).toBe(0);
    // Posted in the window, moved by Stripe before it.
    const from = START_MS + 1_000;
    const lane = await money.ledger.pool.query(`select posted_at from batch where idempotency_key = $1`, [
      `stripe-${early}`,
    ]);
    expect(lane.rows).toHaveLength(1);
    const windowed = await reconcileAll(money, { fromMs: from, toMs: money.now() + 1_000 });
    expect(said(windowed)).toEqual([['timing', fresh, 'noted']]);
  });

  test('reads rows that appear between two pages, and goes on where it was cut off', async () => {
    const money = await openMoneyIn();
    for (let index = 0; index < 12; index++) await charged(money, `a-${index}`, 10);
    const real = createStripeBalance(money.sdk);
    let pages = 0;
    let late: string | undefined;
    const balance: StripeBalance = {
      ...real,
      async page(query) {
        const found = await real.page(query);
        pages++;
        // Somebody pays while the first page with anything on it is read.
        if (found.rows.length > 0 && late === undefined) {
          late = 'soon';
          late = await chargedUnseen(money, 'late', 10);
        }
        return found;
      },
    };
    const store = createReconcileStore(money.ledger.pool);
    let kept = 0;
    const failing = {
      ...store,
      keep: async (...args: Parameters<typeof store.keep>) => {
        const added = await store.keep(...args);
        if (args[1].length > 0 && ++kept === 1) throw new Error('the process was killed');
        return added;
      },
    };
    const request = { toMs: START_MS + DAY_MS };
    await expect(reconcileAll(money, request, { balance, store: failing })).rejects.toThrow('killed');
    const stored = await money.ledger.pool.query('select count(*) as rows from reconcile_row');
    expect(stored.rows).toEqual([{ rows: 12n }]);
    const before = pages;
    money.advance(HOUR_MS);
    const report = await reconcileAll(money, request, { balance });
    expect(report.isResumed).toBe(true);
    expect(pages).toBeGreaterThan(before);
    expect(report.stripeRows).toBe(13);
    expect(said(report)).toEqual([['webhook_lost', late, 'healed']]);
    const left = await money.ledger.pool.query(
      'select (select count(*) from reconcile_row) + (select count(*) from reconcile_slice) as rows',
    );
    expect(left.rows).toEqual([{ rows: 0n }]);
  });

  test('takes a movement that a later page tells otherwise as it was told last', async () => {
    const money = await openMoneyIn();
    await charged(money, 'acme');
    const real = createStripeBalance(money.sdk);
    let isFirst = true;
    const balance: StripeBalance = {
      ...real,
      async page(query) {
        const found = await real.page(query);
        if (found.rows.length === 0) return found;
        const rows = isFirst ? found.rows.map((row) => ({ ...row, amountMinor: row.amountMinor + 1n })) : found.rows;
        isFirst = false;
        return { ...found, rows };
      },
    };
    expect(said(await reconcileAll(money, {}, { balance }))).toEqual([]);
  });

  test('looks at so many differences at a time and says how many are left', async () => {
    const money = await openMoneyIn();
    for (let index = 0; index < 5; index++) await chargedUnseen(money, `a-${index}`, 10);
    money.advance(HOUR_MS);
    const first = await reconcileAll(money, { differencesMax: 3 });
    expect([first.items.length, first.unlooked]).toEqual([3, 2]);
    expect(first.totals.byCause).toEqual({ webhook_lost: 5 });
    const second = await reconcileAll(money, { differencesMax: 3 });
    expect([second.items.length, second.unlooked]).toEqual([2, 0]);
  });

  test('opens a case when Stripe does not let it heal', async () => {
    const money = await openMoneyIn();
    const payment = await chargedUnseen(money, 'acme');
    money.advance(HOUR_MS);
    await money.ledger.pool.query(`update account set status = 'closed'`);
    await money.ledger.pool.query(
      `insert into account (tenant_id, account_id, status, opened_at) values ('default', 'acme', 'closed', now()) on conflict do nothing`,
    );
    expect(said(await reconcileAll(money))).toEqual([['webhook_lost', payment, 'case']]);
    expect(await money.openCases()).toEqual(['not_posted', 'reconcile_webhook_lost']);
  });
});
