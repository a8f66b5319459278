import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestStripe, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;

beforeEach(async () => {
  under = await startTestStripe();
});

afterEach(async () => {
  await under.close();
});

function open(data: object = {}, more: object = {}) {
  return under.stripe.checkout.sessions.create({
    mode: 'payment',
    client_reference_id: 'top_1',
    line_items: [
      { quantity: 2, price_data: { currency: 'usd', unit_amount: 2_500, product_data: { name: 'Top-up' } } },
    ],
    payment_intent_data: { setup_future_usage: 'off_session', metadata: { wallet_topup_id: 'top_1' }, ...data },
    metadata: { wallet_topup_id: 'top_1' },
    success_url: 'https://example.com/thanks',
    cancel_url: 'https://example.com/back',
    ...more,
  });
}

const types = () => under.sandbox.world.events.all().map(({ type }) => type);

test('the first top-up: paid on the page, card saved for the next one', async () => {
  const customer = await under.stripe.customers.create({ email: 'a@example.com' });
  const session = await open({}, { customer: customer.id });
  expect(session).toMatchObject({
    status: 'open',
    payment_status: 'unpaid',
    amount_total: 5_000,
    payment_intent: null,
  });
  under.sandbox.control.pay(session.id, { card: '4242 4242 4242 4242' });
  const paid = await under.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent', 'line_items'] });
  expect(paid).toMatchObject({
    status: 'complete',
    payment_status: 'paid',
    client_reference_id: 'top_1',
    payment_intent: { status: 'succeeded', metadata: { wallet_topup_id: 'top_1' }, customer: customer.id },
    line_items: { data: [{ amount_total: 5_000, quantity: 2 }] },
  });
  const { data } = await under.stripe.customers.listPaymentMethods(customer.id);
  const again = await under.stripe.paymentIntents.create({
    amount: 2_000,
    currency: 'usd',
    customer: customer.id,
    payment_method: data[0]?.id ?? '',
    off_session: true,
    confirm: true,
  });
  expect(again.status).toBe('succeeded');
  expect(types()).toContain('checkout.session.completed');
});

test('a customer is made when a card is to be saved and none was named', async () => {
  const session = await open();
  under.sandbox.control.pay(session.id, { card: 'pm_card_visa', email: 'new@example.com' });
  const paid = await under.stripe.checkout.sessions.retrieve(session.id, { expand: ['customer'] });
  expect(paid.customer).toMatchObject({ email: 'new@example.com' });
});

test('a decline leaves the session open, for another card and the same payment', async () => {
  const session = await open();
  expect(() => under.sandbox.control.pay(session.id, { card: '4000000000000002' })).toThrow('Your card was declined.');
  expect(await under.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ status: 'open' });
  under.sandbox.control.pay(session.id, { card: 'pm_card_visa' });
  expect(await under.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ payment_status: 'paid' });
  expect((await under.stripe.paymentIntents.list()).data).toHaveLength(1);
  expect(types().filter((type) => type.startsWith('payment_intent'))).toEqual([
    'payment_intent.created',
    'payment_intent.payment_failed',
    'payment_intent.succeeded',
  ]);
});

test('a card that must be authenticated is, on the page', async () => {
  const session = await open();
  const pay = (authenticates: boolean) =>
    under.sandbox.control.pay(session.id, { card: '4000002760003184', authenticates });
  expect(() => pay(false)).toThrow('requires authentication');
  expect(pay(true).payment_status).toBe('paid');
});

test('money that is only authorised is not paid', async () => {
  const session = await open({ capture_method: 'manual' });
  under.sandbox.control.pay(session.id, { card: 'pm_card_visa' });
  const complete = await under.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
  expect(complete).toMatchObject({
    status: 'complete',
    payment_status: 'unpaid',
    payment_intent: { status: 'requires_capture' },
  });
});

describe('a payment that takes days', () => {
  test.each([
    [true, 'paid', 'checkout.session.async_payment_succeeded'],
    [false, 'unpaid', 'checkout.session.async_payment_failed'],
  ])('arrives: %s', async (arrives, status, type) => {
    const session = await open();
    under.sandbox.control.pay(session.id, { card: 'pm_card_visa', delayed: true });
    expect(await under.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      status: 'complete',
      payment_status: 'unpaid',
    });
    under.sandbox.control.settlePayment(session.id, arrives);
    expect(await under.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ payment_status: status });
    expect(types().at(-1)).toBe(type);
  });
});

test('a session that nobody pays expires, by the clock or by request', async () => {
  const [first, second] = [await open(), await open()];
  await under.stripe.checkout.sessions.expire(first.id);
  under.sandbox.control.advance(24 * 3_600_000);
  const { data } = await under.stripe.checkout.sessions.list({ status: 'expired' });
  expect(data.map(({ id }) => id)).toEqual([second.id, first.id]);
  await expect(under.stripe.checkout.sessions.expire(second.id)).rejects.toMatchObject({ statusCode: 400 });
  expect(() => under.sandbox.control.pay(first.id, { card: 'pm_card_visa' })).toThrow('expired');
});

test('setup mode saves a card and takes no money', async () => {
  const session = await under.stripe.checkout.sessions.create({
    mode: 'setup',
    currency: 'usd',
    success_url: 'https://example.com/thanks',
  });
  under.sandbox.control.pay(session.id, { card: 'pm_card_visa' });
  const done = await under.stripe.checkout.sessions.retrieve(session.id, { expand: ['setup_intent'] });
  expect(done).toMatchObject({ payment_status: 'no_payment_required', setup_intent: { status: 'succeeded' } });
  expect((await under.stripe.balanceTransactions.list()).data).toEqual([]);
});

test('a portal session has a page for the customer', async () => {
  const customer = await under.stripe.customers.create({});
  const session = await under.stripe.billingPortal.sessions.create({
    customer: customer.id,
    return_url: 'https://a.b',
  });
  expect(session.url).toContain('/portal/bps_');
});
