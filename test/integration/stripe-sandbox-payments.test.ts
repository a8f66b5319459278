import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callStripe, declineOf } from '../../src/adapters/stripe/errors.ts';
import { TEST_CARDS } from '../../src/stripe-sandbox/resources/test-cards.ts';
import { STRIPE_START_MS, startTestStripe, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;
const DAY_MS = 86_400_000;

beforeEach(async () => {
  under = await startTestStripe();
});

afterEach(async () => {
  await under.close();
});

/** A customer with one saved card. */
async function saved(card: string) {
  const customer = await under.stripe.customers.create({ email: 'a@example.com', payment_method: card });
  const { data } = await under.stripe.customers.listPaymentMethods(customer.id);
  return { customer: customer.id, method: data[0]?.id ?? '' };
}

function charge(of: { customer?: string; method: string }, more: object = {}) {
  return callStripe('charging', () =>
    under.stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      payment_method: of.method,
      off_session: true,
      confirm: true,
      ...(of.customer === undefined ? {} : { customer: of.customer }),
      ...more,
    }),
  );
}

const types = () => under.sandbox.world.events.all().map(({ type }) => type);

test('a saved card is charged off-session, and the balance shows amount, fee and net', async () => {
  const intent = await charge(await saved('pm_card_visa'), {
    metadata: { wallet_topup_id: 'top_1' },
    expand: ['latest_charge.balance_transaction'],
  });
  expect(intent).toMatchObject({
    status: 'succeeded',
    amount_received: 5_000,
    metadata: { wallet_topup_id: 'top_1' },
    latest_charge: {
      paid: true,
      captured: true,
      metadata: { wallet_topup_id: 'top_1' },
      balance_transaction: { amount: 5_000, fee: 175, net: 4_825, status: 'pending', reporting_category: 'charge' },
    },
  });
  under.sandbox.control.advance(2 * DAY_MS);
  const { data } = await under.stripe.balanceTransactions.list();
  expect(data).toMatchObject([{ status: 'available', available_on: STRIPE_START_MS / 1_000 + 2 * 86_400 }]);
});

test('events tell the story of a payment in order', async () => {
  await charge(await saved('pm_card_visa'));
  expect(types()).toEqual([
    'payment_method.attached',
    'customer.created',
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
  ]);
});

const declining = Object.entries(TEST_CARDS).filter(([, { decline, authentication }]) => decline && !authentication);

describe('declines', () => {
  test.each(declining)('%s says why, on the error, the payment and the charge', async (method, card) => {
    const error: unknown = await charge({ method }).catch((reason: unknown) => reason);
    const decline = declineOf(error);
    const { code, declineCode, adviceCode, networkDeclineCode } = card.decline ?? {};
    // What Radar blocks never reaches the issuer, so there is no advice from it.
    expect(decline).toMatchObject({ code, declineCode, networkDeclineCode, adviceCode });
    const intent = await under.stripe.paymentIntents.retrieve(decline?.paymentIntent ?? '', {
      expand: ['latest_charge'],
    });
    expect(intent).toMatchObject({
      status: 'requires_payment_method',
      payment_method: null,
      last_payment_error: { type: 'card_error', code, charge: decline?.charge },
      latest_charge: {
        status: 'failed',
        paid: false,
        outcome: { type: card.blocked === true ? 'blocked' : 'issuer_declined' },
        balance_transaction: null,
      },
    });
    expect(types()).toEqual(['payment_intent.created', 'charge.failed', 'payment_intent.payment_failed']);
  });

  test('a declining card cannot be saved, except the one that is made for it', async () => {
    await expect(saved('pm_card_visa_chargeDeclined')).rejects.toMatchObject({ type: 'StripeCardError' });
    const later = await saved('pm_card_chargeCustomerFail');
    await expect(charge(later)).rejects.toMatchObject({ code: 'STRIPE_CARD_DECLINED' });
  });

  test('a card that worked can be made to decline, and to work again', async () => {
    const { customer, method } = await saved('pm_card_visa');
    under.sandbox.control.setDecline(method, { declineCode: 'insufficient_funds', networkAdviceCode: '03' });
    const error: unknown = await charge({ customer, method }).catch((reason: unknown) => reason);
    expect(declineOf(error)).toMatchObject({ declineCode: 'insufficient_funds', networkAdviceCode: '03' });
    under.sandbox.control.setDecline(method, undefined);
    expect(await charge({ customer, method })).toMatchObject({ status: 'succeeded' });
  });
});

