import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { Secret } from '../../src/secret.ts';
import { matchRoute } from '../../src/stripe-sandbox/http/route.ts';
import { allRoutes } from '../../src/stripe-sandbox/routes.ts';
import { STRIPE_START_MS, startTestStripe, type TestStripe } from '../support/stripe.ts';
import { loadContract } from '../support/stripe-contract/load.ts';

let under: TestStripe;

beforeEach(async () => {
  under = await startTestStripe();
});

afterEach(async () => {
  await under.close();
});

const customers = () => under.sandbox.world.customers.all().length;

test('the sandbox has every operation that the contract names', () => {
  const routes = allRoutes(under.sandbox.world, () => new Set());
  const missing = loadContract().operations.filter(
    ({ method, path }) => matchRoute(routes, method, path.replaceAll('{}', 'x')) === undefined,
  );
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test('the same seed and the same calls give the same ids', async () => {
  const ids = async () => {
    const twin = await startTestStripe({ seed: 7 });
    try {
      return [(await twin.stripe.customers.create({})).id, (await twin.stripe.customers.create({})).id];
    } finally {
      await twin.close();
    }
  };
  expect(await ids()).toEqual(await ids());
});

describe('idempotency', () => {
  const create = (email: string, idempotencyKey: string) =>
    under.stripe.customers.create({ email }, { idempotencyKey });

  test('a key replays its answer, a decline included', async () => {
    expect((await create('a@b.c', 'k')).id).toBe((await create('a@b.c', 'k')).id);
    const charge = () =>
      under.stripe.paymentIntents.create(
        {
          amount: 5_000,
          currency: 'usd',
          payment_method: 'pm_card_visa_chargeDeclined',
          confirm: true,
          off_session: true,
        },
        { idempotencyKey: 'charge' },
      );
    const requests = await Promise.allSettled([charge(), charge()]);
    expect(requests.map((settled) => (settled.status === 'rejected' ? settled.reason.type : 'ok'))).toEqual([
      'StripeCardError',
      'StripeCardError',
    ]);
    expect(under.sandbox.world.charges.all()).toHaveLength(1);
  });

  test('a key with other parameters is refused', async () => {
    await create('a@b.c', 'k');
    await expect(create('x@y.z', 'k')).rejects.toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
  });

  test('a key whose request is still under way is a conflict', async () => {
    under.sandbox.faults.add({ kind: 'slow', delayMs: 300 });
    const first = create('a@b.c', 'k');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(create('a@b.c', 'k')).rejects.toMatchObject({ statusCode: 409 });
    await first;
    expect(customers()).toBe(1);
  });

  test('a request that was refused for its form frees its key', async () => {
    const post = (body: string) =>
      fetch(`${under.sandbox.url}/v1/payment_intents`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk_test_x', 'idempotency-key': 'k' },
        body,
      });
    expect((await post('currency=usd')).status).toBe(400);
    expect((await post('amount=5000&currency=usd')).status).toBe(200);
    const replay = await post('amount=5000&currency=usd');
    expect(replay.headers.get('idempotent-replayed')).toBe('true');
  });

  test('a key is forgotten after 24 hours', async () => {
    await create('a@b.c', 'k');
    under.sandbox.control.advance(24 * 3_600_000 + 1);
    await create('a@b.c', 'k');
    expect(customers()).toBe(2);
  });

  test('an answer that was lost is replayed when asked again', async () => {
    under.sandbox.faults.add({ kind: 'reset', afterWork: true, count: 2 });
    await expect(create('a@b.c', 'k')).rejects.toMatchObject({ type: 'StripeConnectionError' });
    await create('a@b.c', 'k');
    expect(customers()).toBe(1);
  });
});

describe('pages', () => {
  test('walk through everything once, whatever their size, and do not mind what is added meanwhile', async () => {
    for (let made = 0; made < 23; made += 1) await under.stripe.customers.create({});
    const all = under.sandbox.world.customers.all().map(({ id }) => id);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (limit) => {
        const seen: string[] = [];
        for await (const { id } of under.stripe.customers.list({ limit })) {
          seen.push(id);
          if (seen.length === 5) await under.stripe.customers.create({});
        }
        const missing = all.filter((id) => !seen.includes(id));
        expect({ missing, repeated: seen.length - new Set(seen).size }).toEqual({ missing: [], repeated: 0 });
      }),
      { numRuns: 8, seed: 1 },
    );
  });

  test('go backwards with ending_before, in the same order', async () => {
    for (let made = 0; made < 5; made += 1) await under.stripe.customers.create({});
    const ids = (await under.stripe.customers.list()).data.map(({ id }) => id);
    const before = await under.stripe.customers.list({ ending_before: ids[3] ?? '', limit: 2 });
    expect(before).toMatchObject({ has_more: true, data: [{ id: ids[1] }, { id: ids[2] }] });
  });

  test('keep to a window of time', async () => {
    const at = STRIPE_START_MS / 1_000;
    await under.stripe.customers.create({});
    under.sandbox.control.advance(1_000);
    await under.stripe.customers.create({});
    const count = async (created: object | number) => (await under.stripe.customers.list({ created })).data.length;
    expect(await count({ gte: at, lt: at + 1 })).toBe(1);
    expect(await count({ gt: at })).toBe(1);
    expect(await count({ lte: at + 1 })).toBe(2);
    expect(await count(at)).toBe(1);
  });

  test('have at most 100 rows', async () => {
    await expect(under.stripe.customers.list({ limit: 101 })).rejects.toMatchObject({ param: 'limit' });
  });
});

