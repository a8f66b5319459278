import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { autoTopUp, sweepAutoTopUps } from '../../src/pipeline/stripe/auto-top-up.ts';
import { backfill } from '../../src/pipeline/stripe/backfill.ts';
import { lookAgain } from '../../src/pipeline/stripe/look-again.ts';
import { processEvent } from '../../src/pipeline/stripe/process-event.ts';
import { credit, expectProven, spending, walletOf } from '../support/credit.ts';
import { USD } from '../support/ledger.ts';
import { deliverAll, OLD_WEBHOOK_SECRET, openMoneyIn, paid, type TestMoney } from '../support/money-in.ts';

async function entriesOf(money: TestMoney, account = 'acme') {
  const { walletId } = await walletOf(money.ledger, account);
  const { rows } = await money.ledger.pool.query<{ kind: number; amount: bigint }>(
    'select kind, amount from entry where wallet_id = $1 order by seq',
    [walletId],
  );
  return rows.map(({ kind, amount }) => [kind, Number(amount / USD)]);
}

describe('automatic top-ups', () => {
  test('charge the saved card once when the committed balance is below the threshold', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 20);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme');
    expect(await sweepAutoTopUps(money)).toBe(0);
    await money.ledger.use('acme', spending('a', [15]));
    expect(await sweepAutoTopUps(money)).toBe(1);
    expect(await sweepAutoTopUps(money)).toBe(0);
    expect(await money.dollars('acme')).toBe(55);
    const [topUp] = await money.store.topUps.list({ tenant: 'default', limit: 5 });
    expect(topUp).toMatchObject({ status: 'paid', kind: 'auto', walletId, creditedNanos: 50n * USD });
    await expectProven(money.ledger);
  });

  test('looked at by twenty processes at the same moment charge once', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme');
    const begun = await Promise.all(Array.from({ length: 20 }, () => autoTopUp(money, walletId)));
    expect(begun.filter((topUp) => topUp !== undefined)).toHaveLength(1);
    expect(money.sandbox.world.paymentIntents.all()).toHaveLength(1);
    expect(await money.dollars('acme')).toBe(51);
  });

  test('stop with an alarm when there are many in a short time, until a person resumes them', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme', { dailyCapNanos: 10_000n * USD });
    for (let index = 0; index < 5; index++) {
      await autoTopUp(money, walletId);
      await money.ledger.use('acme', spending(`burst-${index}`, [50]));
      money.advance(60_000);
    }
    expect(money.sandbox.world.paymentIntents.all()).toHaveLength(3);
    expect(await money.openCases()).toEqual(['topup_burst']);
    expect(await money.store.auto.read(walletId)).toMatchObject({ stoppedBecause: '3 automatic top-ups in 1 h' });
    // Another card is no answer to an alarm.
    await money.withCard('acme', 'pm_card_mastercard');
    expect(await autoTopUp(money, walletId)).toBeUndefined();
    await money.store.auto.resume(walletId, 'cli:ana', money.now());
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'paid' });
  });

  test('never charge more in a day than the cap', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme', { dailyCapNanos: 120n * USD, burstMax: 100 });
    for (let index = 0; index < 4; index++) {
      await autoTopUp(money, walletId);
      await money.ledger.use('acme', spending(`cap-${index}`, [50]));
      money.advance(HOUR_MS);
    }
    expect(money.sandbox.world.paymentIntents.all()).toHaveLength(2);
    money.advance(DAY_MS);
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'paid' });
  });

  test('wait longer after each decline, and stop for good after a hard one until there is a new card', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme', 'pm_card_chargeCustomerFail');
    const walletId = await money.setAuto('acme');
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'declined', declineClass: 'retry' });
    // What its events say afterwards is the same decline, not another one.
    await deliverAll(money, 2);
    expect(await autoTopUp(money, walletId)).toBeUndefined();
    money.advance(HOUR_MS);
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'declined' });
    money.advance(HOUR_MS);
    expect(await autoTopUp(money, walletId)).toBeUndefined();
    expect(await money.store.auto.read(walletId)).toMatchObject({ declines: 2 });
    const { card } = await money.withCard('acme');
    money.sandbox.control.setDecline(card, { declineCode: 'stolen_card', adviceCode: 'do_not_try_again' });
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'declined', declineClass: 'stop' });
    money.advance(7 * DAY_MS);
    expect(await autoTopUp(money, walletId)).toBeUndefined();
    await money.withCard('acme', 'pm_card_mastercard');
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'paid' });
    expect(await money.dollars('acme')).toBe(51);
  });

  test.each([
    ['an error', { kind: 'status', status: 500 }],
    ['too many requests', { kind: 'status', status: 429 }],
    ['a web page', { kind: 'html', status: 502 }],
    ['a reset connection', { kind: 'reset' }],
    ['a reset after the work was done', { kind: 'reset', afterWork: true }],
    ['half an answer', { kind: 'truncated', afterWork: true }],
  ] as const)('survive Stripe answering with %s, and charge once', async (_name, fault) => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme');
    // The SDK itself repeats a cut connection once, whatever it is told.
    money.sandbox.faults.add({ ...fault, path: '/v1/payment_intents', method: 'POST', count: 2 });
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'pending', tries: 1 });
    expect(await sweepAutoTopUps(money)).toBe(0);
    money.sandbox.faults.clear();
    money.advance(60_000);
    expect(await lookAgain(money)).toBe(1);
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(51);
    expect(money.sandbox.world.paymentIntents.all()).toHaveLength(1);
    await expectProven(money.ledger);
  });

  test('find a payment whose answer was lost for longer than Stripe keeps keys', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme');
    money.sandbox.faults.add({ kind: 'reset', afterWork: true, path: '/v1/payment_intents', method: 'POST', count: 2 });
    expect(await autoTopUp(money, walletId)).toMatchObject({ status: 'pending', paymentIntent: null });
    money.advance(2 * DAY_MS);
    await lookAgain(money);
    expect(await money.dollars('acme')).toBe(51);
    expect(money.sandbox.world.paymentIntents.all()).toHaveLength(1);
  });

  test('do not feed a frozen wallet', async () => {
    const money = await openMoneyIn({ warningFreezeHours: 24 });
    const { paymentIntent, walletId } = await paid(money);
    money.sandbox.control.warn(paymentIntent);
    await deliverAll(money);
    await money.store.auto.set({ ...(await policyOf(money, walletId)), thresholdNanos: 1_000n * USD }, money.now());
    expect(await sweepAutoTopUps(money)).toBe(0);
    expect(await autoTopUp(money, walletId)).toBeUndefined();
  });
});

