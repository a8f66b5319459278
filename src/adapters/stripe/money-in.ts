import type Stripe from 'stripe';
import type { StripePort, WebhookEndpoint } from '../../pipeline/stripe/stripe-port.ts';
import { STRIPE_API_VERSION } from './client.ts';
import { callStripe, declineOf, toAppError } from './errors.ts';
import { createRadarPort } from './radar.ts';
import { idOf, readCheckout, readEvent, readPayment, TOPUP_METADATA } from './stripe-objects.ts';

/** Refunds, disputes and warnings of one payment: more than anybody has seen, and an end to paging. */
const PARTS_MAX = 1_000;
const EVENTS_PAGE = 100;

/** Stripe for money in, by the real SDK. Amounts are checked to be whole numbers a JavaScript number holds. */
export function createStripePort(stripe: Stripe, options: { readonly isLive: boolean }): StripePort {
  return {
    isLive: options.isLive,
    apiVersion: STRIPE_API_VERSION,
    createCustomer: ({ tenant, account, key }) =>
      callStripe('making a customer', async () => {
        const metadata = { tollkeeper_tenant: tenant, tollkeeper_account: account };
        const { id } = await stripe.customers.create({ description: account, metadata }, { idempotencyKey: key });
        return id;
      }),
    createCheckout: ({ topupId, customer, currency, amountMinor, isFlagged, successUrl, cancelUrl, key }) =>
      callStripe('making a payment page', async () => {
        const metadata = topUpMetadata(topupId, isFlagged);
        const session = await stripe.checkout.sessions.create(
          {
            mode: 'payment',
            customer,
            client_reference_id: topupId,
            line_items: [
              {
                quantity: 1,
                price_data: {
                  currency: currency.toLowerCase(),
                  unit_amount: Number(amountMinor),
                  product_data: { name: 'Wallet top-up' },
                },
              },
            ],
            payment_intent_data: {
              setup_future_usage: 'off_session',
              metadata,
              ...(isFlagged ? { capture_method: 'manual' as const } : {}),
            },
            metadata: { [TOPUP_METADATA]: topupId },
            success_url: successUrl,
            cancel_url: cancelUrl,
          },
          { idempotencyKey: key },
        );
        return readCheckout(session);
      }),
    checkout: (sessionId) =>
      callStripe('fetching a payment page', async () =>
        readCheckout(await stripe.checkout.sessions.retrieve(sessionId)),
      ),
    async chargeCard({ topupId, attempt, customer, paymentMethod, currency, amountMinor, isFlagged, key }) {
      try {
        const intent = await stripe.paymentIntents.create(
          {
            amount: Number(amountMinor),
            currency: currency.toLowerCase(),
            customer,
            payment_method: paymentMethod,
            off_session: true,
            confirm: true,
            capture_method: isFlagged ? 'manual' : 'automatic',
            metadata: { ...topUpMetadata(topupId, isFlagged), attempt: String(attempt) },
          },
          { idempotencyKey: key },
        );
        return { is: 'taken', paymentIntent: intent.id };
      } catch (error) {
        const decline = declineOf(error);
        if (decline === undefined) throw toAppError('charging a card', error);
        return {
          is: 'declined',
          paymentIntent: decline.paymentIntent ?? null,
          decline: {
            code: decline.code,
            declineCode: decline.declineCode ?? null,
            adviceCode: decline.adviceCode ?? null,
            networkAdviceCode: decline.networkAdviceCode ?? null,
            networkDeclineCode: decline.networkDeclineCode ?? null,
          },
        };
      }
    },
    payment: (paymentIntent) => callStripe('fetching a payment', () => fetchPayment(stripe, paymentIntent)),
    paymentOfCharge: (chargeId) =>
      callStripe('fetching a charge', async () => idOf((await stripe.charges.retrieve(chargeId)).payment_intent)),
    paymentsOfTopUp: ({ customer, topupId, sinceMs }) =>
      callStripe('looking for payments', async () => {
        const created = { gte: Math.floor(sinceMs / 1_000) };
        const found = await stripe.paymentIntents
          .list({ customer, created, limit: 100 })
          .autoPagingToArray({ limit: PARTS_MAX });
        return found.filter(({ metadata }) => metadata[TOPUP_METADATA] === topupId).map(({ id }) => id);
      }),
    capture: (paymentIntent, key) =>
      callStripe('capturing a payment', async () => {
        await stripe.paymentIntents.capture(paymentIntent, {}, { idempotencyKey: key });
      }),
    cancel: (paymentIntent, key) =>
      callStripe('cancelling a payment', async () => {
        await stripe.paymentIntents.cancel(paymentIntent, {}, { idempotencyKey: key });
      }),
    async *events({ types, sinceMs }) {
      const created = { gte: Math.floor(sinceMs / 1_000) };
      try {
        for await (const event of stripe.events.list({ types: [...types], created, limit: EVENTS_PAGE })) {
          yield readEvent(event);
        }
      } catch (error) {
        throw toAppError('listing events', error);
      }
    },
    radar: createRadarPort(stripe),
    webhooks: {
      list: () =>
        callStripe('listing webhook endpoints', async () => {
          const found = await stripe.webhookEndpoints.list({ limit: 100 }).autoPagingToArray({ limit: PARTS_MAX });
          return found.map(readEndpoint);
        }),
      create: ({ url, types }) =>
        callStripe('making a webhook endpoint', async () => {
          const made = await stripe.webhookEndpoints.create({
            url,
            api_version: STRIPE_API_VERSION,
            // The types are ours and checked against Stripe's where they are listed.
            enabled_events: [...types] as Stripe.WebhookEndpointCreateParams.EnabledEvent[],
          });
          return { endpoint: readEndpoint(made), secret: made.secret ?? null };
        }),
    },
  };
}