describe('what it says no to', () => {
  test('live keys, other keys and none', async () => {
    const say = async (authorization: string | undefined) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const response = await fetch(`${under.sandbox.url}/v1/customers`, { headers });
      return [response.status, JSON.stringify(await response.json())];
    };
    expect(await say('Bearer sk_live_realmoney')).toEqual([401, expect.stringContaining('it refuses live keys')]);
    expect(await say('Bearer sk_live_realmoney')).toEqual([401, expect.not.stringContaining('realmoney')]);
    expect(await say('Bearer nonsense')).toEqual([401, expect.stringContaining('Invalid API Key')]);
    expect(await say(undefined)).toEqual([401, expect.stringContaining('did not provide an API key')]);
  });

  test('parameters it does not know, in its own words too', async () => {
    const response = await fetch(`${under.sandbox.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_x' },
      body: 'emial=a',
    });
    expect(await response.json()).toMatchObject({ error: { message: 'Received unknown parameter: emial' } });
  });

  test('forms that nest too deep, hold too much or are too large', async () => {
    const post = async (body: string) => {
      const headers = { authorization: 'Bearer sk_test_x' };
      const response = await fetch(`${under.sandbox.url}/v1/customers`, { method: 'POST', headers, body });
      return response.status;
    };
    expect(await post(`metadata${'[a]'.repeat(20)}=1`)).toBe(400);
    expect(await post(Array.from({ length: 2_001 }, (_, at) => `a${at}=1`).join('&'))).toBe(400);
    expect(await post(`email=${'x'.repeat(1_000_001)}`)).toBe(413);
    expect(await post('__proto__[polluted]=1')).toBe(400);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  test('too many requests a second', async () => {
    under.sandbox.api.rateLimit = 3;
    const calls = await Promise.allSettled(Array.from({ length: 5 }, () => under.stripe.customers.create({})));
    expect(calls.filter(({ status }) => status === 'rejected')).toHaveLength(2);
    under.sandbox.control.advance(1_000);
    await under.stripe.customers.create({});
  });

  test('fields that cannot be expanded', async () => {
    const { id } = await under.stripe.customers.create({});
    const response = under.stripe.customers.retrieve(id, { expand: ['nothing'] });
    await expect(response).rejects.toThrow('This property cannot be expanded (nothing).');
  });
});

test('another port than the one in use is not taken away from its owner', async () => {
  await expect(startTestStripe({ port: under.sandbox.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('answers name their request and version', async () => {
  const stripe = createStripeClient({ secretKey: new Secret('rk_test_restricted'), apiUrl: under.url });
  const { lastResponse } = await stripe.customers.create({});
  expect(lastResponse).toMatchObject({
    requestId: expect.stringMatching(/^req_/),
    apiVersion: '2026-10-28.endive',
  });
});
