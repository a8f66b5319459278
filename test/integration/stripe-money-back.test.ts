import { describe, expect, test } from 'vitest';
import { DAY_MS } from '../../src/domain/time.ts';
import { autoTopUp, sweepAutoTopUps } from '../../src/pipeline/stripe/auto-top-up.ts';
import { processEvent } from '../../src/pipeline/stripe/process-event.ts';
import { settlePayment } from '../../src/pipeline/stripe/settle-payment.ts';
import { credit, expectProven, spending, walletOf } from '../support/credit.ts';
import { PLAIN_RULESET, START_MS, USD } from '../support/ledger.ts';
import { deliverAll, openMoneyIn, paid, type TestMoney } from '../support/money-in.ts';
import { verifyAfter } from '../support/verify.ts';

describe('payments that are not what they seem', () => {
  test('of an unknown customer are kept with one case, and lost nowhere', async () => {
    const money = await openMoneyIn();
    const customer = await money.sdk.customers.create({ email: 'who@example.com' });
    for (let index = 0; index < 2; index++) {
      await money.sdk.paymentIntents.create({
        amount: 5_000,
        currency: 'usd',
        customer: customer.id,
        payment_method: 'pm_card_visa',
        confirm: true,
        return_url: 'https://example.com',
      });
    }
    await deliverAll(money);
    expect(await money.openCases()).toEqual(['unknown_customer']);
    expect((await money.store.events.list({ status: 'kept', limit: 9 })).length).toBeGreaterThan(0);
    expect((await money.store.events.counts()).waiting).toBe(0);
  });

  test('with the metadata of somebody else, or of no top-up of ours, are kept', async () => {
    const money = await openMoneyIn();
    const { topupId } = await paid(money);
    const other = await money.withCard('mallory');
    const pay = (metadata: Record<string, string>) =>
      money.sdk.paymentIntents.create({
        amount: 100,
        currency: 'usd',
        customer: other.customer,
        payment_method: other.card,
        off_session: true,
        confirm: true,
        metadata,
      });
    const stolen = await pay({ wallet_topup_id: topupId });
    const invented = await pay({ wallet_topup_id: 'top_0000000000000000' });
    expect(await settlePayment(money, stolen.id)).toMatchObject({ is: 'kept' });
    expect(await settlePayment(money, invented.id)).toMatchObject({ is: 'kept' });
    expect(await money.openCases()).toEqual(['other_customer', 'unknown_topup']);
    expect(await money.dollars('acme')).toBe(51);
  });

  test('in another currency are a case and never credit', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    const { customer, card } = await money.withCard('acme');
    const walletId = await money.setAuto('acme');
    money.sandbox.faults.add({ kind: 'status', status: 500, path: '/v1/payment_intents', method: 'POST', count: 2 });
    const topUp = await autoTopUp(money, walletId);
    money.sandbox.faults.clear();
    const euros = await money.sdk.paymentIntents.create({
      amount: 5_000,
      currency: 'eur',
      customer,
      payment_method: card,
      off_session: true,
      confirm: true,
      metadata: { wallet_topup_id: topUp?.topupId ?? '' },
    });
    expect(await settlePayment(money, euros.id)).toMatchObject({ is: 'kept' });
    expect(await money.openCases()).toEqual(['other_currency']);
    expect(await money.dollars('acme')).toBe(1);
    // What happens to it later moves nothing here either.
    await money.sdk.refunds.create({ payment_intent: euros.id });
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(1);
  });

  test('that a customer makes for something else are none of ours', async () => {
    const money = await openMoneyIn();
    const { customer, card } = await money.withCard('acme');
    const intent = await money.sdk.paymentIntents.create({
      amount: 700,
      currency: 'usd',
      customer,
      payment_method: card,
      off_session: true,
      confirm: true,
    });
    expect(await settlePayment(money, intent.id)).toMatchObject({ is: 'ignored' });
    expect(await money.openCases()).toEqual([]);
  });
});

