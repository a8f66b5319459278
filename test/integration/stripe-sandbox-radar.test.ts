import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestStripe, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;

beforeEach(async () => {
  under = await startTestStripe();
});

afterEach(async () => {
  await under.close();
});

const list = (alias = 'usage_anomaly_review') =>
  under.stripe.radar.valueLists.create({ alias, name: 'Usage anomaly review', item_type: 'customer_id' });

async function payment(customer: string, more: object = {}) {
  return under.stripe.paymentIntents.create({
    amount: 5_000,
    currency: 'usd',
    customer,
    payment_method: 'pm_card_visa',
    confirm: true,
    return_url: 'https://example.com',
    ...more,
  });
}

const types = () => under.sandbox.world.events.all().map(({ type }) => type);

test('a customer on the list has the next payment reviewed, and no longer once taken off', async () => {
  const { id: customer } = await under.stripe.customers.create({});
  const { id: value_list } = await list();
  const item = await under.stripe.radar.valueListItems.create({ value_list, value: customer });
  const reviewed = await payment(customer);
  expect(reviewed.review).toMatch(/^prv_/);
  const { data } = await under.stripe.reviews.list();
  expect(data).toMatchObject([{ open: true, opened_reason: 'rule', payment_intent: reviewed.id }]);
  await under.stripe.radar.valueListItems.del(item.id);
  expect((await payment(customer)).review).toBeNull();
});

test('approving a review captures nothing', async () => {
  const { id: customer } = await under.stripe.customers.create({});
  await under.stripe.radar.valueListItems.create({ value_list: (await list()).id, value: customer });
  const intent = await payment(customer, { capture_method: 'manual' });
  const review = typeof intent.review === 'string' ? intent.review : '';
  expect(await under.stripe.reviews.approve(review)).toMatchObject({ open: false, closed_reason: 'approved' });
  expect((await under.stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_capture');
  expect((await under.stripe.paymentIntents.capture(intent.id)).status).toBe('succeeded');
  await expect(under.stripe.reviews.approve(review)).rejects.toMatchObject({ statusCode: 400 });
});

describe('a review ends by itself', () => {
  test.each([
    ['refunded_as_fraud', (id: string) => under.stripe.refunds.create({ payment_intent: id, reason: 'fraudulent' })],
    ['refunded', (id: string) => under.stripe.refunds.create({ payment_intent: id })],
    ['disputed', async (id: string) => under.sandbox.control.dispute(id)],
  ] as const)('%s', async (reason, act) => {
    const { id: customer } = await under.stripe.customers.create({});
    const intent = await payment(customer);
    const review = under.sandbox.control.openReview(intent.id);
    await act(intent.id);
    expect(await under.stripe.reviews.retrieve(review.id)).toMatchObject({ open: false, closed_reason: reason });
    expect(types()).toContain('review.closed');
  });
});

describe('rules on metadata', () => {
  test('of the customer', async () => {
    under.sandbox.control.setRadar({ reviewList: undefined, reviewCustomerMetadata: true });
    const { id } = await under.stripe.customers.create({ metadata: { usage_risk: 'review' } });
    expect((await payment(id)).review).not.toBeNull();
    await under.stripe.customers.update(id, { metadata: { usage_risk: '' } });
    expect((await payment(id)).review).toBeNull();
  });

  test('of the payment, when it is there before the confirmation', async () => {
    under.sandbox.control.setRadar({ reviewList: undefined, reviewPaymentMetadata: true });
    const { id } = await under.stripe.customers.create({});
    expect((await payment(id, { metadata: { usage_risk: 'review' } })).review).not.toBeNull();
    const later = await payment(id);
    await under.stripe.paymentIntents.update(later.id, { metadata: { usage_risk: 'review' } });
    expect((await under.stripe.paymentIntents.retrieve(later.id)).review).toBeNull();
  });

  test('without the rule in the Dashboard nothing happens', async () => {
    under.sandbox.control.setRadar({ reviewList: undefined });
    const { id } = await under.stripe.customers.create({ metadata: { usage_risk: 'review' } });
    expect((await payment(id, { metadata: { usage_risk: 'review' } })).review).toBeNull();
  });
});

test('a customer on the block list is blocked, which is no decline of the issuer', async () => {
  const { id: customer } = await under.stripe.customers.create({});
  await under.stripe.radar.valueListItems.create({
    value_list: (await list('usage_anomaly_block')).id,
    value: customer,
  });
  await expect(payment(customer)).rejects.toMatchObject({ type: 'StripeCardError', decline_code: 'fraudulent' });
  const { data } = await under.stripe.charges.list({ customer });
  expect(data).toMatchObject([{ outcome: { type: 'blocked', reason: 'rule', network_status: 'not_sent_to_network' } }]);
});

test('elevated risk is reviewed, highest is blocked', async () => {
  const { id } = await under.stripe.customers.create({});
  const elevated = await payment(id, {
    payment_method: 'pm_card_riskLevelElevated',
    expand: ['latest_charge', 'review'],
  });
  expect(elevated).toMatchObject({
    latest_charge: { outcome: { type: 'manual_review', risk_level: 'elevated' } },
    review: { open: true },
  });
  await expect(payment(id, { payment_method: 'pm_card_riskLevelHighest' })).rejects.toMatchObject({
    decline_code: 'fraudulent',
  });
});

describe('value lists', () => {
  test('an alias is taken once, and a customer listed once', async () => {
    const { id } = await list();
    await expect(list()).rejects.toMatchObject({ statusCode: 400, param: 'alias' });
    const { data } = await under.stripe.radar.valueLists.list({ alias: 'usage_anomaly_review' });
    expect(data.map((row) => row.id)).toEqual([id]);
    const add = () => under.stripe.radar.valueListItems.create({ value_list: id, value: 'cus_1234' });
    const item = await add();
    await expect(add()).rejects.toMatchObject({ statusCode: 400, param: 'value' });
    const found = await under.stripe.radar.valueListItems.list({ value_list: id, value: 'cus_1234' });
    expect(found.data.map((row) => row.id)).toEqual([item.id]);
    await expect(under.stripe.radar.valueLists.del(id)).rejects.toThrow('used by a rule');
  });

  test('are not part of every plan', async () => {
    under.sandbox.control.setRadar({ plan: 'none' });
    await expect(list()).rejects.toMatchObject({ statusCode: 403, type: 'StripePermissionError' });
    await expect(under.stripe.radar.valueLists.list()).rejects.toMatchObject({ statusCode: 403 });
  });
});

test('an evaluation scores a payment and opens no review', async () => {
  const { id } = await under.stripe.customers.create({});
  const method = await under.stripe.paymentMethods.create({ type: 'card', card: { number: '4000000000004954' } });
  const evaluation = await under.stripe.radar.paymentEvaluations.create({
    customer_details: { customer: id },
    payment_details: { amount: 5_000, currency: 'usd', payment_method_details: { payment_method: method.id } },
  });
  expect(evaluation).toMatchObject({
    recommended_action: 'block',
    signals: { fraudulent_payment: { risk_level: 'highest', score: 92.1 } },
  });
  expect((await under.stripe.reviews.list()).data).toEqual([]);
});
