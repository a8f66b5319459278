import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { cardFault, invalidRequest, noSuch } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { type CardBehaviour, cardByNumber, TEST_CARDS } from './test-cards.ts';

const EXPIRES_IN_YEARS = 3;

export function paymentMethodRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/payment_methods',
      params: ['type', 'card', 'billing_details', 'metadata', 'expand'],
      handle: ({ params }) => createFromParams(world, params),
    },
    {
      method: 'GET',
      path: '/v1/payment_methods',
      params: [...PAGE_PARAMS, 'customer', 'type'],
      handle: ({ params }) => {
        const customer = params.text('customer');
        const matches = (row: Stripe.PaymentMethod) => customer === undefined || idOf(row.customer) === customer;
        return world.paymentMethods.page('/v1/payment_methods', params, matches);
      },
    },
    {
      method: 'GET',
      path: '/v1/payment_methods/{id}',
      params: ['expand'],
      handle: ({ id }) => world.paymentMethods.get(id),
    },
    {
      method: 'POST',
      path: '/v1/payment_methods/{id}/attach',
      params: ['customer', 'expand'],
      handle: ({ id, params }) => attachPaymentMethod(world, id, params.required('customer')),
    },
    {
      method: 'POST',
      path: '/v1/payment_methods/{id}/detach',
      params: ['expand'],
      handle: ({ id }) => {
        const method = world.paymentMethods.get(id);
        if (method.customer === null) {
          throw invalidRequest(
            'The payment method you provided is not attached to a customer so detachment is impossible.',
          );
        }
        return detachPaymentMethod(world, method);
      },
    },
  ];
}

function createFromParams(world: World, params: Params): Stripe.PaymentMethod {
  const type = params.required('type');
  if (type !== 'card') throw invalidRequest(`The sandbox has cards only, not ${type}`, { param: 'type' });
  const card = params.hash('card');
  const number = card?.text('number') ?? '';
  const behaviour = cardByNumber(number) ?? cardOfToken(card?.text('token'));
  if (behaviour === undefined)
    throw cardFault('Your card number is incorrect.', { code: 'incorrect_number', param: 'number' });
  const method = createCard(world, behaviour);
  method.metadata = params.metadata();
  return method;
}

function cardOfToken(token: string | undefined): CardBehaviour | undefined {
  return token === undefined ? undefined : TEST_CARDS[token.replace(/^tok_/, 'pm_card_')];
}

/** A fresh payment method for a test card. */
export function createCard(world: World, behaviour: CardBehaviour): Stripe.PaymentMethod {
  const method = {
    id: world.ids.next('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    card: {
      brand: behaviour.brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: behaviour.cvcCheck ?? 'pass' },
      country: 'US',
      display_brand: behaviour.brand,
      exp_month: 12,
      exp_year: new Date(world.now() * 1_000).getUTCFullYear() + EXPIRES_IN_YEARS,
      // The same card has the same fingerprint whoever brings it.
      fingerprint: `fp${behaviour.number}`,
      funding: behaviour.funding ?? 'credit',
      generated_from: null,
      last4: behaviour.number.slice(-4),
      networks: { available: [behaviour.brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: world.now(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: 'card',
  } satisfies Stripe.PaymentMethod as Stripe.PaymentMethod;
  world.paymentMethods.add(method);
  world.cards.set(method.id, behaviour);
  if (behaviour.setUp === true) world.setUpCards.add(method.id);
  return method;
}

/** The payment method of an id, or a fresh one for a name such as `pm_card_visa`. */
export function resolvePaymentMethod(world: World, id: string, param = 'payment_method'): Stripe.PaymentMethod {
  const testCard = TEST_CARDS[id];
  if (testCard !== undefined) return createCard(world, testCard);
  const method = world.paymentMethods.find(id);
  if (method === undefined) throw noSuch('PaymentMethod', id, param);
  return method;
}

/** Saves a card to a customer; most declining cards already fail here, as they do at Stripe. */
export function attachPaymentMethod(world: World, id: string, customerId: string): Stripe.PaymentMethod {
  const customer = world.customers.get(customerId, 'customer');
  const method = resolvePaymentMethod(world, id);
  const owner = idOf(method.customer);
  if (owner === customer.id) return method;
  if (owner !== undefined) {
    throw invalidRequest('The payment method you provided has already been attached to a customer.', {
      code: 'payment_method_unexpected_state',
    });
  }
  const behaviour = world.cards.get(method.id);
  if (behaviour?.decline !== undefined && behaviour.attaches !== true && behaviour.blocked !== true) {
    const { code = 'card_declined', declineCode, message = 'Your card was declined.' } = behaviour.decline;
    throw cardFault(message, { code, ...(declineCode === undefined ? {} : { decline_code: declineCode }) });
  }
  method.customer = customer.id;
  world.emit('payment_method.attached', method);
  return method;
}

export function detachPaymentMethod(world: World, method: Stripe.PaymentMethod): Stripe.PaymentMethod {
  const before = { customer: method.customer };
  method.customer = null;
  const owner = world.customers.find(idOf(before.customer) ?? '');
  if (owner !== undefined && idOf(owner.invoice_settings.default_payment_method) === method.id) {
    owner.invoice_settings = { ...owner.invoice_settings, default_payment_method: null };
  }
  world.emit('payment_method.detached', method, before);
  return method;
}
