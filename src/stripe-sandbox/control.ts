import type Stripe from 'stripe';
import type { Faults } from './http/faults.ts';
import { processMeterEvents } from './meters/process-meter-events.ts';
import { openWarning } from './radar/early-fraud-warnings.ts';
import { closeReview, openReview } from './radar/reviews.ts';
import { expireSession } from './resources/checkout-sessions.ts';
import { confirmIntent, saveCard } from './resources/confirm-intent.ts';
import { closeDispute, openDispute } from './resources/disputes.ts';
import { type Payment, paySession, settlePayment } from './resources/pay-session.ts';
import { cancelIntent } from './resources/payment-intents.ts';
import { completeRefund, failRefund } from './resources/refunds.ts';
import { finishReports } from './resources/reports.ts';
import type { CardBehaviour, Decline } from './resources/test-cards.ts';
import { cardFault, invalidRequest, StripeFault } from './stripe-fault.ts';
import type { Deliveries } from './webhooks/deliveries.ts';
import { idOf, type RadarSettings, type World } from './world.ts';

/** What happens outside the API: cardholders and banks act, people click in the Dashboard, time passes. */
export class Control {
  readonly world: World;
  readonly deliveries: Deliveries;
  readonly faults: Faults;
  readonly #shift: (ms: number) => void;

  constructor(world: World, deliveries: Deliveries, faults: Faults, shift: (ms: number) => void) {
    this.world = world;
    this.deliveries = deliveries;
    this.faults = faults;
    this.#shift = shift;
  }

  /** Lets time pass, and what is due by then happen. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw invalidRequest('Time goes forward only.', { param: 'ms' });
    this.#shift(ms);
    this.tick();
  }

  /** Does what is due by the clock; every request does so first. */
  tick(): void {
    processMeterEvents(this.world);
    finishReports(this.world);
    const now = this.world.now();
    for (const id of this.world.openSessions) {
      const session = this.world.sessions.get(id);
      if (session.expires_at <= now) expireSession(this.world, session);
    }
    for (const id of this.world.authorised) {
      const intent = this.world.paymentIntents.get(id);
      const charge = this.world.charges.get(idOf(intent.latest_charge) ?? '');
      const before = charge.payment_method_details?.card?.capture_before ?? Number.POSITIVE_INFINITY;
      if (before <= now) cancelIntent(this.world, intent, 'automatic');
    }
  }

  /** A customer pays on the Checkout page; a decline is thrown and leaves the session open. */
  pay(session: string, payment: Payment): Stripe.Checkout.Session {
    return paySession(this.world, session, payment);
  }

  /** A delayed payment of a session arrives after days, or does not. */
  settlePayment(session: string, arrives: boolean): Stripe.Checkout.Session {
    return settlePayment(this.world, session, arrives);
  }

  /** Makes the card behind a payment method decline from now on; without a decline it works again. */
  setDecline(paymentMethod: string, decline: Decline | undefined): CardBehaviour {
    const method = this.world.paymentMethods.get(paymentMethod, 'payment_method');
    const { decline: _before, ...card } = this.world.cards.get(method.id) ?? {
      number: '4242424242424242',
      brand: 'visa',
    };
    const behaviour: CardBehaviour = decline === undefined ? card : { ...card, decline, attaches: true };
    this.world.cards.set(method.id, behaviour);
    return behaviour;
  }

  /** The cardholder passes or fails the 3D Secure challenge of a payment that waits for it. */
  authenticate(paymentIntent: string, passes = true): Stripe.PaymentIntent {
    const intent = this.world.paymentIntents.get(paymentIntent, 'payment_intent');
    if (intent.status !== 'requires_action') throw invalidRequest(`The payment has a status of ${intent.status}.`);
    const method = this.world.paymentMethods.get(idOf(intent.payment_method) ?? '');
    if (passes) {
      try {
        confirmIntent(this.world, intent, { offSession: false, authenticated: true });
      } catch (error) {
        // A decline is an answer to the cardholder, who reads it on the page; the payment says it too.
        if (!(error instanceof StripeFault) || error.type !== 'card_error') throw error;
        return intent;
      }
      if (intent.setup_future_usage !== null) saveCard(this.world, intent, method);
      return intent;
    }
    const message =
      'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.';
    intent.status = 'requires_payment_method';
    intent.payment_method = null;
    intent.next_action = null;
    intent.last_payment_error = {
      code: 'payment_intent_authentication_failure',
      message,
      payment_method: structuredClone(method),
      type: 'invalid_request_error',
    };
    this.world.emit('payment_intent.payment_failed', intent);
    return intent;
  }

  /** The cardholder disputes a payment, by charge or by PaymentIntent. */
  dispute(of: string, kind: { reason?: string; inquiry?: boolean; amount?: number | undefined } = {}): Stripe.Dispute {
    const { reason = 'fraudulent', inquiry = false, amount } = kind;
    return openDispute(this.world, this.chargeOf(of), { reason, inquiry, amount });
  }

  /** The bank decides a dispute. */
  closeDispute(dispute: string, outcome: 'won' | 'lost'): Stripe.Dispute {
    return closeDispute(this.world, this.world.disputes.get(dispute, 'dispute'), outcome);
  }

  /** The issuer sends an early fraud warning about a payment. */
  warn(of: string, fraudType?: string): Stripe.Radar.EarlyFraudWarning {
    return openWarning(this.world, this.chargeOf(of), fraudType);
  }

  /** Somebody puts a payment into review by hand. */
  openReview(of: string): Stripe.Review {
    const charge = this.chargeOf(of);
    const intent = this.world.paymentIntents.get(idOf(charge.payment_intent) ?? '');
    const review = openReview(this.world, intent, charge, 'manual');
    this.world.emit('review.opened', review);
    return review;
  }

  /** Somebody decides a review; refunding as fraud is the Dashboard's other button. */
  closeReview(review: string, reason: Stripe.Review.ClosedReason): Stripe.Review {
    const row = this.world.reviews.get(review, 'review');
    closeReview(this.world, row, reason);
    return row;
  }

  /** A refund that was on its way arrives, or comes back weeks later. */
  settleRefund(refund: string, arrives: boolean): Stripe.Refund {
    const row = this.world.refunds.get(refund, 'refund');
    if (arrives) completeRefund(this.world, row);
    else failRefund(this.world, row);
    return row;
  }

  /** Changes the rules in the fake Dashboard. */
  setRadar(change: Partial<RadarSettings>): RadarSettings {
    this.world.radar = { ...this.world.radar, ...change };
    return this.world.radar;
  }

  /** The charge of an id of a charge or of a PaymentIntent. */
  chargeOf(id: string): Stripe.Charge {
    if (id.startsWith('ch_')) return this.world.charges.get(id, 'charge');
    const intent = this.world.paymentIntents.get(id, 'payment_intent');
    const charge = this.world.charges.find(idOf(intent.latest_charge) ?? '');
    if (charge === undefined) throw cardFault('The payment has no charge yet.', { code: 'charge_missing' });
    return charge;
  }
}
