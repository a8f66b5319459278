import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiKeyStore } from '../../src/adapters/postgres/api-keys.ts';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { parseConfig } from '../../src/config.ts';
import { KEY_BYTES, keyPartsOf } from '../../src/domain/api-keys/key-text.ts';
import { createKey } from '../../src/pipeline/api-keys/manage-keys.ts';
import { startPipeline } from '../../src/wire/start-pipeline.ts';
import { type LocalStripe, openLocalStripe } from '../../src/wire/stripe-sandbox.ts';
import { runCli } from '../support/cli.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { shippedRuleset, until } from '../support/run-service.ts';
import { startTestStripe } from '../support/stripe.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let dataDir: string;
let open: LocalStripe | undefined;
const problems: unknown[] = [];

beforeEach(async () => {
  dataDir = await temporaryDirectory();
  problems.length = 0;
});

afterEach(async () => {
  await open?.close();
  open = undefined;
  expect(problems).toEqual([]);
});

async function start(): Promise<LocalStripe> {
  open = await openLocalStripe({
    config: parseConfig({ TOLLKEEPER_DATA_DIR: dataDir }),
    now: () => Date.now(),
    onProblem: (_what, error) => problems.push(error),
  });
  return open;
}

function client({ config, url }: LocalStripe) {
  if (config.stripeSecretKey === undefined) throw new Error('the sandbox gives no key');
  return createStripeClient({ secretKey: config.stripeSecretKey, apiUrl: url, networkRetries: 0 });
}

describe('the memory of a local sandbox', () => {
  test('outlives a restart: customers, cards, payments, keys, and no id comes twice', async () => {
    const first = await start();
    const stripe = client(first);
    const customer = await stripe.customers.create({ payment_method: 'pm_card_visa' });
    const { data } = await stripe.customers.listPaymentMethods(customer.id);
    const charge = (of: typeof stripe) =>
      of.paymentIntents.create(
        {
          amount: 5_000,
          currency: 'usd',
          customer: customer.id,
          payment_method: data[0]?.id ?? '',
          off_session: true,
          confirm: true,
        },
        { idempotencyKey: 'topup:1' },
      );
    const paid = await charge(stripe);
    await first.close();

    const again = client(await start());
    expect((await charge(again)).id).toBe(paid.id);
    const fresh = await again.customers.create({});
    expect(fresh.id).not.toBe(customer.id);
    expect((await again.customers.list()).data.map(({ id }) => id)).toEqual([fresh.id, customer.id]);
    const { data: movements } = await again.balanceTransactions.list();
    expect(movements.map(({ net }) => net)).toEqual([4_825]);
    expect((await stat(join(dataDir, 'stripe-sandbox.json'))).mode & 0o777).toBe(0o600);
  });

  test('keeps usage of meters and where it stands', async () => {
    const under = await startTestStripe({ meterDelayMs: 60_000 });
    const { id: customer } = await under.stripe.customers.create({});
    const meter = await under.stripe.billing.meters.create({
      display_name: 'Tokens',
      event_name: 'tokens',
      default_aggregation: { formula: 'sum' },
    });
    const send = (of: typeof under) =>
      of.stripe.billing.meterEvents.create({
        event_name: 'tokens',
        identifier: 'a',
        payload: { stripe_customer_id: customer, value: '5' },
      });
    await send(under);
    const saved = under.sandbox.save();
    await under.close();

    const again = await startTestStripe({ meterDelayMs: 60_000, saved, seed: 2 });
    await expect(send(again)).rejects.toMatchObject({ code: 'duplicate_meter_event' });
    again.sandbox.control.advance(60_000);
    const { data } = await again.stripe.billing.meters.listEventSummaries(meter.id, {
      customer,
      start_time: 0,
      end_time: 4_102_444_800,
    });
    expect(data).toMatchObject([{ aggregated_value: 5 }]);
    await again.close();
  });

  test('is not taken from a file of another format', async () => {
    const under = await startTestStripe({ saved: JSON.stringify({ format: 99, fields: {} }) });
    expect(under.sandbox.world.customers.all()).toEqual([]);
    await under.close();
  });
});

test('a live key in the environment is refused, not replaced', async () => {
  const config = parseConfig({ TOLLKEEPER_DATA_DIR: dataDir, STRIPE_SECRET_KEY: `sk_live_${'x'.repeat(20)}` });
  const starting = openLocalStripe({ config, now: () => Date.now(), onProblem: () => undefined });
  await expect(starting).rejects.toMatchObject({ code: 'STRIPE_LIVE_KEY' });
});

test('a second sandbox takes another port', async () => {
  const first = await start();
  const other = await openLocalStripe({
    config: parseConfig({ TOLLKEEPER_DATA_DIR: await temporaryDirectory() }),
    now: () => Date.now(),
    onProblem: () => undefined,
  });
  expect(other.url).not.toBe(first.url);
  await other.close();
});

test('a newcomer tops a wallet up: page, card, webhook, ledger', async () => {
  const database = await createTestDatabase();
  const config = parseConfig({ TOLLKEEPER_DATA_DIR: dataDir, DATABASE_URL: database.connectionString });
  const ruleset = await shippedRuleset();
  const pipeline = await startPipeline({
    config,
    ruleset,
    http: { port: 0 },
    stripeSandbox: true,
    onProblem: (_what, error) => problems.push(error),
  });
  try {
    const { http, stripeSandbox } = pipeline.details as { readonly http: string; readonly stripeSandbox: string };
    expect(pipeline.summary.join('\n')).toContain(`Stripe sandbox on ${stripeSandbox}: a fake on this machine`);
    const key = await supportKey(database.connectionString);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const topUps = `${http}/v1/accounts/acme/topups`;
    const begun = await fetch(topUps, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': 'first' },
      body: JSON.stringify({ amount: '50.00 USD' }),
    });
    const { url } = (await begun.json()) as { readonly url: string };
    const pay = (card: string) =>
      fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ action: 'pay', card }) });
    expect(await (await pay('4000000000000002')).text()).toContain('Your card was declined.');
    expect((await pay('4242424242424242')).status).toBe(303);
    await until('the top-up is in the ledger', async () => {
      const { topups } = (await (await fetch(topUps, { headers })).json()) as { readonly topups: readonly object[] };
      return JSON.stringify(topups).includes('"credited":"50"');
    });
  } finally {
    await pipeline.close();
    await database.drop();
  }
});

/** What `tollkeeper api-key create --scope support,read` makes. */
async function supportKey(databaseUrl: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  try {
    const asked = {
      tenant: 'default',
      name: 'play',
      scopes: ['support', 'read'] as const,
      accounts: null,
      requestsPerMinute: null,
      expiresAtMs: null,
    };
    const change = { actor: 'test', reason: null, atMs: Date.now() };
    return (await createKey(createApiKeyStore(pool), asked, keyPartsOf(randomBytes(KEY_BYTES)), change, true)).text;
  } finally {
    await pool.end();
  }
}

test('the sandbox needs HTTP, where its webhooks arrive', async () => {
  const { exitCode, stderr } = await runCli(['start', '--stripe-sandbox', 'local', '--no-http']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('webhooks arrive there');
});
