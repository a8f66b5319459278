import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestStripe, type TestStripe } from '../support/stripe.ts';

let under: TestStripe;

beforeEach(async () => {
  under = await startTestStripe();
});

afterEach(async () => {
  await under.close();
});

const HOSTILE = '"><script>alert(1)</script>';

async function session(more: object = {}) {
  return under.stripe.checkout.sessions.create({
    mode: 'payment',
    client_reference_id: HOSTILE,
    line_items: [{ price_data: { currency: 'usd', unit_amount: 2_500, product_data: { name: HOSTILE } } }],
    success_url: 'https://example.com/thanks?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'https://example.com/back',
    ...more,
  });
}

function send(path: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  return fetch(new URL(path, under.sandbox.url), {
    method: 'POST',
    redirect: 'manual',
    headers,
    body: new URLSearchParams(form),
  });
}

/** The page as the customer's browser reaches it: at the address in the session. */
async function read(url: string | null): Promise<string> {
  const response = await fetch(url ?? '');
  return response.text();
}

describe('the payment page', () => {
  test('takes a card and sends the customer back to the shop', async () => {
    const { id, url } = await session();
    expect(await read(url)).toContain('$25.00');
    const paid = await send(`/pay/${id}`, { action: 'pay', card: '4242424242424242', email: 'a@example.com' });
    expect([paid.status, paid.headers.get('location')]).toEqual([303, `https://example.com/thanks?session=${id}`]);
    expect(await under.stripe.checkout.sessions.retrieve(id)).toMatchObject({ payment_status: 'paid' });
    expect(await (await fetch(`${under.sandbox.url}/pay/${id}`)).text()).toContain('This payment page is complete.');
  });

  test('says what the bank said, and lets the customer leave', async () => {
    const { id } = await session();
    const declined = await send(`/pay/${id}`, { action: 'pay', card: '4000000000009995' });
    expect(await declined.text()).toContain('Your card has insufficient funds.');
    const left = await send(`/pay/${id}`, { action: 'leave' });
    expect(left.headers.get('location')).toBe('https://example.com/back');
    expect(await under.stripe.checkout.sessions.retrieve(id)).toMatchObject({ status: 'open' });
  });

  test('shows names as text, whatever they are made of', async () => {
    const { url } = await session();
    for (const page of [await read(url), await read(`${under.sandbox.url}/`)]) {
      expect(page).not.toContain('<script');
      expect(page).toContain('&lt;script&gt;');
    }
  });

  test('leads nowhere but to the web', async () => {
    const { id } = await session({ cancel_url: 'javascript:alert(1)' });
    const left = await send(`/pay/${id}`, { action: 'leave' });
    expect(left.headers.get('location')).toBe('/');
  });
});

describe('the controls', () => {
  const pay = () =>
    under.stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      payment_method: 'pm_card_visa',
      confirm: true,
      return_url: 'https://example.com',
    });

  test('do what banks, cardholders and the Dashboard do', async () => {
    const { id } = await pay();
    const dispute = (await (await send('/_sandbox/dispute', { of: id })).json()) as { readonly id: string };
    await send('/_sandbox/close_dispute', { dispute: dispute.id, outcome: 'won' });
    expect(await under.stripe.disputes.retrieve(dispute.id)).toMatchObject({ status: 'won' });
    const other = await pay();
    await send('/_sandbox/open_review', { of: other.id });
    const [review] = (await under.stripe.reviews.list()).data;
    await send('/_sandbox/close_review', { review: review?.id ?? '', reason: 'refunded_as_fraud' });
    expect(await under.stripe.reviews.retrieve(review?.id ?? '')).toMatchObject({ closed_reason: 'refunded_as_fraud' });
    expect((await under.stripe.refunds.list()).data).toMatchObject([{ reason: 'fraudulent' }]);
  });

  test('make trouble when told to', async () => {
    await send('/_sandbox/fault', { kind: 'status', status: '503', path: '/v1/customers', count: '1' });
    await expect(under.stripe.customers.create({})).rejects.toMatchObject({ statusCode: 503 });
    await under.stripe.customers.create({});
  });

  test('let time pass', async () => {
    const { created } = await under.stripe.customers.create({});
    await send('/_sandbox/advance', { ms: '3600000' });
    expect((await under.stripe.customers.create({})).created).toBe(created + 3_600);
    expect((await send('/_sandbox/advance', { ms: '-1' })).status).toBe(400);
  });

  test('are for pages of the sandbox itself, not for those of other sites', async () => {
    const foreign = await send('/_sandbox/advance', { ms: '1' }, { origin: 'https://evil.example.com' });
    expect(foreign.status).toBe(403);
    const hidden = await send('/_sandbox/advance', { ms: '1' }, { origin: 'null' });
    expect(hidden.status).toBe(403);
    const own = await send('/_sandbox/advance', { ms: '1' }, { origin: under.sandbox.url, accept: 'text/html' });
    expect([own.status, own.headers.get('location')]).toEqual([303, '/']);
  });

  test('say what they are when asked for something else', async () => {
    const response = await send('/_sandbox/toString', {});
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('dispute, close_dispute');
  });
});