function readEndpoint(endpoint: Stripe.WebhookEndpoint): WebhookEndpoint {
  const { id, url, api_version: apiVersion, status, enabled_events: types } = endpoint;
  return { id, url, apiVersion, isOn: status === 'enabled', types };
}

function topUpMetadata(topupId: string, isFlagged: boolean): Record<string, string> {
  return { [TOPUP_METADATA]: topupId, usage_risk: isFlagged ? 'review' : 'clear' };
}

async function fetchPayment(stripe: Stripe, paymentIntent: string) {
  const intent = await stripe.paymentIntents.retrieve(paymentIntent, { expand: ['latest_charge'] });
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null;
  const reviewId = idOf(intent.review);
  const review = reviewId === null ? null : await stripe.reviews.retrieve(reviewId);
  const rule = review === null || charge === null ? null : await ruleOf(stripe, charge);
  // Nothing but captured money is refunded, disputed or warned of.
  if (charge === null || !charge.captured)
    return readPayment(intent, { charge, review, rule, refunds: [], disputes: [], warnings: [] });
  const query = { payment_intent: paymentIntent, limit: 100 };
  const page = { limit: PARTS_MAX };
  const [refunds, disputes, warnings] = await Promise.all([
    stripe.refunds.list(query).autoPagingToArray(page),
    stripe.disputes.list(query).autoPagingToArray(page),
    stripe.radar.earlyFraudWarnings.list(query).autoPagingToArray(page),
  ]);
  return readPayment(intent, { charge, review, rule, refunds, disputes, warnings });
}

/** The condition of the rule that matched a charge; Stripe answers its id unless the rule itself is asked for. */
async function ruleOf(stripe: Stripe, charge: Stripe.Charge): Promise<string | null> {
  const rule = charge.outcome?.rule;
  if (typeof rule !== 'string') return rule?.predicate ?? null;
  const { outcome } = await stripe.charges.retrieve(charge.id, { expand: ['outcome.rule'] });
  return typeof outcome?.rule === 'object' ? outcome.rule.predicate : null;
}
