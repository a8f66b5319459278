import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STRIPE_START_MS, startTestStripe, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;

beforeEach(async () => {
  under = await startTestStripe();
});

afterEach(async () => {
  await under.close();
});

async function paid(card = 'pm_card_visa', amount = 5_000) {
  return under.stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    payment_method: card,
    confirm: true,
    return_url: 'https://example.com',
  });
}

const types = () => under.sandbox.world.events.all().map(({ type }) => type);

/** What the balance came to: the sum of all movements, net of fees. */
async function net(): Promise<number> {
  const all = await under.stripe.balanceTransactions.list().autoPagingToArray({ limit: 100 });
  return all.reduce((sum, row) => sum + row.net, 0);
}

describe('refunds', () => {
  test('part by part, never more than was paid', async () => {
    const intent = await paid();
    const first = await under.stripe.refunds.create({ payment_intent: intent.id, amount: 2_000, reason: 'duplicate' });
    expect(first).toMatchObject({ status: 'succeeded', amount: 2_000, reason: 'duplicate' });
    const tooMuch = under.stripe.refunds.create({ payment_intent: intent.id, amount: 3_001 });
    await expect(tooMuch).rejects.toMatchObject({ statusCode: 400, param: 'amount' });
    await under.stripe.refunds.create({ payment_intent: intent.id });
    await expect(under.stripe.refunds.create({ payment_intent: intent.id })).rejects.toMatchObject({
      code: 'charge_already_refunded',
    });
    // The fee of the charge is not given back.
    expect(await net()).toBe(-175);
    expect((await under.stripe.refunds.list({ payment_intent: intent.id })).data).toHaveLength(2);
  });

  test('that come back bring the money back as a movement of their own', async () => {
    const intent = await paid('pm_card_refundFail');
    const refund = await under.stripe.refunds.create({ payment_intent: intent.id });
    const failed = await under.stripe.refunds.retrieve(refund.id, { expand: ['failure_balance_transaction'] });
    expect(failed).toMatchObject({
      status: 'failed',
      failure_balance_transaction: { type: 'refund_failure', amount: 5_000 },
    });
    expect(await net()).toBe(5_000 - 175);
    expect(types().slice(-3)).toEqual(['refund.failed', 'refund.updated', 'charge.refund.updated']);
  });

  test('that take their time', async () => {
    const intent = await paid('pm_card_pendingRefund');
    const refund = await under.stripe.refunds.create({ payment_intent: intent.id });
    expect(refund.status).toBe('pending');
    under.sandbox.control.settleRefund(refund.id, true);
    expect((await under.stripe.refunds.retrieve(refund.id)).status).toBe('succeeded');
  });

  test('of a payment that never succeeded are refused', async () => {
    const intent = await under.stripe.paymentIntents.create({ amount: 5_000, currency: 'usd' });
    await expect(under.stripe.refunds.create({ payment_intent: intent.id })).rejects.toMatchObject({ statusCode: 400 });
  });
});

describe('disputes', () => {
  test('take amount and fee at once, and give the amount back when won', async () => {
    const intent = await paid();
    const { id } = under.sandbox.control.dispute(intent.id);
    const open = await under.stripe.disputes.retrieve(id, { expand: ['charge'] });
    expect(open).toMatchObject({ status: 'needs_response', amount: 5_000, charge: { disputed: true } });
    expect(open.balance_transactions).toMatchObject([{ amount: -5_000, fee: 1_500, net: -6_500 }]);
    expect(types().slice(-2)).toEqual(['charge.dispute.created', 'charge.dispute.funds_withdrawn']);
    await under.stripe.disputes.update(id, { evidence: { uncategorized_text: 'usage log' }, submit: true });
    under.sandbox.control.closeDispute(id, 'won');
    expect(await net()).toBe(5_000 - 175 - 1_500);
    expect(types().slice(-2)).toEqual(['charge.dispute.funds_reinstated', 'charge.dispute.closed']);
  });

  test('that are lost give nothing back, and cannot be decided twice', async () => {
    const intent = await paid('pm_card_createDispute');
    const { data } = await under.stripe.disputes.list({ payment_intent: intent.id });
    const [dispute] = data;
    const closed = await under.stripe.disputes.close(dispute?.id ?? '');
    expect(closed.status).toBe('lost');
    expect(() => under.sandbox.control.closeDispute(closed.id, 'won')).toThrow('already lost');
    expect(await net()).toBe(-175 - 1_500);
  });

  test('an inquiry moves no money and still allows a refund', async () => {
    const intent = await paid('pm_card_createDisputeInquiry');
    const { data } = await under.stripe.disputes.list();
    expect(data).toMatchObject([{ status: 'warning_needs_response', balance_transactions: [] }]);
    await under.stripe.refunds.create({ payment_intent: intent.id });
    expect(await net()).toBe(-175);
  });

  test('a charge that was charged back cannot be refunded as well', async () => {
    const intent = await paid();
    under.sandbox.control.dispute(intent.id);
    await expect(under.stripe.refunds.create({ payment_intent: intent.id })).rejects.toMatchObject({
      code: 'charge_disputed',
    });
  });
});

test('an early fraud warning names the charge and can be acted on until it is refunded', async () => {
  const intent = await paid('pm_card_createIssuerFraudRecord');
  const { data } = await under.stripe.radar.earlyFraudWarnings.list({ payment_intent: intent.id });
  expect(data).toMatchObject([{ actionable: true, fraud_type: 'unauthorized_use_of_card' }]);
  expect(await under.stripe.radar.earlyFraudWarnings.retrieve(data[0]?.id ?? '')).toMatchObject({
    payment_intent: intent.id,
  });
});

test('a charge can be reported as fraud', async () => {
  const intent = await paid();
  const id = typeof intent.latest_charge === 'string' ? intent.latest_charge : '';
  const charge = await under.stripe.charges.update(id, { fraud_details: { user_report: 'fraudulent' } });
  expect(charge.fraud_details).toEqual({ user_report: 'fraudulent' });
});

test('a report lists the movements of the balance as a file', async () => {
  await paid();
  const start = STRIPE_START_MS / 1_000;
  const run = await under.stripe.reporting.reportRuns.create({
    report_type: 'balance_change_from_activity.itemized.3',
    parameters: {
      interval_start: start,
      interval_end: start + 86_400,
      columns: ['created_utc', 'gross', 'fee', 'net', 'reporting_category'],
    },
  });
  expect(run.status).toBe('pending');
  const done = await under.stripe.reporting.reportRuns.retrieve(run.id);
  expect(done.status).toBe('succeeded');
  const file = await fetch(done.result?.url ?? '', { headers: { authorization: 'Bearer sk_test_x' } });
  expect(await file.text()).toBe(
    'created_utc,gross,fee,net,reporting_category\n2026-03-02 09:00:00,50.00,1.75,48.25,charge\n',
  );
});