async function policyOf(money: TestMoney, walletId: bigint) {
  const policy = await money.store.auto.read(walletId);
  if (policy === undefined) throw new Error('no policy');
  return policy;
}

describe('events', () => {
  test('are refused with a wrong, missing, old or future signature, and taken with the secret before', async () => {
    const money = await openMoneyIn();
    await paid(money);
    const event = money.events().at(-1);
    if (event === undefined) throw new Error('no event');
    const nowS = Math.floor(money.now() / 1_000);
    const codeOf = async (answer: ReturnType<TestMoney['send']>) => (await answer).body.code;
    expect(await codeOf(money.send(event, { secret: 'whsec_another_secret' }))).toBe('WEBHOOK_SIGNATURE');
    expect(await codeOf(money.send(event, { timestamp: nowS - 301 }))).toBe('WEBHOOK_SIGNATURE');
    expect(await codeOf(money.send(event, { timestamp: nowS + 301 }))).toBe('WEBHOOK_SIGNATURE');
    expect(await codeOf(money.send(event, { body: '{"id":"evt_1"}' }))).toBe('WEBHOOK_INVALID');
    expect(await codeOf(money.send(event, { body: '[[[[' }))).toBe('WEBHOOK_INVALID');
    expect(await codeOf(money.send(event, { shape: 'thin' }))).toBe('WEBHOOK_INVALID');
    expect((await money.store.events.counts()).waiting).toBe(0);
    expect(await money.send(event, { secret: OLD_WEBHOOK_SECRET, timestamp: nowS - 299 })).toMatchObject({
      status: 200,
    });
    expect((await money.store.events.counts()).waiting).toBe(1);
  });

  test('that arrive fifty times at once are stored once and post once', async () => {
    const money = await openMoneyIn();
    const topUp = await paid(money);
    const event = money.events().find(({ type }) => type === 'payment_intent.succeeded');
    if (event === undefined) throw new Error('no event');
    const answers = await Promise.all(Array.from({ length: 50 }, () => money.send(event)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await Promise.all(Array.from({ length: 20 }, () => processEvent(money, event.id)));
    expect(await entriesOf(money)).toEqual([
      [3, 1],
      [3, 50],
    ]);
    const { rows } = await money.ledger.pool.query(`select message_key from outbox where topic = 'stripe-events'`);
    expect(rows).toEqual([{ message_key: `stripe-event-${event.id}` }]);
    expect(topUp.status).toBe('paid');
  });

  test('alone post a payment whose own answer never came', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme');
    money.sandbox.faults.add({ kind: 'reset', afterWork: true, path: '/v1/payment_intents', method: 'POST', count: 2 });
    await autoTopUp(money, walletId);
    await deliverAll(money, 3);
    expect(await money.dollars('acme')).toBe(51);
    expect(await lookAgain(money)).toBe(0);
  });

  test('of a dispute before its charge post both, in the order of the books', async () => {
    const money = await openMoneyIn();
    await credit(money.ledger, 'acme', 1);
    await money.withCard('acme');
    const walletId = await money.setAuto('acme');
    money.sandbox.faults.add({ kind: 'reset', afterWork: true, path: '/v1/payment_intents', method: 'POST', count: 2 });
    await autoTopUp(money, walletId);
    const [intent] = money.sandbox.world.paymentIntents.all();
    money.sandbox.control.dispute(intent?.id ?? '');
    const dispute = money.events().find(({ type }) => type === 'charge.dispute.funds_withdrawn');
    if (dispute === undefined) throw new Error('no event');
    await money.send(dispute);
    await money.drain();
    expect(await entriesOf(money)).toEqual([
      [3, 1],
      [3, 50],
      [12, -50],
    ]);
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(1);
    await expectProven(money.ledger);
  });

  test('that webhooks missed are fetched, once, and stuck ones are handed over again', async () => {
    const money = await openMoneyIn();
    await paid(money);
    const all = money.events().filter(({ type }) => type.startsWith('payment_intent.'));
    const first = await backfill(money);
    expect(first.missed).toBeGreaterThan(0);
    expect(first.missed).toBeLessThanOrEqual(money.events().length);
    expect(all.length).toBeGreaterThan(0);
    expect(await backfill(money)).toMatchObject({ missed: 0, requeued: 0, isCut: false });
    money.advance(HOUR_MS);
    expect((await backfill(money)).requeued).toBe(first.missed);
    await money.drain();
    expect(await backfill(money)).toMatchObject({ missed: 0, requeued: 0 });
    expect(await money.dollars('acme')).toBe(51);
  });

  test('of live mode are kept when the key is of test mode', async () => {
    const money = await openMoneyIn();
    await paid(money);
    const event = money.events().find(({ type }) => type === 'payment_intent.succeeded');
    if (event === undefined) throw new Error('no event');
    await money.send({ ...event, livemode: true });
    await money.drain();
    expect(await money.store.events.read(event.id)).toMatchObject({ status: 'kept' });
    expect(await money.openCases()).toEqual(['event_kept']);
  });

  test('that Stripe cannot be asked about stay in the queue', async () => {
    const money = await openMoneyIn();
    const { topupId } = await paid(money);
    const event = money.events().find(({ type }) => type === 'payment_intent.succeeded');
    if (event === undefined) throw new Error('no event');
    await money.send(event);
    money.sandbox.faults.add({ kind: 'status', status: 503, path: '/v1/payment_intents', count: 5 });
    await expect(processEvent(money, event.id)).rejects.toMatchObject({ code: 'STRIPE_FAILED' });
    expect(await money.store.events.read(event.id)).toMatchObject({ status: 'waiting' });
    money.sandbox.faults.clear();
    expect(await processEvent(money, event.id)).toBe('done');
    expect(await money.store.topUps.read(topupId)).toMatchObject({ status: 'paid' });
  });
});
