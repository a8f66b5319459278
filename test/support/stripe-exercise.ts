import type Stripe from 'stripe';
import { callStripe, declineOf } from '../../src/adapters/stripe/errors.ts';
import { AppError } from '../../src/errors.ts';
import type { ContractChecker } from './stripe-contract/checker.ts';

/** What came of the exercise; the same at Stripe and in the sandbox. */
export interface Exercise {
  readonly steps: Readonly<Record<string, unknown>>;
  /** Answers that are not as the SDK's types say. */
  readonly problems: readonly string[];
}

/**
 * The calls that money depends on, one after the other, with the contract held against each answer. Whoever answers, a fake
 * or Stripe itself, must come to the same steps; where they differ the fake is wrong.
 */
export async function exerciseStripe(stripe: Stripe, checker: ContractChecker, run: string): Promise<Exercise> {
  const problems: string[] = [];
  const steps: Record<string, unknown> = {};
  function checked<T extends object>(method: string, path: string, answer: T): T {
    const operation = checker.operation(method, path);
    if (operation === undefined) throw new Error(`the contract has no ${method} ${path}`);
    problems.push(...checker.answerProblems(operation, JSON.parse(JSON.stringify(answer))));
    return answer;
  }
  const customer = checked(
    'POST',
    '/v1/customers',
    await stripe.customers.create({ description: run, metadata: { run } }, { idempotencyKey: `${run}-customer` }),
  );
  try {
    const method = checked(
      'POST',
      '/v1/payment_methods/x/attach',
      await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id }),
    );
    const charge = (paymentMethod: string, more: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
      callStripe('charging', () =>
        stripe.paymentIntents.create({
          amount: 1_000,
          currency: 'usd',
          customer: customer.id,
          payment_method: paymentMethod,
          off_session: true,
          confirm: true,
          metadata: { run },
          ...more,
        }),
      );
    const paid = checked('POST', '/v1/payment_intents', await charge(method.id));
    steps.paid = [paid.status, paid.amount_received];

    const held = checked('POST', '/v1/payment_intents', await charge(method.id, { capture_method: 'manual' }));
    const captured = checked('POST', '/v1/payment_intents/x/capture', await stripe.paymentIntents.capture(held.id));
    steps.captured = [held.status, captured.status];

    const refund = checked(
      'POST',
      '/v1/refunds',
      await stripe.refunds.create({ payment_intent: paid.id, amount: 400, reason: 'requested_by_customer' }),
    );
    steps.refunded = [refund.status, refund.amount];
    const tooMuch = callStripe('refunding', () => stripe.refunds.create({ payment_intent: paid.id, amount: 601 }));
    steps.refundedTooMuch = await codeOf(tooMuch);

    const later = checked(
      'POST',
      '/v1/payment_methods/x/attach',
      await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: customer.id }),
    );
    const declined: unknown = await charge(later.id).catch((error: unknown) => error);
    steps.declined = [declineOf(declined)?.code, declineOf(declined)?.declineCode];

    const page = checked(
      'POST',
      '/v1/checkout/sessions',
      await stripe.checkout.sessions.create({
        mode: 'payment',
        customer: customer.id,
        client_reference_id: run,
        line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 1_000, product_data: { name: run } } }],
        payment_intent_data: { setup_future_usage: 'off_session', metadata: { run } },
        success_url: 'https://example.com/paid',
        cancel_url: 'https://example.com/back',
      }),
    );
    steps.page = [page.status, page.payment_status, page.payment_intent];
    checked('POST', '/v1/checkout/sessions/x/expire', await stripe.checkout.sessions.expire(page.id));

    const twice = () => stripe.customers.update(customer.id, { name: 'once' }, { idempotencyKey: `${run}-name` });
    checked('POST', '/v1/customers/x', await twice());
    const other = () => stripe.customers.update(customer.id, { name: 'other' }, { idempotencyKey: `${run}-name` });
    steps.sameKeyOtherName = await codeOf(callStripe('updating', other));
    steps.unknown = await codeOf(callStripe('fetching', () => stripe.paymentIntents.retrieve('pi_unknown')));

    const movements = await stripe.balanceTransactions.list({ limit: 3 });
    checked('GET', '/v1/balance_transactions', movements);
    checked('GET', '/v1/events', await stripe.events.list({ limit: 3, types: ['payment_intent.succeeded'] }));
  } finally {
    checked('DELETE', '/v1/customers/x', await stripe.customers.del(customer.id));
  }
  return { steps, problems };
}

/** What the exercise comes to everywhere. */
export const EXERCISE_STEPS = {
  paid: ['succeeded', 1_000],
  captured: ['requires_capture', 'succeeded'],
  refunded: ['succeeded', 400],
  refundedTooMuch: 'STRIPE_REFUSED',
  declined: ['card_declined', 'generic_decline'],
  page: ['open', 'unpaid', null],
  sameKeyOtherName: 'STRIPE_IDEMPOTENCY',
  unknown: 'STRIPE_NOT_FOUND',
} as const;

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}
