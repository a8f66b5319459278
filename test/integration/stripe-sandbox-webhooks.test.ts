import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/run-service.ts';
import { STRIPE_START_MS, startTestStripe, TEST_KEY, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;
let listener: Listener;

interface Listener {
  readonly url: string;
  readonly bodies: string[];
  readonly signatures: string[];
  /** Statuses to answer with, in turn; 200 when none is left. */
  readonly answers: number[];
  readonly close: () => Promise<void>;
}

async function listen(): Promise<Listener> {
  const bodies: string[] = [];
  const signatures: string[] = [];
  const answers: number[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      bodies.push(body);
      signatures.push(String(request.headers['stripe-signature']));
      response.statusCode = answers.shift() ?? 200;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `http://127.0.0.1:${port}/hook`, bodies, signatures, answers, close };
}

beforeEach(async () => {
  under = await startTestStripe();
  listener = await listen();
});

afterEach(async () => {
  await under.close();
  await listener.close();
});

const EVENTS = ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded'] as const;

async function endpoint() {
  return under.stripe.webhookEndpoints.create({
    url: listener.url,
    enabled_events: [...EVENTS],
    api_version: '2026-10-28.endive',
  });
}

const pay = () =>
  under.stripe.paymentIntents.create({
    amount: 5_000,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
    return_url: 'https://example.com',
  });

const typesSent = () => listener.bodies.map((body) => (JSON.parse(body) as Stripe.Event).type);

test('a webhook is signed so that the SDK accepts it, and carries the object as it was then', async () => {
  const { secret = '' } = await endpoint();
  const intent = await pay();
  await under.sandbox.deliveries.deliver();
  const events = listener.bodies.map((body, at) => {
    return under.stripe.webhooks.constructEvent(
      body,
      listener.signatures[at] ?? '',
      secret,
      300,
      undefined,
      STRIPE_START_MS,
    );
  });
  expect(events.map(({ type }) => type)).toEqual(EVENTS);
  expect(events[0]?.data.object).toMatchObject({ id: intent.id, status: 'requires_confirmation' });
  expect(events[2]?.data.object).toMatchObject({ id: intent.id, status: 'succeeded' });
  const forged = () =>
    under.stripe.webhooks.constructEvent(
      `${listener.bodies[0]} `,
      listener.signatures[0] ?? '',
      secret,
      300,
      undefined,
      STRIPE_START_MS,
    );
  expect(forged).toThrow('No signatures found');
});

test('webhooks can be turned around, repeated, and sent all at once', async () => {
  await endpoint();
  await pay();
  await under.sandbox.deliveries.deliver({ order: 'reversed', copies: 2 });
  expect(typesSent()).toEqual([...EVENTS.toReversed(), ...EVENTS.toReversed()]);
  await pay();
  await under.sandbox.deliveries.deliver({ copies: 50, together: true, types: ['charge.succeeded'] });
  expect(listener.bodies).toHaveLength(56);
});

test('what was lost is found in the list of events, and what was delivered is not', async () => {
  await endpoint();
  await pay();
  await under.sandbox.deliveries.deliver({ types: ['payment_intent.created'] });
  under.sandbox.deliveries.drop();
  const missed = await under.stripe.events.list({ types: [...EVENTS], delivery_success: false });
  expect(missed.data.map(({ type }) => type)).toEqual(['payment_intent.succeeded', 'charge.succeeded']);
  const [event] = missed.data;
  expect(await under.stripe.events.retrieve(event?.id ?? '')).toMatchObject({ pending_webhooks: 1 });
  await under.sandbox.deliveries.resend(event?.id ?? '');
  expect(typesSent()).toEqual(['payment_intent.created', 'payment_intent.succeeded']);
});

test('an answer other than 2xx is tried again', async () => {
  await endpoint();
  await pay();
  listener.answers.push(500);
  await under.sandbox.deliveries.deliver();
  expect(under.sandbox.deliveries.waiting().map(({ type, lastAnswer }) => [type, lastAnswer])).toEqual([
    ['payment_intent.created', '500'],
  ]);
  await under.sandbox.deliveries.deliver();
  expect(under.sandbox.deliveries.waiting()).toEqual([]);
});

test('by itself it sends in order and tries again after a second', async () => {
  await endpoint();
  under.sandbox.deliveries.mode = 'auto';
  listener.answers.push(200, 503);
  await pay();
  await under.sandbox.deliveries.settled();
  await until('all three are delivered', () => under.sandbox.deliveries.waiting().length === 0);
  expect(typesSent()).toEqual([EVENTS[0], EVENTS[1], EVENTS[2], EVENTS[1]]);
});

test('a disabled endpoint gets nothing, and the secret is shown once', async () => {
  const { id, secret } = await endpoint();
  expect(secret).toMatch(/^whsec_/);
  expect(await under.stripe.webhookEndpoints.update(id, { disabled: true })).not.toHaveProperty('secret');
  await pay();
  expect(under.sandbox.deliveries.waiting()).toEqual([]);
});

describe('thin events', () => {
  const create = () =>
    under.stripe.v2.core.eventDestinations.create({
      name: 'Tollkeeper',
      type: 'webhook_endpoint',
      event_payload: 'thin',
      enabled_events: ['v1.billing.meter.error_report_triggered', 'v1.charge.succeeded'],
      webhook_endpoint: { url: listener.url },
      include: ['webhook_endpoint.signing_secret'],
    });

  // Around the contract: what `fetchEvent` asks for is what it was told to ask for.
  const parse = (secret: string) => {
    const [body = '', signature = ''] = [listener.bodies[0], listener.signatures[0]];
    return under.stripe.parseEventNotification(body, signature, secret, 300, undefined, STRIPE_START_MS);
  };

  test('name an object and carry none of it; the rest is fetched', async () => {
    const destination = await create();
    await pay();
    await under.sandbox.deliveries.deliver();
    const note = parse(destination.webhook_endpoint?.signing_secret ?? '');
    if (note.type !== 'v1.charge.succeeded') throw new Error(`unexpected ${note.type}`);
    expect(JSON.parse(listener.bodies[0] ?? '')).not.toHaveProperty('data');
    expect(await note.fetchRelatedObject()).toMatchObject({ object: 'charge', paid: true });
    expect(await note.fetchEvent()).toMatchObject({ id: note.id, snapshot_event: expect.stringMatching(/^evt_/) });
  });

  test('refuse to be taken for the other kind', async () => {
    const { webhook_endpoint: hook } = await create();
    await pay();
    await under.sandbox.deliveries.deliver();
    const [body = '', signature = ''] = [listener.bodies[0], listener.signatures[0]];
    const stripe = new Stripe(TEST_KEY.reveal());
    const construct = () =>
      stripe.webhooks.constructEvent(body, signature, hook?.signing_secret ?? '', 300, undefined, STRIPE_START_MS);
    expect(construct).toThrow('thin event notification');
  });

  test('a destination can be switched off, looked at and taken away', async () => {
    const { id } = await create();
    const { eventDestinations } = under.stripe.v2.core;
    expect(await eventDestinations.disable(id)).toMatchObject({ status: 'disabled' });
    await pay();
    expect(under.sandbox.deliveries.waiting()).toEqual([]);
    expect(await eventDestinations.enable(id)).toMatchObject({ status: 'enabled' });
    expect(await eventDestinations.retrieve(id, { include: ['webhook_endpoint.url'] })).toMatchObject({
      webhook_endpoint: { url: listener.url },
    });
    expect((await eventDestinations.list()).data).toHaveLength(1);
    await eventDestinations.del(id);
    expect((await eventDestinations.list()).data).toEqual([]);
  });
});
