import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest } from '../stripe-fault.ts';
import type { World } from '../world.ts';

const SCORES = { normal: 12.5, elevated: 68, highest: 92.1 } as const;

export function paymentEvaluationRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/radar/payment_evaluations',
      params: ['customer_details', 'payment_details', 'client_device_metadata_details', 'metadata', 'expand'],
      handle: ({ params }) => evaluate(world, params),
    },
  ];
}

/** A score for a payment that nobody has made yet; it opens no review. */
function evaluate(world: World, params: Params): Stripe.Radar.PaymentEvaluation {
  const details = params.hash('payment_details');
  if (details === undefined)
    throw invalidRequest('Missing required param: payment_details.', { code: 'parameter_missing' });
  const customer = params.hash('customer_details');
  const method = details.hash('payment_method_details')?.required('payment_method') ?? '';
  const card = world.cards.get(world.paymentMethods.get(method, 'payment_details[payment_method_details]').id);
  const riskLevel = card?.blocked === true ? 'highest' : (card?.risk ?? 'normal');
  const signal = { evaluated_at: world.now(), risk_level: riskLevel, score: SCORES[riskLevel] };
  return {
    id: world.ids.next('peval'),
    object: 'radar.payment_evaluation',
    created_at: world.now(),
    customer_details: {
      customer: customer?.text('customer') ?? null,
      customer_account: null,
      email: customer?.text('email') ?? null,
      name: customer?.text('name') ?? null,
      phone: customer?.text('phone') ?? null,
    },
    livemode: false,
    metadata: params.metadata(),
    payment_details: {
      amount: details.integer('amount') ?? 0,
      currency: details.required('currency'),
      description: details.text('description') ?? null,
      money_movement_details: null,
      payment_method_details: { billing_details: null, payment_method: method },
      shipping_details: null,
      statement_descriptor: null,
    },
    recommended_action: riskLevel === 'highest' ? 'block' : 'continue',
    signals: { early_fraud_warning: null, fraudulent_dispute: null, fraudulent_payment: signal },
  } satisfies Stripe.Radar.PaymentEvaluation;
}
