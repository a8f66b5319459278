import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { closeReviewOf } from '../radar/reviews.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { settleCharge } from './charges.ts';
import { confirmIntent, unexpectedState } from './confirm-intent.ts';
import { resolvePaymentMethod } from './payment-methods.ts';
import { releaseAuthorisation } from './refunds.ts';

const CREATE = [
  'amount',
  'currency',
  'customer',
  'payment_method',
  'confirm',
  'off_session',
  'capture_method',
  'setup_future_usage',
  'metadata',
  'description',
  'receipt_email',
  'return_url',
  'automatic_payment_methods',
  'error_on_requires_action',
  'radar_options',
  'statement_descriptor_suffix',
  'expand',
];
const UPDATE = [
  'amount',
  'customer',
  'payment_method',
  'metadata',
  'description',
  'receipt_email',
  'capture_method',
  'setup_future_usage',
  'expand',
];
const CONFIRM = ['payment_method', 'off_session', 'return_url', 'error_on_requires_action', 'radar_options', 'expand'];
const CANCELABLE = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'requires_capture',
  'processing',
];
const CANCEL_REASONS = ['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'] as const;
const MINIMUM = 50;
const MAXIMUM = 99_999_999;

export function paymentIntentRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/payment_intents',
      params: CREATE,
      handle: ({ params }) => {
        const intent = createIntent(world, params);
        if (params.boolean('confirm') === true) confirmIntent(world, intent, confirmation(params));
        return intent;
      },
    },
    {
      method: 'GET',
      path: '/v1/payment_intents',
      params: [...PAGE_PARAMS, 'created', 'customer'],
      handle: ({ params }) => {
        const customer = params.text('customer');
        const matches = (row: Stripe.PaymentIntent) => customer === undefined || idOf(row.customer) === customer;
        return world.paymentIntents.page('/v1/payment_intents', params, matches);
      },
    },
    {
      method: 'GET',
      path: '/v1/payment_intents/{id}',
      params: ['expand'],
      handle: ({ id }) => world.paymentIntents.get(id, 'intent'),
    },
    {
      method: 'POST',
      path: '/v1/payment_intents/{id}',
      params: UPDATE,
      handle: ({ id, params }) => updateIntent(world, world.paymentIntents.get(id, 'intent'), params),
    },
    {
      method: 'POST',
      path: '/v1/payment_intents/{id}/confirm',
      params: CONFIRM,
      handle: ({ id, params }) => {
        const intent = world.paymentIntents.get(id, 'intent');
        if (params.has('payment_method')) setPaymentMethod(world, intent, params);
        confirmIntent(world, intent, confirmation(params));
        return intent;
      },
    },
    {
      method: 'POST',
      path: '/v1/payment_intents/{id}/capture',
      params: ['amount_to_capture', 'metadata', 'expand'],
      handle: ({ id, params }) => captureIntent(world, world.paymentIntents.get(id, 'intent'), params),
    },
    {
      method: 'POST',
      path: '/v1/payment_intents/{id}/cancel',
      params: ['cancellation_reason', 'expand'],
      handle: ({ id, params }) => {
        const reason = params.oneOf('cancellation_reason', CANCEL_REASONS);
        return cancelIntent(world, world.paymentIntents.get(id, 'intent'), reason ?? null);
      },
    },
  ];
}

/** A new payment, not confirmed yet. Amounts are minor units. */
export function createIntent(world: World, params: Params): Stripe.PaymentIntent {
  params.required('amount');
  const amount = amountOf(params);
  const currency = params.required('currency').toLowerCase();
  if (!/^[a-z]{3}$/.test(currency)) throw invalidRequest(`Invalid currency: ${currency}`, { param: 'currency' });
  const customer = params.text('customer');
  if (customer !== undefined) world.customers.get(customer, 'customer');
  const id = world.ids.next('pi');
  const intent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { allow_redirects: 'always', enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: params.oneOf('capture_method', ['automatic', 'automatic_async', 'manual']) ?? 'automatic_async',
    client_secret: world.ids.next(`${id}_secret`),
    confirmation_method: 'automatic',
    created: world.now(),
    currency,
    customer: customer ?? null,
    customer_account: null,
    description: params.text('description') ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: params.metadata(),
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: params.text('receipt_email') ?? null,
    review: null,
    setup_future_usage: params.oneOf('setup_future_usage', ['off_session', 'on_session']) ?? null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: params.text('statement_descriptor_suffix') ?? null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  } satisfies Stripe.PaymentIntent as Stripe.PaymentIntent;
  if (params.has('payment_method')) setPaymentMethod(world, intent, params);
  world.paymentIntents.add(intent);
  world.emit('payment_intent.created', intent);
  return intent;
}

