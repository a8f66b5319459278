import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { autoTopUp, sweepAutoTopUps } from '../../src/pipeline/stripe/auto-top-up.ts';
import { lookAgain } from '../../src/pipeline/stripe/look-again.ts';
import { type CheckoutTopUp, startCheckout } from '../../src/pipeline/stripe/start-checkout.ts';
import { codeOf, credit, expectProven, walletOf } from '../support/credit.ts';
import { USD } from '../support/ledger.ts';
import { deliverAll, openMoneyIn, type TestMoney } from '../support/money-in.ts';

function checkout(money: TestMoney, over: Partial<CheckoutTopUp> = {}) {
  return startCheckout(money, {
    tenant: 'default',
    account: 'acme',
    currency: 'USD',
    amountNanos: 50n * USD,
    successUrl: 'https://example.com/paid',
    cancelUrl: 'https://example.com/canceled',
    key: 'one',
    actor: 'test',
    ...over,
  });
}

const statusOf = async (money: TestMoney, topupId: string) => (await money.store.topUps.read(topupId))?.status;

describe('a first top-up', () => {
  test('is paid on a page, credited from its event, and leaves the card for automatic ones', async () => {
    const money = await openMoneyIn();
    const topUp = await checkout(money);
    expect(topUp).toMatchObject({ status: 'awaiting_customer', url: expect.stringContaining('http') });
    const session = topUp.checkoutSession ?? '';
    money.sandbox.control.pay(session, { card: '4242424242424242' });
    // Nothing is credited before Stripe has said so: the customer's way back to our page proves nothing.
    await expect(walletOf(money.ledger, 'acme')).rejects.toThrow('has no wallet');
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(50);
    expect(await money.store.topUps.read(topUp.topupId)).toMatchObject({ status: 'paid', url: null });
    const walletId = await money.setAuto('acme', { thresholdNanos: 60n * USD });
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'paid' });
    expect(await money.dollars('acme')).toBe(100);
    await expectProven(money.ledger);
  });

  test('asked for twice with one key is one page; with another amount it is refused', async () => {
    const money = await openMoneyIn();
    const pages = await Promise.all([checkout(money), checkout(money), checkout(money)]);
    expect(new Set(pages.map(({ checkoutSession }) => checkoutSession)).size).toBe(1);
    expect(money.sandbox.world.sessions.all()).toHaveLength(1);
    expect(money.sandbox.world.customers.all()).toHaveLength(1);
    expect(await codeOf(checkout(money, { amountNanos: 51n * USD }))).toBe('IDEMPOTENCY_CONFLICT');
  });

  test.each([
    ['a fraction of a cent', { amountNanos: 1_234_567_891n }, 'AMOUNT_INVALID'],
    ['nothing', { amountNanos: 0n }, 'AMOUNT_INVALID'],
    ['less than nothing', { amountNanos: -5n * USD }, 'AMOUNT_INVALID'],
    ['more than Stripe takes', { amountNanos: 1_000_000n * USD }, 'AMOUNT_INVALID'],
    ['no currency', { currency: 'XXQ' }, 'AMOUNT_INVALID'],
    ['no account', { account: 'a\u0000b' }, 'ACCOUNT_INVALID'],
  ] as const)('of %s is refused before Stripe is asked', async (_name, over, code) => {
    const money = await openMoneyIn();
    expect(await codeOf(checkout(money, over))).toBe(code);
    expect(money.sandbox.world.customers.all()).toHaveLength(0);
  });

  test('waits on its page after a refused card, and ends with the page', async () => {
    const money = await openMoneyIn();
    const topUp = await checkout(money);
    const session = topUp.checkoutSession ?? '';
    expect(() => money.sandbox.control.pay(session, { card: '4000000000000002' })).toThrow();
    await deliverAll(money);
    expect(await statusOf(money, topUp.topupId)).toBe('awaiting_customer');
    money.advance(25 * HOUR_MS);
    await deliverAll(money);
    expect(await statusOf(money, topUp.topupId)).toBe('expired');
  });

  test('whose events are all lost is found when the page has run out', async () => {
    const money = await openMoneyIn();
    const topUp = await checkout(money);
    money.sandbox.control.pay(topUp.checkoutSession ?? '', { card: 'pm_card_visa' });
    money.advance(25 * HOUR_MS);
    await lookAgain(money);
    expect(await statusOf(money, topUp.topupId)).toBe('paid');
    expect(await money.dollars('acme')).toBe(50);
  });

  test('in a currency without a minor unit is the amount that was meant', async () => {
    const money = await openMoneyIn();
    const topUp = await checkout(money, { currency: 'JPY', amountNanos: 5_000n * USD });
    money.sandbox.control.pay(topUp.checkoutSession ?? '', { card: 'pm_card_visa' });
    await deliverAll(money);
    expect((await walletOf(money.ledger, 'acme', 'JPY')).posted).toBe(5_000n * USD);
    expect(money.sandbox.world.paymentIntents.all()[0]?.amount).toBe(5_000);
  });
});

describe('a card that wants its holder', () => {
  test('gets a page and no second try, and the page pays the top-up once', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme', 'pm_card_authenticationRequired');
    const walletId = await money.setAuto('acme');
    const topUp = await autoTopUp(money, walletId);
    expect(topUp).toMatchObject({ status: 'awaiting_customer', declineClass: 'authenticate', paymentIntent: null });
    expect(topUp?.url).toContain('http');
    await deliverAll(money);
    expect(await autoTopUp(money, walletId)).toBeUndefined();
    expect(await statusOf(money, topUp?.topupId ?? '')).toBe('awaiting_customer');
    const session = topUp?.checkoutSession ?? '';
    money.sandbox.control.pay(session, { card: 'pm_card_authenticationRequired', authenticates: true });
    await deliverAll(money);
    expect(await statusOf(money, topUp?.topupId ?? '')).toBe('paid');
    expect(await money.dollars('acme')).toBe(51);
    expect(money.sandbox.world.charges.all().filter(({ paid }) => paid)).toHaveLength(1);
    // The customer has confirmed: what their bank had stopped goes on.
    expect(await money.store.auto.read(walletId)).toMatchObject({ stoppedBecause: null });
    await expectProven(money.ledger);
  });

  test('gets its page later when Stripe goes away in between', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme', 'pm_card_authenticationRequired');
    const walletId = await money.setAuto('acme');
    money.sandbox.faults.add({ kind: 'status', status: 500, path: '/v1/checkout/sessions', method: 'POST', count: 5 });
    const topUp = await autoTopUp(money, walletId);
    expect(topUp?.url).toBeNull();
    await deliverAll(money);
    money.sandbox.faults.clear();
    money.advance(2 * HOUR_MS);
    await lookAgain(money);
    expect(await money.store.topUps.read(topUp?.topupId ?? '')).toMatchObject({
      status: 'awaiting_customer',
      url: expect.any(String),
    });
    money.advance(DAY_MS + HOUR_MS);
    await deliverAll(money);
    expect(await statusOf(money, topUp?.topupId ?? '')).toBe('expired');
    // No page after page: somebody has to want it.
    expect(await sweepAutoTopUps(money)).toBe(0);
  });
});
