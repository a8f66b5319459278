import Stripe from 'stripe';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/adapters/postgres/embedded/free-port.ts';
import { parseConfig } from '../../src/config.ts';
import { radarMessage } from '../../src/pipeline/radar-message.ts';
import { carryOutListing, putBeforeRadar } from '../../src/pipeline/stripe/radar.ts';
import { setUpWebhook } from '../../src/pipeline/stripe/set-up-webhook.ts';
import { startStripeSandbox } from '../../src/stripe-sandbox/sandbox.ts';
import { openEngine } from '../../src/wire/engine.ts';
import { createMoneyIn, moneyRoutes, startMoneyIn } from '../../src/wire/money-in.ts';
import { TEST_LANES } from '../support/admin-database.ts';
import { runHttp } from '../support/http.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { shippedRuleset } from '../support/run-service.ts';

const SECRET = 'whsec_test_current_secret';

/** The whole of money in: HTTP, queues, sweepers, and the sandbox for Stripe. */
async function open() {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const sandbox = await startStripeSandbox({ now: Date.now, webhooks: 'auto' });
  onTestFinished(() => sandbox.close());
  const ruleset = await shippedRuleset();
  const settings = {
    databaseUrl: database.connectionString,
    redisUrl: undefined,
    queuePrefix: 'bull',
    dataDir: '.tollkeeper',
    port: undefined,
    lanes: TEST_LANES,
    jobLockMs: 5_000,
  };
  const engine = await openEngine(settings, { mode: 'shared', onError: () => undefined });
  onTestFinished(() => engine.close());
  const environment = { STRIPE_SECRET_KEY: 'sk_test_sandbox', STRIPE_API_URL: sandbox.url };
  const money = createMoneyIn(engine.pool, { config: parseConfig(environment), ruleset: () => ruleset, now: Date.now });
  if (money === undefined) throw new Error('there is a key');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/webhooks/stripe`;
  const endpoint = await setUpWebhook(money.stripe, url);
  const routes = moneyRoutes(money, {
    config: parseConfig({
      ...environment,
      STRIPE_WEBHOOK_SECRET: `${SECRET},${endpoint.secret}`,
      STRIPE_THIN_WEBHOOK_SECRET: SECRET,
    }),
    currency: () => 'USD',
  });
  const retries: string[] = [];
  const start = () => {
    const working = startMoneyIn(engine, money, {
      onRetry: (what, _attempt, error) => retries.push(`${what} ${String(error)}`),
    });
    onTestFinished(() => working.close());
  };
  const http = await runHttp({ databaseUrl: database.connectionString, edge: { routes, address: { port } } });
  onTestFinished(() => http.close());
  return { sandbox, engine, money, http, retries, start, endpoint, url };
}

function signed(payload: string, timestamp = Math.floor(Date.now() / 1_000)) {
  return { 'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp }) };
}

test('a customer pays on the page, and the credit is there by webhook and queue', async () => {
  const { sandbox, http, money, engine, start, endpoint, url } = await open();
  expect(endpoint).toMatchObject({ missing: [], endpoint: { apiVersion: '2026-10-28.endive', isOn: true } });
  expect((await setUpWebhook(money.stripe, url)).secret).toBeNull();
  start();
  await until('missed events were fetched', async () => (await money.store.fact('events_through')) !== undefined);
  const key = await http.key(['support']);
  const begun = await http.ask('POST', '/v1/accounts/acme/topups', {
    key,
    body: { amount: '50.00 USD' },
    idempotencyKey: 'first',
  });
  expect(begun).toMatchObject({ status: 201, body: { status: 'awaiting_customer', amount: '50', account: 'acme' } });
  const { topup } = begun.body as { readonly topup: string };
  const session = (await money.store.topUps.read(topup))?.checkoutSession ?? '';
  sandbox.control.pay(session, { card: 'pm_card_visa' });
  await until('the top-up is paid', async () => (await money.store.topUps.read(topup))?.status === 'paid');
  const { rows } = await engine.pool.query<{ posted: bigint }>(`select posted from wallet where account_id = 'acme'`);
  expect(rows).toEqual([{ posted: 50_000_000_000n }]);
  const { rows: events } = await engine.pool.query<{ origin: string }>(
    `select distinct origin from stripe_event where type = 'payment_intent.succeeded'`,
  );
  expect(events).toEqual([{ origin: 'webhook' }]);
  const shown = await http.ask('GET', `/v1/topups/${topup}`, { key });
  expect(shown).toMatchObject({ status: 200, body: { status: 'paid', credited: '50', url: null } });
  expect((await http.ask('GET', '/topups/paid')).body).toContain('as soon as the payment is confirmed');
});

test('webhooks are open to Stripe alone: wrong, missing, old and replayed signatures, other types and large bodies', async () => {
  const { http, money } = await open();
  const post = (body: string, headers: Record<string, string> = {}, type = 'application/json') =>
    http.ask('POST', '/webhooks/stripe', { body, headers, type });
  const event = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'payment_intent.succeeded',
    api_version: '2026-10-28.endive',
    created: 1,
    livemode: false,
    data: { object: { id: 'pi_1', object: 'payment_intent' } },
  });
  expect(await post(event)).toMatchObject({ status: 400, body: { code: 'WEBHOOK_SIGNATURE' } });
  expect(await post(`${event} `, signed(event))).toMatchObject({ status: 400 });
  const now = Math.floor(Date.now() / 1_000);
  const old = signed(event, now - 3_600);
  expect(await post(event, old)).toMatchObject({ status: 400 });
  // A second time beside the signed one must not make an old body new.
  const header = old['stripe-signature'] ?? '';
  expect(await post(event, { 'stripe-signature': `t=${now},${header}` })).toMatchObject({ status: 400 });
  expect(await post(event, { 'stripe-signature': `${header},t=${now}` })).toMatchObject({ status: 400 });
  for (const empty of ['t=,v1=', `t=${now},v1=`, `v1=,t=${now}`, `t=${now},v1`, `t=${now},v1==`]) {
    expect(await post(event, { 'stripe-signature': empty })).toMatchObject({
      status: 400,
      body: { code: 'WEBHOOK_SIGNATURE' },
    });
  }
  expect(await post('{'.repeat(10_000), signed('{'.repeat(10_000)))).toMatchObject({
    status: 400,
    body: { code: 'WEBHOOK_INVALID' },
  });
  for (const place of ['"evt_1"', '"pi_1"', '"payment_intent.succeeded"', '"2026-10-28.endive"']) {
    for (const part of ['\\u0000', '\\ud800']) {
      const holed = event.replace(place, `${place.slice(0, -1)}${part}"`);
      expect(await post(holed, signed(holed)), holed).toMatchObject({ status: 400, body: { code: 'WEBHOOK_INVALID' } });
    }
  }
  // Words that nobody reads may hold anything.
  const described = event.replace('"pi_1"', '"pi_1","description":"a\\u0000b\\ud800","metadata":{"\\u0000":"\\u0000"}');
  const odd = described.replace('evt_1', 'evt_odd');
  expect(await post(odd, signed(odd))).toMatchObject({ status: 200, body: { received: true } });
  expect(await money.store.events.counts()).toMatchObject({ waiting: 1 });
  expect((await post('x'.repeat(2_000_000), signed('x'))).status).toBe(413);
  expect(await money.store.events.counts()).toMatchObject({ waiting: 1 });
  expect(await post(event, signed(event), 'text/plain')).toMatchObject({ status: 200, body: { received: true } });
  expect(await post(event, signed(event))).toMatchObject({ status: 200 });
  expect(await money.store.events.counts()).toMatchObject({ waiting: 2 });
  const thin = JSON.stringify({
    id: 'evt_2',
    object: 'v2.core.event',
    type: 'v1.billing.meter.error_report_triggered',
    created: '2026-11-24T00:00:00Z',
    livemode: false,
    related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
  });
  expect(await http.ask('POST', '/webhooks/stripe/thin', { body: thin, headers: signed(thin) })).toMatchObject({
    status: 200,
  });
  expect(await money.store.events.read('evt_2')).toMatchObject({ shape: 'thin', objectId: 'mtr_1' });
});

