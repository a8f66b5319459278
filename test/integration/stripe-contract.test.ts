import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestStripe, TEST_KEY, type TestStripe } from '../support/stripe.ts';
import { EXERCISE_STEPS, exerciseStripe } from '../support/stripe-exercise.ts';

let under: TestStripe;

beforeAll(async () => {
  under = await startTestStripe();
});

afterAll(async () => {
  await under.close();
});

afterEach(() => {
  // Refusals are what these tests are about; answers must be right all the same.
  expect(under.contract.violations).toEqual([]);
});

/** A request as somebody would write it who does not use the types. */
async function post(path: string, form: string, headers: Record<string, string> = {}) {
  const response = await fetch(under.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TEST_KEY.reveal()}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: form,
  });
  return { status: response.status, body: (await response.json()) as { readonly error?: Record<string, unknown> } };
}

describe('the contract refuses what Stripe refuses', () => {
  test.each([
    ['a typo', '/v1/payment_intents', 'amount=5000&currency=usd&custmer=cus_1', 'custmer'],
    [
      'a parameter that was removed',
      '/v1/payment_intents',
      'amount=5000&currency=usd&payment_method_types[0]=card',
      'payment_method_types',
    ],
    [
      'a removed parameter of Checkout',
      '/v1/checkout/sessions',
      'mode=payment&success_url=https://a.b&payment_method_types[0]=card',
      'payment_method_types',
    ],
    [
      'a typo deep inside',
      '/v1/checkout/sessions',
      'mode=payment&success_url=https://a.b&line_items[0][price_data][currncy]=usd',
      'line_items[0][price_data][currncy]',
    ],
  ])('%s', async (_what, path, form, param) => {
    const { status, body } = await post(path, form);
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      type: 'invalid_request_error',
      code: 'parameter_unknown',
      message: `Received unknown parameter: ${param}`,
      param,
    });
  });

  test.each([
    ['creating a review', '/v1/reviews'],
    ['usage records, which are gone', '/v1/subscription_items/si_1/usage_records'],
    ['rules of Radar, which have no API', '/v1/radar/rules'],
  ])('%s', async (_what, path) => {
    const { status, body } = await post(path, '');
    expect(status).toBe(404);
    expect(body.error?.message).toContain(`Unrecognized request URL (POST: ${path})`);
  });

  test.each([
    ['no amount', 'currency=usd', 'amount'],
    ['an amount of zero', 'amount=0&currency=usd', 'amount'],
    ['an amount below zero', 'amount=-5000&currency=usd', 'amount'],
    ['half a cent', 'amount=50.5&currency=usd', 'amount'],
    ['an amount in words', 'amount=fifty&currency=usd', 'amount'],
    ['a switch that is neither on nor off', 'amount=5000&currency=usd&confirm=maybe', 'confirm'],
    ['a long metadata key', `amount=5000&currency=usd&metadata[${'k'.repeat(41)}]=v`, `metadata[${'k'.repeat(41)}]`],
    ['a long metadata value', `amount=5000&currency=usd&metadata[k]=${'v'.repeat(501)}`, 'metadata[k]'],
    [
      'too much metadata',
      `amount=5000&currency=usd&${Array.from({ length: 51 }, (_, at) => `metadata[k${at}]=v`).join('&')}`,
      'metadata',
    ],
  ])('%s', async (_what, form, param) => {
    const { status, body } = await post('/v1/payment_intents', form);
    expect({ status, param: body.error?.param }).toEqual({ status: 400, param });
  });

  test('numbers in a meter payload, and long identifiers', async () => {
    const send = (event: object) =>
      post('/v2/billing/meter_events', JSON.stringify(event), { 'content-type': 'application/json' });
    const event = { event_name: 'tokens', payload: { stripe_customer_id: 'cus_1', value: '5' } };
    const number = await send({ ...event, payload: { ...event.payload, value: 5 } });
    expect(number).toMatchObject({ status: 400, body: { error: { param: 'payload[value]' } } });
    const long = await send({ ...event, identifier: 'i'.repeat(101) });
    expect(long).toMatchObject({ status: 400, body: { error: { param: 'identifier' } } });
  });

  test('a form where JSON is asked for', async () => {
    expect((await post('/v2/billing/meter_events', 'event_name=tokens')).status).toBe(400);
  });
});

test('the contract notices an answer without a required field, or with one of another type', async () => {
  const operation = under.checker.operation('POST', '/v1/customers');
  if (operation === undefined) throw new Error('customers cannot be created');
  const { lastResponse: _headers, ...customer } = await under.stripe.customers.create({});
  expect(under.checker.answerProblems(operation, customer)).toEqual([]);
  const { balance: _left, ...without } = customer;
  expect(under.checker.answerProblems(operation, without)).toEqual([
    expect.stringContaining("required property 'balance'"),
  ]);
  expect(under.checker.answerProblems(operation, { ...customer, created: 'today' })).toEqual([
    expect.stringContaining('/created must be number'),
  ]);
});

test('an expandable field is an id or the object, and nothing else', async () => {
  const operation = under.checker.operation('GET', '/v1/charges/ch_1');
  if (operation === undefined) throw new Error('charges cannot be retrieved');
  const intent = await under.stripe.paymentIntents.create({
    amount: 5_000,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
    return_url: 'https://example.com',
    expand: ['latest_charge.balance_transaction'],
  });
  const charge = intent.latest_charge;
  expect(under.checker.answerProblems(operation, charge)).toEqual([]);
  if (typeof charge !== 'object' || charge === null) throw new Error('the charge is not expanded');
  expect(under.checker.answerProblems(operation, { ...charge, balance_transaction: 'txn_1' })).toEqual([]);
  expect(under.checker.answerProblems(operation, { ...charge, balance_transaction: 5 })).not.toEqual([]);
});

test('the exercise for a Stripe account of your own comes to the same steps here', async () => {
  const { steps, problems } = await exerciseStripe(under.stripe, under.checker, 'exercise');
  expect(problems).toEqual([]);
  expect(steps).toEqual(EXERCISE_STEPS);
});
