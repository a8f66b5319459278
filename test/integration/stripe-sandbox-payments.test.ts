import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StripeSandbox, startStripeSandbox } from '../../src/stripe-sandbox/sandbox.ts';

const START_MS = Date.UTC(2026, 2, 2, 9);
let sandbox: StripeSandbox;
let stripe: Stripe;
const servers: Server[] = [];

beforeEach(async () => {
  sandbox = await startStripeSandbox({ now: () => START_MS, webhooks: 'manual' });
  stripe = new Stripe('sk_test_sandbox', {
    host: sandbox.host,
    port: sandbox.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
});

afterEach(async () => {
  await sandbox.close();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

test('a saved card is charged off-session, and the balance shows amount, fee and net', async () => {
  const customer = await stripe.customers.create({ email: 'a@example.com', payment_method: 'pm_card_visa' });
  const { data } = await stripe.customers.listPaymentMethods(customer.id);
  const method = data[0]?.id ?? '';
  const intent = await stripe.paymentIntents.create({
    amount: 5_000,
    currency: 'usd',
    customer: customer.id,
    payment_method: method,
    off_session: true,
    confirm: true,
    metadata: { wallet_topup_id: 'top_1' },
    expand: ['latest_charge.balance_transaction'],
  });
  expect(intent).toMatchObject({
    status: 'succeeded',
    amount_received: 5_000,
    latest_charge: { paid: true, balance_transaction: { amount: 5_000, fee: 175, net: 4_825, status: 'pending' } },
  });
});

test('a webhook is signed so that the SDK accepts it, and carries the object as it was', async () => {
  const received: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const signature = String(request.headers['stripe-signature']);
      const event = stripe.webhooks.constructEvent(body, signature, secret, 300, undefined, START_MS);
      received.push(event.type);
      response.end('ok');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { secret = '' } = await stripe.webhookEndpoints.create({
    url: `http://127.0.0.1:${port}/hook`,
    enabled_events: ['payment_intent.created', 'payment_intent.succeeded'],
    api_version: '2026-10-28.endive',
  });
  await stripe.paymentIntents.create({
    amount: 5_000,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
    return_url: 'https://example.com',
  });
  await sandbox.deliveries.deliver({ order: 'reversed', copies: 2 });
  expect(received).toEqual([
    'payment_intent.succeeded',
    'payment_intent.created',
    'payment_intent.succeeded',
    'payment_intent.created',
  ]);
});