test('a top-up over HTTP: the same key with another page to go back to is another request, and there is no dry run', async () => {
  const { http } = await open();
  const key = await http.key(['support']);
  const begin = (over: object, path = '/v1/accounts/acme/topups', idempotencyKey = 'one') =>
    http.ask('POST', path, { key, body: { amount: '5.00', ...over }, idempotencyKey });
  expect(await begin({}, '/v1/accounts/acme/topups?dryRun=true', 'dry')).toMatchObject({
    status: 400,
    body: { code: 'REQUEST_INVALID' },
  });
  const first = await begin({ successUrl: 'https://shop.example/paid' });
  expect(first.status).toBe(201);
  expect(await begin({ successUrl: 'https://shop.example/paid' })).toMatchObject({
    status: 201,
    body: first.body as object,
  });
  expect(await begin({ successUrl: 'https://evil.example/paid' })).toMatchObject({
    status: 409,
    body: { code: 'IDEMPOTENCY_CONFLICT' },
  });
});

test('top-ups of another tenant, or of an account a key may not name, are not there', async () => {
  const { http, engine } = await open();
  await engine.pool.query(`insert into tenant (tenant_id) values ('other') on conflict do nothing`);
  const body = { amount: '50.00' };
  const ours = await http.key(['support']);
  const begun = await http.ask('POST', '/v1/accounts/acme/topups', { key: ours, body, idempotencyKey: 'one' });
  const { topup } = begun.body as { readonly topup: string };
  const theirs = await http.key(['admin'], { tenant: 'other' });
  expect((await http.ask('GET', `/v1/topups/${topup}`, { key: theirs })).status).toBe(404);
  expect((await http.ask('GET', '/v1/accounts/acme/topups', { key: theirs })).body).toEqual({ topups: [] });
  expect((await http.ask('GET', `/v1/topups/${topup}`, { key: ours })).status).toBe(200);
  expect((await http.ask('GET', '/v1/accounts/acme/topups', { key: ours })).body).toMatchObject({
    topups: [{ topup }],
  });
  // What the database does not show to the tenant is not there for a request, whatever the code would ask.
  await engine.pool.query(`alter policy tenant_rows on topup using (tenant_id = 'other')`);
  expect((await http.ask('GET', `/v1/topups/${topup}`, { key: ours })).status).toBe(404);
  expect((await http.ask('GET', '/v1/accounts/acme/topups', { key: ours })).body).toEqual({ topups: [] });
  const narrow = await http.key(['support'], { accounts: ['beta'] });
  expect((await http.ask('GET', `/v1/topups/${topup}`, { key: narrow })).status).toBe(404);
  expect(
    (await http.ask('POST', '/v1/accounts/acme/topups', { key: narrow, body, idempotencyKey: 'two' })).status,
  ).toBe(403);
  const reader = await http.key(['read']);
  expect(
    (await http.ask('POST', '/v1/accounts/acme/topups', { key: reader, body, idempotencyKey: 'three' })).status,
  ).toBe(403);
  const other = { amount: '51.00' };
  expect(
    (await http.ask('POST', '/v1/accounts/acme/topups', { key: ours, body: other, idempotencyKey: 'one' })).status,
  ).toBe(409);
});