describe('money that goes back', () => {
  test('partly, as a refund larger than what is left takes the wallet below zero with a case', async () => {
    const money = await openMoneyIn();
    const { paymentIntent, topupId } = await paid(money);
    await money.sdk.refunds.create({ payment_intent: paymentIntent, amount: 2_000 });
    await deliverAll(money, 2);
    expect(await money.dollars('acme')).toBe(31);
    await money.ledger.use('acme', spending('a', [20]));
    await money.sdk.refunds.create({ payment_intent: paymentIntent, amount: 3_000 });
    await deliverAll(money, 2);
    expect(await money.dollars('acme')).toBe(-19);
    expect(await money.openCases()).toEqual(['refund_below_zero']);
    expect(await money.store.topUps.read(topupId)).toMatchObject({ status: 'paid', refundedNanos: 50n * USD });
    await expect(money.sdk.refunds.create({ payment_intent: paymentIntent, amount: 1 })).rejects.toThrow();
    await expectProven(money.ledger);
    expect((await verifyAfter(money.ledger.pool, [], { ruleset: PLAIN_RULESET })).found).toEqual([]);
  });

  test('and comes again when a refund fails after it was posted', async () => {
    const money = await openMoneyIn();
    const { paymentIntent, topupId } = await paid(money, 'acme', 'pm_card_pendingRefund');
    const refund = await money.sdk.refunds.create({ payment_intent: paymentIntent, amount: 2_000 });
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(31);
    money.sandbox.control.settleRefund(refund.id, false);
    await deliverAll(money, 2);
    expect(await money.dollars('acme')).toBe(51);
    expect(await money.store.topUps.read(topupId)).toMatchObject({ refundedNanos: 0n });
    await expectProven(money.ledger);
  });

  test('by a dispute that is won, or lost, with signals and labels', async () => {
    const money = await openMoneyIn();
    const { paymentIntent, topupId } = await paid(money);
    const dispute = money.sandbox.control.dispute(paymentIntent, { reason: 'fraudulent' });
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(1);
    expect(await money.store.topUps.read(topupId)).toMatchObject({ disputedNanos: 50n * USD });
    money.sandbox.control.closeDispute(dispute.id, 'won');
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(51);
    expect(money.given).toMatchObject([{ verdict: 'benign', source: 'dispute', account: 'acme' }]);
    const { rows } = await money.ledger.pool.query('select kind from payment_signal order by kind');
    expect(rows).toEqual([{ kind: 'dispute_opened' }, { kind: 'dispute_won' }]);
    await expectProven(money.ledger);
  });

  test('not by an inquiry, which moves no money', async () => {
    const money = await openMoneyIn();
    const { paymentIntent } = await paid(money);
    money.sandbox.control.dispute(paymentIntent, { inquiry: true });
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(51);
  });

  test('is feared with an early fraud warning: a label, and a freeze when the policy says so, once', async () => {
    const money = await openMoneyIn({ warningFreezeHours: 24 });
    const { paymentIntent } = await paid(money);
    const warning = money.sandbox.control.warn(paymentIntent);
    await deliverAll(money, 2);
    expect(await walletOf(money.ledger, 'acme')).toMatchObject({
      status: 'frozen',
      frozenUntilMs: START_MS + DAY_MS,
      posted: 51n * USD,
    });
    expect(money.given).toMatchObject([{ verdict: 'confirmed_fraud', source: 'early_fraud_warning' }]);
    expect(warning.actionable).toBe(true);
    await expectProven(money.ledger);
  });

  test.each([
    [
      'a refund',
      'a top-up was refunded',
      (money: TestMoney, id: string) => money.sdk.refunds.create({ payment_intent: id }),
    ],
    ['a dispute', 'a top-up is disputed', async (money: TestMoney, id: string) => money.sandbox.control.dispute(id)],
    [
      'a fraud warning',
      'a bank warns of fraud',
      async (money: TestMoney, id: string) => money.sandbox.control.warn(id),
    ],
  ])(
    'is not taken from the card again by itself: %s stops automatic top-ups until somebody resumes them',
    async (_name, because, happen) => {
      const money = await openMoneyIn();
      const { paymentIntent, walletId } = await paid(money);
      await happen(money, paymentIntent);
      await deliverAll(money, 2);
      await money.ledger.use('acme', spending('a', [1, 50].slice(0, because === 'a bank warns of fraud' ? 2 : 1)));
      expect(await money.store.auto.read(walletId)).toMatchObject({ stoppedBecause: because });
      expect(await sweepAutoTopUps(money)).toBe(0);
      money.advance(60_000);
      await money.store.auto.resume(walletId, 'cli:ana', money.now());
      // Old events that come again stop nothing that somebody has resumed.
      for (const event of money.events()) await processEvent(money, event.id);
      await settlePayment(money, paymentIntent);
      expect(await sweepAutoTopUps(money)).toBe(1);
    },
  );
});