function amountOf(params: Params): number {
  const amount = params.integer('amount') ?? 0;
  if (amount < 1) {
    throw invalidRequest('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  }
  if (amount < MINIMUM) {
    throw invalidRequest('Amount must be at least $0.50 usd', { code: 'amount_too_small', param: 'amount' });
  }
  if (amount > MAXIMUM) {
    throw invalidRequest('Amount must be no more than $999,999.99', { code: 'amount_too_large', param: 'amount' });
  }
  return amount;
}

function setPaymentMethod(world: World, intent: Stripe.PaymentIntent, params: Params): void {
  const method = resolvePaymentMethod(world, params.required('payment_method'));
  const owner = idOf(method.customer);
  if (owner !== undefined && owner !== idOf(intent.customer)) {
    throw invalidRequest(
      `The customer does not have a payment method with the ID ${method.id}. The payment method must be attached to the customer.`,
      { code: 'resource_missing', param: 'payment_method' },
    );
  }
  intent.payment_method = method.id;
  if (intent.status === 'requires_payment_method') intent.status = 'requires_confirmation';
}

function confirmation(params: Params) {
  const returnUrl = params.text('return_url');
  const offSession = params.isHash('off_session') || params.boolean('off_session') === true;
  return { offSession, returnUrl, errorOnRequiresAction: params.boolean('error_on_requires_action') === true };
}

function updateIntent(world: World, intent: Stripe.PaymentIntent, params: Params): Stripe.PaymentIntent {
  const touchesMoney = params.has('amount') || params.has('payment_method') || params.has('customer');
  if (touchesMoney && !intent.status.startsWith('requires_')) throw unexpectedState(intent, 'updated');
  if (params.has('amount')) intent.amount = amountOf(params);
  const customer = params.text('customer');
  if (customer !== undefined) intent.customer = world.customers.get(customer, 'customer').id;
  if (params.has('payment_method')) setPaymentMethod(world, intent, params);
  intent.metadata = params.metadata(intent.metadata);
  if (params.has('description')) intent.description = params.text('description') ?? null;
  if (params.has('receipt_email')) intent.receipt_email = params.text('receipt_email') ?? null;
  const capture = params.oneOf('capture_method', ['automatic', 'automatic_async', 'manual']);
  if (capture !== undefined) intent.capture_method = capture;
  const usage = params.oneOf('setup_future_usage', ['off_session', 'on_session']);
  if (usage !== undefined) intent.setup_future_usage = usage;
  return intent;
}

function captureIntent(world: World, intent: Stripe.PaymentIntent, params: Params): Stripe.PaymentIntent {
  if (intent.status !== 'requires_capture') throw unexpectedState(intent, 'captured');
  const amount = params.integer('amount_to_capture') ?? intent.amount_capturable;
  if (amount < 1 || amount > intent.amount_capturable) {
    throw invalidRequest(`The amount to capture must be from 1 to ${intent.amount_capturable}.`, {
      code: 'amount_too_large',
      param: 'amount_to_capture',
    });
  }
  const charge = world.charges.get(idOf(intent.latest_charge) ?? '');
  settleCharge(world, charge, amount);
  world.authorised.delete(intent.id);
  charge.amount_refunded = charge.amount - amount;
  intent.metadata = params.metadata(intent.metadata);
  intent.status = 'succeeded';
  intent.amount_capturable = 0;
  intent.amount_received = amount;
  world.emit('charge.captured', charge);
  world.emit('payment_intent.succeeded', intent);
  return intent;
}

/** Ends a payment; money that was only authorised goes back to the card. */
export function cancelIntent(
  world: World,
  intent: Stripe.PaymentIntent,
  reason: Stripe.PaymentIntent.CancellationReason | null,
): Stripe.PaymentIntent {
  if (!CANCELABLE.includes(intent.status)) throw unexpectedState(intent, 'canceled');
  const wasAuthorised = world.authorised.delete(intent.id);
  intent.status = 'canceled';
  intent.canceled_at = world.now();
  intent.cancellation_reason = reason;
  intent.amount_capturable = 0;
  intent.next_action = null;
  if (wasAuthorised) releaseAuthorisation(world, world.charges.get(idOf(intent.latest_charge) ?? ''));
  world.emit('payment_intent.canceled', intent);
  closeReviewOf(world, intent, 'canceled');
  return intent;
}
