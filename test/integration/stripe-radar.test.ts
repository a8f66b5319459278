import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { autoTopUp } from '../../src/pipeline/stripe/auto-top-up.ts';
import { decideReview } from '../../src/pipeline/stripe/decide-review.ts';
import { lookAgain } from '../../src/pipeline/stripe/look-again.ts';
import {
  carryOutListing,
  putBeforeRadar,
  radarOutcome,
  sweepRadar,
  takeOffRadar,
} from '../../src/pipeline/stripe/radar.ts';
import { radarAdvice, readRadar, setUpRadar } from '../../src/pipeline/stripe/set-up-radar.ts';
import { codeOf, credit, expectProven } from '../support/credit.ts';
import { deliverAll, openMoneyIn, type TestMoney } from '../support/money-in.ts';

async function flagged(money: TestMoney, account = 'acme') {
  await credit(money.ledger, account, 1);
  const { customer } = await money.withCard(account);
  const walletId = await money.setAuto(account);
  const untilMs = money.now() + 7 * DAY_MS;
  const request = { tenant: 'default', account, reason: 'leaked key', decisionId: 'dec_1', by: 'rule', untilMs };
  expect(radarOutcome(await putBeforeRadar(money, request))).toBe('asked');
  const listing = await carryOutListing(money, customer);
  return { customer, walletId, listing };
}

const caseKinds = (money: TestMoney) => money.openCases();

describe('the set-up', () => {
  test('makes the list once, names the rule, and says nothing of its effect that was not seen', async () => {
    const money = await openMoneyIn();
    const first = await setUpRadar(money);
    expect(first).toMatchObject({
      effect: 'unknown',
      list: { isNew: true },
      rule: 'Review if :customer: in @usage_anomaly_review',
    });
    expect(await setUpRadar(money)).toMatchObject({ list: { isNew: false, id: first.list.id } });
    expect(money.sandbox.world.valueLists.all()).toHaveLength(1);
    expect(radarAdvice(first)).toContain('Add this rule in the Dashboard');
  });

  test('says so when the plan has no lists', async () => {
    const money = await openMoneyIn({ radar: { plan: 'none' } });
    const setUp = await setUpRadar(money);
    expect(setUp.effect).toBe('unavailable');
    expect(radarAdvice(setUp)).toContain('no value lists');
  });

  test('knows a missing rule by payments that it did not review', async () => {
    const money = await openMoneyIn({ radar: { reviewList: undefined } });
    const { walletId } = await flagged(money);
    await autoTopUp(money, walletId);
    expect((await readRadar(money)).effect).toBe('no_effect');
    expect(await caseKinds(money)).toEqual(['local_review']);
  });

  test('does not take a review that a person opened for the work of the rule', async () => {
    const money = await openMoneyIn({ radar: { reviewList: undefined } });
    const { walletId } = await flagged(money);
    const topUp = await autoTopUp(money, walletId);
    const review = money.sandbox.control.openReview(topUp?.paymentIntent ?? '');
    await deliverAll(money);
    expect((await readRadar(money)).effect).toBe('unknown');
    money.sandbox.control.closeReview(review.id, 'approved');
    await deliverAll(money);
    expect(await money.store.topUps.read(topUp?.topupId ?? '')).toMatchObject({
      status: 'paid',
      isReviewedByRule: false,
    });
  });
});

