import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { cardFault, invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { saveCard } from './confirm-intent.ts';
import { resolvePaymentMethod } from './payment-methods.ts';

const PATH = '/v1/setup_intents';
const CREATE = [
  'customer',
  'payment_method',
  'confirm',
  'usage',
  'metadata',
  'description',
  'return_url',
  'automatic_payment_methods',
  'expand',
];

export function setupIntentRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: PATH,
      params: CREATE,
      handle: ({ params }) => {
        const intent = createSetupIntent(world, params);
        if (params.boolean('confirm') === true) confirmSetup(world, intent, { authenticated: false });
        return intent;
      },
    },
    {
      method: 'GET',
      path: PATH,
      params: [...PAGE_PARAMS, 'created', 'customer', 'payment_method'],
      handle: ({ params }) => {
        const customer = params.text('customer');
        const matches = (row: Stripe.SetupIntent) => customer === undefined || idOf(row.customer) === customer;
        return world.setupIntents.page(PATH, params, matches);
      },
    },
    {
      method: 'GET',
      path: `${PATH}/{id}`,
      params: ['expand'],
      handle: ({ id }) => world.setupIntents.get(id, 'intent'),
    },
    {
      method: 'POST',
      path: `${PATH}/{id}/confirm`,
      params: ['payment_method', 'return_url', 'expand'],
      handle: ({ id, params }) => {
        const intent = world.setupIntents.get(id, 'intent');
        if (params.has('payment_method')) {
          intent.payment_method = resolvePaymentMethod(world, params.required('payment_method')).id;
        }
        confirmSetup(world, intent, { authenticated: false });
        return intent;
      },
    },
    {
      method: 'POST',
      path: `${PATH}/{id}/cancel`,
      params: ['cancellation_reason', 'expand'],
      handle: ({ id, params }) => {
        const intent = world.setupIntents.get(id, 'intent');
        if (intent.status === 'succeeded' || intent.status === 'canceled') {
          throw invalidRequest(`You cannot cancel this SetupIntent because it has a status of ${intent.status}.`, {
            code: 'setup_intent_unexpected_state',
          });
        }
        intent.status = 'canceled';
        intent.cancellation_reason =
          params.oneOf('cancellation_reason', ['abandoned', 'duplicate', 'requested_by_customer']) ?? null;
        world.emit('setup_intent.canceled', intent);
        return intent;
      },
    },
  ];
}

/** A card to be saved without a payment. */
export function createSetupIntent(world: World, params: Params): Stripe.SetupIntent {
  const customer = params.text('customer');
  if (customer !== undefined) world.customers.get(customer, 'customer');
  const method = params.text('payment_method');
  const id = world.ids.next('seti');
  const intent = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: null,
    application: null,
    automatic_payment_methods: { allow_redirects: 'always', enabled: true },
    cancellation_reason: null,
    client_secret: world.ids.next(`${id}_secret`),
    created: world.now(),
    customer: customer ?? null,
    customer_account: null,
    description: params.text('description') ?? null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: params.metadata(),
    next_action: null,
    on_behalf_of: null,
    payment_method: method === undefined ? null : resolvePaymentMethod(world, method).id,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: method === undefined ? 'requires_payment_method' : 'requires_confirmation',
    usage: params.oneOf('usage', ['off_session', 'on_session']) ?? 'off_session',
  } satisfies Stripe.SetupIntent as Stripe.SetupIntent;
  world.setupIntents.add(intent);
  world.emit('setup_intent.created', intent);
  return intent;
}

/** Saves the card, unless the bank wants to see the customer first or refuses. */
export function confirmSetup(
  world: World,
  intent: Stripe.SetupIntent,
  { authenticated }: { readonly authenticated: boolean },
): void {
  const method = world.paymentMethods.get(idOf(intent.payment_method) ?? '', 'payment_method');
  const card = world.cards.get(method.id);
  const needsCustomer = card?.authentication === 'always' || card?.authentication === 'unless_set_up';
  if (needsCustomer && !authenticated) {
    intent.status = 'requires_action';
    intent.next_action = { type: 'use_stripe_sdk', use_stripe_sdk: {} };
    world.emit('setup_intent.requires_action', intent);
    return;
  }
  if (card?.decline !== undefined && card.attaches !== true) {
    const { code = 'card_declined', declineCode, message = 'Your card was declined.' } = card.decline;
    intent.status = 'requires_payment_method';
    intent.payment_method = null;
    intent.last_setup_error = {
      code,
      ...(declineCode === undefined ? {} : { decline_code: declineCode }),
      message,
      payment_method: structuredClone(method),
      type: 'card_error',
    };
    world.emit('setup_intent.setup_failed', intent);
    throw cardFault(message, {
      code,
      ...(declineCode === undefined ? {} : { decline_code: declineCode }),
      setup_intent: structuredClone(intent),
    });
  }
  intent.status = 'succeeded';
  intent.next_action = null;
  saveCard(world, intent, method);
  world.emit('setup_intent.succeeded', intent);
}
