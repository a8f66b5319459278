import { describe, expect, test } from 'vitest';
import { isOurRule, judgeAuthorised, radarEffect } from '../../../../src/domain/payments/authorised-money.ts';
import { eventSubject } from '../../../../src/domain/payments/event-kinds.ts';
import { tiePayment } from '../../../../src/domain/payments/tie-payment.ts';

const PAYMENT = {
  id: 'pi_1',
  customer: 'cus_1',
  currency: 'USD',
  topupId: 'top_1',
  receivedMinor: 5_000n,
  status: 'succeeded',
} as const;
const TOPUP = { currency: 'USD', customer: 'cus_1', paymentIntent: null, isPaid: false, amountMinor: 5_000n };

describe('a payment', () => {
  test('of the top-up it names is tied to it', () => {
    expect(tiePayment(PAYMENT, TOPUP, true)).toEqual({ is: 'tied', notes: [] });
  });

  test.each([
    ['another currency', { currency: 'EUR' }, TOPUP, true, 'other_currency'],
    ['another customer', { customer: 'cus_2' }, TOPUP, true, 'other_customer'],
    ['no customer', { customer: null }, TOPUP, true, 'other_customer'],
    ['a top-up that is not there', {}, undefined, true, 'unknown_topup'],
    ['a customer nobody knows', { topupId: null }, undefined, false, 'unknown_customer'],
  ] as const)('with %s is kept', (_name, over, topUp, isKnown, kind) => {
    expect(tiePayment({ ...PAYMENT, ...over }, topUp, isKnown)).toMatchObject({ is: 'doubtful', note: { kind } });
  });

  test('without our metadata is not ours', () => {
    expect(tiePayment({ ...PAYMENT, topupId: null }, undefined, true)).toMatchObject({ is: 'foreign' });
    expect(tiePayment({ ...PAYMENT, topupId: null, customer: null }, undefined, false)).toMatchObject({
      is: 'foreign',
    });
  });

  test('of another amount, or beside one that has paid, is credited and noted', () => {
    const other = tiePayment(
      { ...PAYMENT, receivedMinor: 4_000n },
      { ...TOPUP, isPaid: true, paymentIntent: 'pi_0' },
      true,
    );
    expect(other).toMatchObject({ is: 'tied', notes: [{ kind: 'other_amount' }, { kind: 'paid_twice' }] });
  });

  test('names what hostile metadata says without its control characters', () => {
    const tie = tiePayment({ ...PAYMENT, topupId: 'top\u001b[31m\n' }, undefined, true);
    expect(JSON.stringify(tie)).not.toMatch(/\\u001b|\\n/);
  });
});

describe('authorised money', () => {
  const review = { id: 'prv_1', isOpen: false, openedReason: 'rule', closedReason: 'approved', rule: null };

  test.each([
    ['approved', { ...review }, 'unknown', { do: 'capture' }],
    ['refunded as fraud', { ...review, closedReason: 'refunded_as_fraud' }, 'in_effect', { do: 'cancel' }],
    ['closed in a way that is new', { ...review, closedReason: 'something' }, 'in_effect', { do: 'cancel' }],
    ['open', { ...review, isOpen: true, closedReason: null }, 'in_effect', { do: 'wait', for: 'radar' }],
    ['missing where Radar works', null, 'in_effect', { do: 'capture' }],
    ['missing where nobody knows', null, 'unknown', { do: 'wait', for: 'person' }],
    ['missing without the rule', null, 'no_effect', { do: 'wait', for: 'person' }],
    ['missing without lists', null, 'unavailable', { do: 'wait', for: 'person' }],
  ] as const)('with a review that is %s', (_name, found, effect, verdict) => {
    expect(judgeAuthorised({ review: found }, effect)).toMatchObject(verdict);
  });

  test('is only captured unseen where our rule was seen to work', () => {
    expect(radarEffect({ lists: 'available', reviewed: 0, unreviewed: 0 })).toBe('unknown');
    expect(radarEffect({ lists: 'available', reviewed: 0, unreviewed: 1 })).toBe('no_effect');
    expect(radarEffect({ lists: 'available', reviewed: 1, unreviewed: 9 })).toBe('in_effect');
    expect(radarEffect({ lists: 'unavailable', reviewed: 1, unreviewed: 0 })).toBe('unavailable');
    expect(isOurRule(':customer: in @usage_anomaly_review')).toBe(true);
    expect(isOurRule("::customer:usage_risk:: = 'review'")).toBe(true);
    expect(isOurRule(':risk_level: = "elevated"')).toBe(false);
  });
});

test('types that objects inherit are no events', () => {
  expect(['toString', 'constructor', '__proto__', 'charge.refunded'].map(eventSubject)).toEqual([
    'none',
    'none',
    'none',
    'payment',
  ]);
});
