import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { callStripe, declineOf } from '../../src/adapters/stripe/errors.ts';
import { Secret } from '../../src/secret.ts';
import { type StripeSandbox, startStripeSandbox } from '../../src/stripe-sandbox/sandbox.ts';

const secretKey = new Secret('sk_test_sandbox');
let sandbox: StripeSandbox;
const pauses: number[] = [];

beforeEach(async () => {
  pauses.length = 0;
  sandbox = await startStripeSandbox({ now: () => Date.UTC(2026, 2, 2, 9), webhooks: 'manual' });
});

afterEach(async () => {
  await sandbox.close();
});

function client(options: { timeoutMs?: number; networkRetries?: number } = {}) {
  const backOff = { pause: async (ms: number) => void pauses.push(ms), chance: () => 0 };
  return createStripeClient({ secretKey, apiUrl: sandbox.url, backOff, ...options });
}

const createCustomer = (stripe = client()) => callStripe('creating a customer', () => stripe.customers.create({}));

describe('which keys it takes', () => {
  test.each([
    { apiUrl: undefined, allowLive: undefined },
    { apiUrl: 'http://127.0.0.1:1', allowLive: true },
  ])('refuses a live key with %o', ({ apiUrl, allowLive }) => {
    const options = { secretKey: new Secret('sk_live_abcdefgh'), apiUrl, ...(allowLive ? { allowLive } : {}) };
    expect(() => createStripeClient(options)).toThrow(expect.objectContaining({ code: 'STRIPE_LIVE_KEY' }));
  });

  test('sends nothing to another machine', () => {
    const create = () => createStripeClient({ secretKey, apiUrl: 'http://stripe.example.com' });
    expect(create).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('trouble on the way', () => {
  test('waits and repeats when told "too many requests", under the same idempotency key', async () => {
    sandbox.faults.add({ kind: 'status', status: 429, count: 2 });
    await createCustomer();
    expect(pauses).toEqual([250, 500]);
    expect(sandbox.world.customers.all()).toHaveLength(1);
  });

  test('waits as long as the answer asks for', async () => {
    sandbox.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    await createCustomer();
    expect(pauses).toEqual([7_000]);
  });

  test('gives up on a rate limit that stays', async () => {
    sandbox.faults.add({ kind: 'status', status: 429, count: 100 });
    await expect(createCustomer()).rejects.toMatchObject({ code: 'STRIPE_RATE_LIMITED' });
    expect(pauses).toHaveLength(4);
  });

  test.each([
    ['an answer of 500', { kind: 'status', status: 500 }],
    ['a web page of 502', { kind: 'html' }],
    ['a connection that is cut before the work', { kind: 'reset' }],
    ['a connection that is cut after the work', { kind: 'reset', afterWork: true }],
  ] as const)('after %s the customer exists once', async (_what, fault) => {
    sandbox.faults.add(fault);
    await createCustomer();
    expect(sandbox.world.customers.all()).toHaveLength(1);
  });

  test('an answer that breaks off is an error, and repeating it under its key changes nothing twice', async () => {
    sandbox.faults.add({ kind: 'truncated' });
    const create = () =>
      callStripe('creating', () => client().customers.create({ email: 'a@example.com' }, { idempotencyKey: 'once' }));
    await expect(create()).rejects.toMatchObject({ code: 'STRIPE_UNREACHABLE' });
    const { id } = await create();
    expect(sandbox.world.customers.all().map((customer) => customer.id)).toEqual([id]);
  });

  test('a server that says nothing is given up after the timeout', async () => {
    sandbox.faults.add({ kind: 'silent', count: 10 });
    const call = createCustomer(client({ timeoutMs: 100, networkRetries: 0 }));
    await expect(call).rejects.toMatchObject({
      code: 'STRIPE_UNREACHABLE',
      message: expect.stringContaining('creating a customer: Request aborted due to timeout'),
    });
  });

  test('no server at all is said so', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const stripe = createStripeClient({ secretKey, apiUrl: `http://127.0.0.1:${port}`, networkRetries: 0 });
    await expect(createCustomer(stripe)).rejects.toMatchObject({ code: 'STRIPE_UNREACHABLE' });
  });
});

describe('what Stripe says no to', () => {
  test('a decline carries every code that decides what happens next', async () => {
    const call = callStripe('charging', () =>
      client().paymentIntents.create({
        amount: 5_000,
        currency: 'usd',
        payment_method: 'pm_card_visa_chargeDeclinedStolenCard',
        confirm: true,
        off_session: true,
      }),
    );
    const error: unknown = await call.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'STRIPE_CARD_DECLINED' });
    expect(declineOf(error)).toEqual({
      code: 'card_declined',
      declineCode: 'stolen_card',
      adviceCode: 'do_not_try_again',
      networkDeclineCode: '43',
      networkAdviceCode: undefined,
      paymentIntent: expect.stringMatching(/^pi_/),
      charge: expect.stringMatching(/^ch_/),
      requestId: expect.stringMatching(/^req_/),
    });
  });

  test.each([
    ['STRIPE_NOT_FOUND', () => client().customers.retrieve('cus_unknown')],
    ['STRIPE_REFUSED', () => client().paymentIntents.create({ amount: 1, currency: 'usd' })],
    [
      'STRIPE_KEY_REFUSED',
      () => createStripeClient({ secretKey: new Secret('nonsense'), apiUrl: sandbox.url }).customers.list(),
    ],
  ] as const)('%s', async (code, call) => {
    await expect(callStripe<unknown>('asking', () => call())).rejects.toMatchObject({ code });
    expect(declineOf(new Error('no'))).toBeUndefined();
  });

  test('the same idempotency key with other parameters is a conflict, and with the same ones a replay', async () => {
    const stripe = client();
    const create = (email: string) =>
      callStripe('creating', () => stripe.customers.create({ email }, { idempotencyKey: 'same' }));
    const first = await create('a@example.com');
    expect((await create('a@example.com')).id).toBe(first.id);
    await expect(create('b@example.com')).rejects.toMatchObject({ code: 'STRIPE_IDEMPOTENCY' });
  });

  test('neither the client nor its errors show the key', async () => {
    const hidden = new Secret('sk_test_verysecretkey');
    const stripe = createStripeClient({ secretKey: hidden, apiUrl: sandbox.url });
    const error = await callStripe('asking', () => stripe.customers.retrieve('cus_x')).catch(
      (reason: unknown) => reason,
    );
    expect(inspect(error, { depth: 9 })).not.toContain('verysecretkey');
  });
});