describe('a customer before Radar', () => {
  test('is on the list and marked; money is only authorised, and captured when the review is approved', async () => {
    const money = await openMoneyIn();
    const { customer, walletId, listing } = await flagged(money);
    expect(listing).toMatchObject({ status: 'standing', listStatus: 'listed', metadataSet: true });
    expect(money.sandbox.world.valueListItems.all().map(({ value }) => value)).toEqual([customer]);
    expect(money.sandbox.world.customers.get(customer).metadata).toMatchObject({
      usage_risk: 'review',
      usage_case_id: 'dec_1',
    });
    const topUp = await autoTopUp(money, walletId);
    expect(topUp).toMatchObject({ status: 'in_review', isFlagged: true });
    const intent = money.sandbox.world.paymentIntents.get(topUp?.paymentIntent ?? '');
    expect(intent).toMatchObject({ status: 'requires_capture', metadata: { usage_risk: 'review' } });
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(1);
    expect((await readRadar(money)).effect).toBe('in_effect');
    money.sandbox.control.closeReview(topUp?.reviewId ?? '', 'approved');
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(51);
    expect(money.given).toMatchObject([{ verdict: 'benign', source: 'review' }]);
    await expectProven(money.ledger);
  });

  test('gets no money when the review says fraud', async () => {
    const money = await openMoneyIn();
    const { walletId } = await flagged(money);
    const topUp = await autoTopUp(money, walletId);
    money.sandbox.control.closeReview(topUp?.reviewId ?? '', 'refunded_as_fraud');
    await deliverAll(money);
    expect(await money.dollars('acme')).toBe(1);
    expect(await money.store.topUps.read(topUp?.topupId ?? '')).toMatchObject({ status: 'canceled' });
    expect(money.sandbox.world.paymentIntents.get(topUp?.paymentIntent ?? '').status).toBe('canceled');
    expect(money.given).toMatchObject([{ verdict: 'confirmed_fraud' }]);
  });

  test('on a plan without lists is marked and waits in the local queue, where a person decides', async () => {
    const money = await openMoneyIn({ radar: { plan: 'none' } });
    const { walletId, listing } = await flagged(money);
    expect(radarOutcome(listing)).toBe('local_queue');
    const topUp = await autoTopUp(money, walletId);
    expect(topUp).toMatchObject({ status: 'in_review' });
    expect(await caseKinds(money)).toEqual(['local_review']);
    const decision = { topupId: topUp?.topupId ?? '', by: 'cli:ana', reason: 'talked to them' };
    expect(await decideReview(money, { ...decision, verdict: 'approve' })).toMatchObject({ status: 'paid' });
    expect(await money.dollars('acme')).toBe(51);
    expect(await caseKinds(money)).toEqual([]);
    expect(await codeOf(decideReview(money, { ...decision, verdict: 'refuse' }))).toBe('TOPUP_STATE');
  });

  test('that a person refuses is not charged', async () => {
    const money = await openMoneyIn({ radar: { plan: 'none' } });
    const { walletId } = await flagged(money);
    const topUp = await autoTopUp(money, walletId);
    const refusal = { topupId: topUp?.topupId ?? '', verdict: 'refuse' as const, by: 'cli:ana', reason: 'stolen card' };
    expect(await decideReview(money, refusal)).toMatchObject({ status: 'canceled' });
    expect(await money.dollars('acme')).toBe(1);
    // The next one does not begin a moment later.
    expect(await autoTopUp(money, walletId)).toBeUndefined();
    expect(await money.store.auto.read(walletId)).toMatchObject({ stoppedBecause: 'a top-up was refused' });
  });

  test('comes off by itself on its date, or when somebody says so', async () => {
    const money = await openMoneyIn();
    const { customer } = await flagged(money);
    expect(await sweepRadar(money)).toBe(0);
    money.advance(7 * DAY_MS);
    expect(await sweepRadar(money)).toBe(2);
    expect(await money.store.radar.read(customer)).toMatchObject({ status: 'ended', listItem: null });
    expect(money.sandbox.world.valueListItems.all()).toEqual([]);
    expect(money.sandbox.world.customers.get(customer).metadata.usage_risk).toBeUndefined();
    const again = {
      tenant: 'default',
      account: 'acme',
      reason: 'again',
      decisionId: null,
      by: 'cli:ana',
      untilMs: money.now() + DAY_MS,
    };
    await putBeforeRadar(money, again);
    await sweepRadar(money);
    expect(money.sandbox.world.valueListItems.all()).toHaveLength(1);
    expect(await takeOffRadar(money, { tenant: 'default', account: 'acme', because: 'benign' })).toBe(true);
    await sweepRadar(money);
    expect(money.sandbox.world.valueListItems.all()).toEqual([]);
    expect(await takeOffRadar(money, { tenant: 'default', account: 'acme', because: 'benign' })).toBe(false);
  });

  test('survives a list that somebody deleted and a Stripe that is away', async () => {
    const money = await openMoneyIn({ radar: { reviewList: undefined } });
    const { list } = await setUpRadar(money);
    await money.sdk.radar.valueLists.del(list.id ?? '');
    money.sandbox.faults.add({ kind: 'status', status: 500, path: '/v1/customers/', method: 'POST', count: 1 });
    await credit(money.ledger, 'acme', 1);
    const { customer } = await money.withCard('acme');
    const request = {
      tenant: 'default',
      account: 'acme',
      reason: 'x',
      decisionId: null,
      by: 'rule',
      untilMs: money.now() + DAY_MS,
    };
    await putBeforeRadar(money, request);
    await expect(carryOutListing(money, customer)).rejects.toMatchObject({ code: 'STRIPE_FAILED' });
    expect(await carryOutListing(money, customer)).toMatchObject({ status: 'standing', listStatus: 'listed' });
    expect(money.sandbox.world.valueLists.all()).toHaveLength(1);
  });

  test('without a customer at Stripe is nothing that could be reviewed', async () => {
    const money = await openMoneyIn();
    const request = {
      tenant: 'default',
      account: 'nobody',
      reason: 'x',
      decisionId: null,
      by: 'rule',
      untilMs: money.now() + DAY_MS,
    };
    expect(radarOutcome(await putBeforeRadar(money, request))).toBe('no_customer');
  });

  test('is not forgotten: a case is opened before the authorisation ends', async () => {
    const money = await openMoneyIn();
    const { walletId } = await flagged(money);
    const topUp = await autoTopUp(money, walletId);
    const endsMs = topUp?.captureBeforeMs ?? 0;
    expect(endsMs).toBeGreaterThan(money.now());
    money.advance(endsMs - money.now() - 12 * HOUR_MS);
    await lookAgain(money);
    expect(await caseKinds(money)).toEqual(['authorisation_ends']);
  });
});