test('what a decision asks of Radar is carried out after its commit, by outbox and queue', async () => {
  const { money, engine, sandbox, start, retries } = await open();
  const customer = await money.stripe.createCustomer({ tenant: 'default', account: 'acme', key: 'c' });
  await money.store.customers.keep({ customer, tenant: 'default', account: 'acme' }, Date.now());
  const message = radarMessage({
    tenant: 'default',
    account: 'acme',
    decisionId: 'dec_1',
    untilMs: Date.now() + 3_600_000,
    reason: 'leaked-key-burst',
  });
  const insert = 'insert into outbox (topic, message_key, payload) values ($1, $2, $3) on conflict do nothing';
  for (let copy = 0; copy < 2; copy++) {
    await engine.pool.query(insert, [message.topic, message.messageKey, JSON.stringify(message.payload)]);
  }
  start();
  await until('the customer stands before Radar', async () => {
    return (await money.store.radar.read(customer))?.status === 'standing';
  });
  expect(await money.store.radar.read(customer)).toMatchObject({ listStatus: 'listed', decisionId: 'dec_1' });
  expect(sandbox.world.valueListItems.all()).toHaveLength(1);
  const put = { tenant: 'default', account: 'acme', reason: 'x', decisionId: null, by: 'cli', untilMs: Date.now() };
  await putBeforeRadar(money, put);
  await carryOutListing(money, customer);
  expect(sandbox.world.valueListItems.all()).toHaveLength(1);
  expect(retries).toEqual([]);
});