describe('authentication', () => {
  test('off-session, a card that asks for it declines and the payment waits for another card', async () => {
    const of = await saved('pm_card_authenticationRequired');
    const error: unknown = await charge(of).catch((reason: unknown) => reason);
    expect(declineOf(error)).toMatchObject({
      code: 'authentication_required',
      declineCode: 'authentication_required',
    });
  });

  test('on-session the payment waits for the customer, who passes', async () => {
    const of = await saved('pm_card_authenticationRequired');
    const intent = await charge(of, { off_session: false, return_url: 'https://example.com/back' });
    expect(intent).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } });
    under.sandbox.control.authenticate(intent.id);
    expect(await under.stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'succeeded',
      next_action: null,
    });
  });

  test('or fails', async () => {
    const intent = await charge(await saved('pm_card_authenticationRequired'), { off_session: false });
    under.sandbox.control.authenticate(intent.id, false);
    expect(await under.stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    });
  });

  test('a card authenticated once for later is charged off-session without asking again', async () => {
    const { customer, method } = await saved('pm_card_authenticationRequiredOnSetup');
    await expect(charge({ customer, method })).rejects.toMatchObject({ code: 'STRIPE_CARD_DECLINED' });
    const first = await charge({ customer, method }, { off_session: false, setup_future_usage: 'off_session' });
    under.sandbox.control.authenticate(first.id);
    expect(await charge({ customer, method })).toMatchObject({ status: 'succeeded' });
  });
});

describe('manual capture', () => {
  const authorise = async () => charge(await saved('pm_card_visa'), { capture_method: 'manual' });

  test('authorises first and moves money on capture', async () => {
    const intent = await authorise();
    expect(intent).toMatchObject({ status: 'requires_capture', amount_capturable: 5_000, amount_received: 0 });
    expect((await under.stripe.balanceTransactions.list()).data).toEqual([]);
    const captured = await under.stripe.paymentIntents.capture(intent.id);
    expect(captured).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 5_000 });
    expect((await under.stripe.balanceTransactions.list()).data).toMatchObject([{ amount: 5_000 }]);
    expect(types().slice(-2)).toEqual(['charge.captured', 'payment_intent.succeeded']);
    await expect(under.stripe.paymentIntents.capture(intent.id)).rejects.toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });

  test('captures a part, and no more than was authorised', async () => {
    const intent = await authorise();
    await expect(under.stripe.paymentIntents.capture(intent.id, { amount_to_capture: 5_001 })).rejects.toMatchObject({
      code: 'amount_too_large',
    });
    const captured = await under.stripe.paymentIntents.capture(intent.id, { amount_to_capture: 2_000 });
    expect(captured.amount_received).toBe(2_000);
    const refund = await under.stripe.refunds.create({ payment_intent: intent.id });
    expect(refund.amount).toBe(2_000);
  });

  test('canceled, the charge counts as refunded although no money moved', async () => {
    const intent = await authorise();
    const canceled = await under.stripe.paymentIntents.cancel(intent.id, {
      cancellation_reason: 'fraudulent',
      expand: ['latest_charge'],
    });
    expect(canceled).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'fraudulent',
      latest_charge: { refunded: true, captured: false },
    });
    expect((await under.stripe.balanceTransactions.list()).data).toEqual([]);
    expect(types().slice(-2)).toEqual(['charge.refunded', 'payment_intent.canceled']);
  });

  test('lapses on the date that the charge names', async () => {
    const intent = await authorise();
    const { latest_charge: latest } = await under.stripe.paymentIntents.retrieve(intent.id, {
      expand: ['latest_charge'],
    });
    const before = typeof latest === 'object' ? latest?.payment_method_details?.card?.capture_before : undefined;
    expect(before).toBe(STRIPE_START_MS / 1_000 + 7 * 86_400);
    under.sandbox.control.advance(7 * DAY_MS);
    expect(await under.stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'automatic',
    });
  });
});

describe('setup intents', () => {
  test('save a card without a payment', async () => {
    const customer = await under.stripe.customers.create({});
    const setup = await under.stripe.setupIntents.create({
      customer: customer.id,
      payment_method: 'pm_card_visa',
      confirm: true,
      return_url: 'https://example.com',
    });
    expect(setup.status).toBe('succeeded');
    expect((await under.stripe.customers.listPaymentMethods(customer.id)).data).toHaveLength(1);
  });

  test('fail with the reason', async () => {
    const customer = await under.stripe.customers.create({});
    const create = under.stripe.setupIntents.create({
      customer: customer.id,
      payment_method: 'pm_card_chargeDeclinedExpiredCard',
      confirm: true,
    });
    await expect(create).rejects.toMatchObject({ type: 'StripeCardError', code: 'expired_card' });
    const { data } = await under.stripe.setupIntents.list({ customer: customer.id });
    expect(data).toMatchObject([{ status: 'requires_payment_method', last_setup_error: { code: 'expired_card' } }]);
  });
});

test('the card of one customer cannot be charged for another', async () => {
  const { method } = await saved('pm_card_visa');
  const other = await under.stripe.customers.create({});
  await expect(charge({ customer: other.id, method })).rejects.toMatchObject({ code: 'STRIPE_NOT_FOUND' });
  await expect(charge({ method })).rejects.toMatchObject({ code: 'STRIPE_NOT_FOUND' });
});

test('a deleted customer keeps neither cards nor payments', async () => {
  const { customer, method } = await saved('pm_card_visa');
  expect(await under.stripe.customers.del(customer)).toMatchObject({ deleted: true });
  expect(await under.stripe.customers.retrieve(customer)).toMatchObject({ deleted: true });
  await expect(charge({ customer, method })).rejects.toMatchObject({ code: 'STRIPE_NOT_FOUND' });
});
