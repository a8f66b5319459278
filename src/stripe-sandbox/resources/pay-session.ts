import type Stripe from 'stripe';
import { Params } from '../http/params.ts';
import { invalidRequest, StripeFault } from '../stripe-fault.ts';
import { idOf, type World } from '../world.ts';
import { confirmIntent, saveCard } from './confirm-intent.ts';
import { createCustomer } from './customers.ts';
import { createIntent } from './payment-intents.ts';
import { createCard, resolvePaymentMethod } from './payment-methods.ts';
import { confirmSetup, createSetupIntent } from './setup-intents.ts';
import { cardByNumber } from './test-cards.ts';

/** How somebody pays on the page. */
export interface Payment {
  /** The number of a test card, a name such as `pm_card_visa`, or a saved payment method of the customer. */
  readonly card: string;
  /** What the customer does when the bank asks for authentication; passes unless `false`. */
  readonly authenticates?: boolean;
  /** A bank debit that takes days: the session completes unpaid, `settlePayment` says how it ends. */
  readonly delayed?: boolean;
  readonly email?: string | undefined;
}

/** A customer fills in the page and presses "Pay". A decline leaves the session open, for another card. */
export function paySession(world: World, id: string, payment: Payment): Stripe.Checkout.Session {
  const session = world.sessions.get(id);
  if (session.status !== 'open') throw invalidRequest(`This Checkout session is ${session.status}.`);
  const plan = world.intentPlans.get(id);
  if (plan === undefined) throw invalidRequest('The session has no plan for its payment.');
  const method = cardOf(world, payment.card);
  const savesCard = session.mode === 'setup' || plan.setupFutureUsage !== undefined;
  const wantsCustomer = savesCard || session.customer_creation === 'always';
  if (session.customer === null && wantsCustomer) {
    session.customer = createCustomer(world, new Params({ email: payment.email ?? session.customer_email ?? '' })).id;
  }
  const email = payment.email ?? session.customer_email ?? world.customers.find(idOf(session.customer) ?? '')?.email;
  session.customer_details = {
    address: null,
    business_name: null,
    email: email ?? null,
    individual_name: null,
    name: null,
    phone: null,
    tax_exempt: 'none',
    tax_ids: [],
  };
  if (session.mode === 'setup') setUp(world, session, method);
  else pay(world, session, method, payment);
  if (session.status !== 'open') world.openSessions.delete(session.id);
  return session;
}

function cardOf(world: World, card: string): Stripe.PaymentMethod {
  const behaviour = cardByNumber(card);
  return behaviour === undefined ? resolvePaymentMethod(world, card) : createCard(world, behaviour);
}

function setUp(world: World, session: Stripe.Checkout.Session, method: Stripe.PaymentMethod): void {
  const plan = world.intentPlans.get(session.id);
  const setup = createSetupIntent(
    world,
    new Params({ customer: idOf(session.customer) ?? '', metadata: plan?.metadata ?? {} }),
  );
  setup.payment_method = method.id;
  confirmSetup(world, setup, { authenticated: true });
  session.setup_intent = setup.id;
  complete(world, session);
}

function pay(world: World, session: Stripe.Checkout.Session, method: Stripe.PaymentMethod, payment: Payment): void {
  const intent = intentOf(world, session);
  intent.payment_method = method.id;
  if (payment.delayed === true) {
    intent.status = 'processing';
    session.payment_intent = intent.id;
    if (intent.setup_future_usage !== null) saveCard(world, intent, method);
    world.emit('payment_intent.processing', intent);
    complete(world, session);
    return;
  }
  const authenticated = payment.authenticates !== false;
  confirmIntent(world, intent, { offSession: false, authenticated, errorOnRequiresAction: !authenticated });
  session.payment_intent = intent.id;
  // Money that is only authorised has not been paid.
  session.payment_status = intent.status === 'succeeded' ? 'paid' : 'unpaid';
  complete(world, session);
}

/** One payment for all tries with different cards. */
function intentOf(world: World, session: Stripe.Checkout.Session): Stripe.PaymentIntent {
  const before = world.intentsOfSessions.get(session.id);
  if (before !== undefined) return world.paymentIntents.get(before);
  const plan = world.intentPlans.get(session.id);
  const customer = idOf(session.customer);
  const intent = createIntent(
    world,
    new Params({
      amount: session.amount_total ?? 0,
      currency: session.currency ?? 'usd',
      metadata: plan?.metadata ?? {},
      capture_method: plan?.captureMethod ?? 'automatic_async',
      ...(customer === undefined ? {} : { customer }),
      ...(plan?.setupFutureUsage === undefined ? {} : { setup_future_usage: plan.setupFutureUsage }),
      ...(plan?.description === undefined ? {} : { description: plan.description }),
    }),
  );
  world.intentsOfSessions.set(session.id, intent.id);
  return intent;
}

function complete(world: World, session: Stripe.Checkout.Session): void {
  session.status = 'complete';
  session.url = null;
  world.emit('checkout.session.completed', session);
}

/** A delayed payment arrives after days, or does not. */
export function settlePayment(world: World, id: string, arrives: boolean): Stripe.Checkout.Session {
  const session = world.sessions.get(id);
  const intent = world.paymentIntents.get(idOf(session.payment_intent) ?? '');
  if (intent.status !== 'processing') throw invalidRequest(`The payment is ${intent.status}, not processing.`);
  const method = intent.payment_method;
  intent.status = 'requires_confirmation';
  if (arrives) {
    confirmIntent(world, intent, { offSession: false, authenticated: true });
    session.payment_status = intent.status === 'succeeded' ? 'paid' : 'unpaid';
    world.emit('checkout.session.async_payment_succeeded', session);
    return session;
  }
  intent.status = 'requires_payment_method';
  intent.payment_method = null;
  intent.last_payment_error = {
    code: 'payment_method_provider_decline',
    message: 'The payment was declined by the bank.',
    payment_method: structuredClone(world.paymentMethods.get(idOf(method) ?? '')),
    type: 'card_error',
  };
  world.emit('payment_intent.payment_failed', intent);
  world.emit('checkout.session.async_payment_failed', session);
  return session;
}

/** Whether an error is a card's "no", which the customer reads on the page. */
export function isDecline(error: unknown): error is StripeFault {
  return error instanceof StripeFault && error.type === 'card_error';
}
