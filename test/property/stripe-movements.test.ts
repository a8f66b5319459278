import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minorToNanos, nanosToMinor } from '../../src/domain/money/minor-units.ts';
import { movementsOf } from '../../src/domain/payments/movements.ts';
import type { Payment, PaymentDispute, PaymentRefund } from '../../src/domain/payments/payment.ts';
import { isEnded, statusOfPayment, TOPUP_STATUSES } from '../../src/domain/topups/top-up-status.ts';

const PAYMENT: Payment = {
  id: 'pi_1',
  status: 'succeeded',
  currency: 'USD',
  amountMinor: 5_000n,
  receivedMinor: 5_000n,
  customer: 'cus_1',
  paymentMethod: 'pm_1',
  savesCard: false,
  isManual: false,
  topupId: 'top_1',
  createdAtMs: 0,
  decline: null,
  captureBeforeMs: null,
  review: null,
  refunds: [],
  disputes: [],
  warnings: [],
};

type Step = (payment: Payment) => Payment;

const replaceRefund =
  (refund: PaymentRefund): Step =>
  (payment) => ({
    ...payment,
    refunds: [...payment.refunds.filter(({ id }) => id !== refund.id), refund],
  });
const addDispute =
  (id: string, amounts: readonly bigint[]): Step =>
  (payment) => {
    const dispute: PaymentDispute = {
      id,
      amountMinor: amounts[0] === undefined ? 0n : -amounts[0],
      status: 'needs_response',
      reason: 'fraudulent',
      createdAtMs: 0,
      transactions: amounts.map((amountMinor, index) => ({ id: `txn_${id}_${index}`, amountMinor })),
    };
    return { ...payment, disputes: [...payment.disputes.filter((other) => other.id !== id), dispute] };
  };

/** What happens to a payment at Stripe, in order: refunds that arrive or fail, disputes that are won or lost. */
const life = fc
  .array(
    fc.oneof(
      fc.record({ kind: fc.constant('refund' as const), minor: fc.bigInt(1n, 2_000n), fails: fc.boolean() }),
      fc.record({
        kind: fc.constant('dispute' as const),
        minor: fc.bigInt(1n, 5_000n),
        won: fc.boolean(),
        inquiry: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('review' as const) }),
    ),
    { maxLength: 4 },
  )
  .map((happenings) => {
    const steps: Step[] = [];
    let netMinor = 5_000n;
    happenings.forEach((happening, index) => {
      if (happening.kind === 'refund') {
        const refund = { id: `re_${index}`, amountMinor: happening.minor };
        steps.push(replaceRefund({ ...refund, status: 'pending' }));
        steps.push(replaceRefund({ ...refund, status: happening.fails ? 'failed' : 'succeeded' }));
        if (!happening.fails) netMinor -= happening.minor;
      } else if (happening.kind === 'dispute') {
        const id = `du_${index}`;
        const taken = happening.inquiry ? [] : [-happening.minor];
        steps.push(addDispute(id, taken));
        if (happening.won && !happening.inquiry) steps.push(addDispute(id, [...taken, happening.minor]));
        if (!happening.won && !happening.inquiry) netMinor -= happening.minor;
      } else {
        const review = { id: `prv_${index}`, openedReason: 'manual', closedReason: null };
        steps.push((payment) => ({ ...payment, review: { ...review, isOpen: true } }));
        steps.push((payment) => ({ ...payment, review: { ...review, isOpen: false, closedReason: 'approved' } }));
      }
    });
    const states: Payment[] = [PAYMENT];
    for (const step of steps) states.push(step(states.at(-1) ?? PAYMENT));
    return { states, netMinor };
  });

/** The ledger: posts each key once, and says the balance. */
function post(looks: readonly Payment[]) {
  const posted = new Map<string, bigint>();
  for (const look of looks) {
    for (const { key, kind, amountNanos } of movementsOf(look, new Set(posted.keys()))) {
      if (posted.has(key)) continue;
      posted.set(key, kind === 'topup' || kind === 'reinstate' ? amountNanos : -amountNanos);
    }
  }
  return [...posted.values()].reduce((sum, amount) => sum + amount, 0n);
}

test('whenever a payment is looked at, and however often, the balance ends as Stripe has it', () => {
  fc.assert(
    fc.property(life, fc.array(fc.nat(20), { maxLength: 12 }), ({ states, netMinor }, moments) => {
      // Events come in any order and number; each leads to a look at the payment as it is at that moment.
      const seen = moments.map((moment) => Math.min(moment, states.length - 1)).sort((left, right) => left - right);
      const looks = [...seen.map((moment) => states[moment] ?? PAYMENT), states.at(-1) ?? PAYMENT];
      expect(post(looks)).toBe(minorToNanos(netMinor, 'USD'));
      expect(post([...looks, ...looks.slice(-1)])).toBe(post(looks));
    }),
    { numRuns: 500 },
  );
});

test('a top-up that was paid stays paid, and an end is only ever replaced by money', () => {
  const payment = fc.record({
    status: fc.constantFrom(
      'requires_payment_method',
      'requires_confirmation',
      'requires_action',
      'processing',
      'requires_capture',
      'canceled',
      'succeeded',
      'other',
    ),
    decline: fc.constantFrom(null, {
      code: 'card_declined',
      declineCode: 'generic_decline',
      adviceCode: null,
      networkAdviceCode: null,
      networkDeclineCode: null,
    }),
  }) as fc.Arbitrary<Pick<Payment, 'status' | 'decline'>>;
  fc.assert(
    fc.property(
      fc.constantFrom(...TOPUP_STATUSES),
      fc.constantFrom('checkout' as const, 'auto' as const),
      payment,
      (status, kind, fetched) => {
        const after = statusOfPayment({ status, kind }, fetched);
        if (status === 'paid' || fetched.status === 'succeeded') expect(after).toBe('paid');
        else if (isEnded(status)) expect(after).toBe(status);
        // The same look again changes nothing more.
        expect(statusOfPayment({ status: after, kind }, fetched)).toBe(after);
      },
    ),
  );
});

test('amounts go to the smallest unit of a currency and back without a loss, or not at all', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 12n), fc.constantFrom('USD', 'JPY', 'KWD', 'ISK'), (minor, currency) => {
      const nanos = minorToNanos(minor, currency);
      expect(nanosToMinor(nanos, currency)).toBe(minor);
      expect(nanosToMinor(nanos + 1n, currency)).toBeUndefined();
    }),
  );
});
