import type Stripe from 'stripe';
import { assess } from '../radar/assess.ts';
import { openReview } from '../radar/reviews.ts';
import { cardFault, invalidRequest, type StripeFault } from '../stripe-fault.ts';
import { idOf, type World } from '../world.ts';
import { createCharge } from './charges.ts';
import { afterCharge } from './test-card-effects.ts';
import type { CardBehaviour, Decline } from './test-cards.ts';

/** How a payment is confirmed. */
export interface Confirmation {
  /** The customer is not there to authenticate. */
  readonly offSession: boolean;
  readonly returnUrl?: string | undefined;
  readonly errorOnRequiresAction?: boolean;
  /** The customer has just authenticated. */
  readonly authenticated?: boolean;
}

const CONFIRMABLE = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
};

/** Carries a payment as far as it goes; throws the decline after recording it, as Stripe does. */
export function confirmIntent(world: World, intent: Stripe.PaymentIntent, how: Confirmation): void {
  const method = confirmableMethod(world, intent);
  const card = world.cards.get(method.id);
  if (card === undefined) throw invalidRequest('The sandbox knows no card behind this payment method.');
  if (needsAuthentication(world, method, card, how)) {
    if (how.offSession || how.errorOnRequiresAction === true) {
      throw decline(world, intent, method, card, AUTHENTICATION_REQUIRED);
    }
    intent.status = 'requires_action';
    intent.next_action = nextAction(intent, how.returnUrl);
    world.emit('payment_intent.requires_action', intent);
    return;
  }
  intent.next_action = null;
  const assessment = assess(world, intent, card);
  if (assessment.block !== undefined) {
    throw decline(world, intent, method, card, { code: 'card_declined', declineCode: 'fraudulent' });
  }
  if (card.decline !== undefined) throw decline(world, intent, method, card, card.decline);
  approve(world, intent, method, card);
}

function confirmableMethod(world: World, intent: Stripe.PaymentIntent): Stripe.PaymentMethod {
  if (!CONFIRMABLE.includes(intent.status)) throw unexpectedState(intent, 'confirmed');
  const methodId = idOf(intent.payment_method);
  if (methodId === undefined) {
    throw invalidRequest(
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method.",
      { code: 'payment_intent_unexpected_state', payment_intent: structuredClone(intent) },
    );
  }
  const method = world.paymentMethods.get(methodId, 'payment_method');
  const owner = idOf(method.customer);
  if (owner !== undefined && owner !== idOf(intent.customer)) {
    throw invalidRequest(
      `The PaymentMethod ${methodId} does not belong to the Customer you supplied. Please use this PaymentMethod with the Customer that it belongs to.`,
    );
  }
  return method;
}

/** 400: the payment is in a state that does not allow it. */
export function unexpectedState(intent: Stripe.PaymentIntent, done: 'confirmed' | 'captured' | 'canceled' | 'updated') {
  return invalidRequest(`This PaymentIntent could not be ${done} because it has a status of ${intent.status}.`, {
    code: 'payment_intent_unexpected_state',
    payment_intent: structuredClone(intent),
  });
}

function needsAuthentication(
  world: World,
  method: Stripe.PaymentMethod,
  card: CardBehaviour,
  how: Confirmation,
): boolean {
  if (how.authenticated === true) return false;
  if (card.authentication === 'always') return true;
  if (card.authentication === 'on_session') return !how.offSession;
  return card.authentication === 'unless_set_up' && !world.setUpCards.has(method.id);
}

function nextAction(intent: Stripe.PaymentIntent, returnUrl: string | undefined): Stripe.PaymentIntent.NextAction {
  if (returnUrl === undefined) return { type: 'use_stripe_sdk', use_stripe_sdk: {} };
  const url = `https://hooks.stripe.com/redirect/authenticate/${intent.id}`;
  return { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } };
}

function approve(world: World, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod, card: CardBehaviour): void {
  const capture = intent.capture_method !== 'manual';
  const assessment = assess(world, intent, card);
  const charge = createCharge(world, { intent, method, card, assessment, decline: undefined, capture });
  intent.latest_charge = charge.id;
  intent.last_payment_error = null;
  intent.status = capture ? 'succeeded' : 'requires_capture';
  intent.amount_received = capture ? intent.amount : 0;
  intent.amount_capturable = capture ? 0 : intent.amount;
  if (!capture) world.authorised.add(intent.id);
  if (intent.setup_future_usage !== null) saveCard(world, intent, method);
  const review = assessment.review === undefined ? undefined : openReview(world, intent, charge, 'rule');
  world.emit('charge.succeeded', charge);
  world.emit(capture ? 'payment_intent.succeeded' : 'payment_intent.amount_capturable_updated', intent);
  if (review !== undefined) world.emit('review.opened', review);
  afterCharge(world, intent, charge, card);
}

/** A payment with `setup_future_usage` leaves its card with the customer, authenticated for later. */
export function saveCard(
  world: World,
  intent: { readonly customer: Stripe.PaymentIntent['customer'] },
  method: Stripe.PaymentMethod,
): void {
  world.setUpCards.add(method.id);
  const customer = idOf(intent.customer);
  if (customer === undefined || method.customer !== null) return;
  method.customer = customer;
  world.emit('payment_method.attached', method);
}

function decline(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  card: CardBehaviour,
  reason: Decline,
): StripeFault {
  const assessment = assess(world, intent, card);
  const charge = createCharge(world, { intent, method, card, assessment, decline: reason, capture: false });
  const { code = 'card_declined', message = 'Your card was declined.' } = reason;
  const codes = {
    code,
    ...(reason.declineCode === undefined ? {} : { decline_code: reason.declineCode }),
    ...(reason.adviceCode === undefined ? {} : { advice_code: reason.adviceCode }),
    ...(reason.networkAdviceCode === undefined ? {} : { network_advice_code: reason.networkAdviceCode }),
    ...(reason.networkDeclineCode === undefined ? {} : { network_decline_code: reason.networkDeclineCode }),
  };
  intent.latest_charge = charge.id;
  intent.status = 'requires_payment_method';
  intent.payment_method = null;
  intent.next_action = null;
  intent.last_payment_error = {
    ...codes,
    charge: charge.id,
    doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`,
    message,
    payment_method: structuredClone(method),
    type: 'card_error',
  };
  world.emit('charge.failed', charge);
  world.emit('payment_intent.payment_failed', intent);
  return cardFault(message, {
    ...codes,
    charge: charge.id,
    payment_intent: structuredClone(intent),
    payment_method: structuredClone(method),
  });
}
