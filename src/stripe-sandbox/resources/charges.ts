import type Stripe from 'stripe';
import type { Route } from '../http/route.ts';
import type { Assessment } from '../radar/assess.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { chargeFee, moveBalance } from './balance.ts';
import type { CardBehaviour, Decline } from './test-cards.ts';

const AUTHORISED_SECONDS = 7 * 86_400;

export function chargeRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/charges',
      params: [...PAGE_PARAMS, 'created', 'customer', 'payment_intent'],
      handle: ({ params }) => {
        const [customer, intent] = [params.text('customer'), params.text('payment_intent')];
        return world.charges.page(
          '/v1/charges',
          params,
          (row) =>
            (customer === undefined || idOf(row.customer) === customer) &&
            (intent === undefined || idOf(row.payment_intent) === intent),
        );
      },
    },
    { method: 'GET', path: '/v1/charges/{id}', params: ['expand'], handle: ({ id }) => world.charges.get(id) },
    {
      method: 'POST',
      path: '/v1/charges/{id}',
      params: ['description', 'fraud_details', 'metadata', 'receipt_email', 'expand'],
      handle: ({ id, params }) => {
        const charge = world.charges.get(id);
        charge.metadata = params.metadata(charge.metadata);
        if (params.has('description')) charge.description = params.text('description') ?? null;
        const report = params.hash('fraud_details')?.text('user_report');
        if (report !== undefined) charge.fraud_details = report === '' ? {} : { user_report: report };
        world.emit('charge.updated', charge);
        return charge;
      },
    },
  ];
}

/** An attempt to charge a card, approved or not. Captured charges move the balance. */
export function createCharge(
  world: World,
  attempt: {
    readonly intent: Stripe.PaymentIntent;
    readonly method: Stripe.PaymentMethod;
    readonly card: CardBehaviour;
    readonly assessment: Assessment;
    readonly decline: Decline | undefined;
    readonly capture: boolean;
  },
): Stripe.Charge {
  const { intent, method, decline, assessment } = attempt;
  const blocked = assessment.block !== undefined;
  const failed = blocked || decline !== undefined;
  const created = world.now();
  const charge = {
    id: world.ids.next('ch'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: 'TOLLKEEPER SANDBOX',
    captured: false,
    created,
    currency: intent.currency,
    customer: idOf(intent.customer) ?? null,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: failed ? (decline?.code ?? 'card_declined') : null,
    failure_message: failed ? (decline?.message ?? 'Your card was declined.') : null,
    fraud_details: {},
    livemode: false,
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: outcomeOf(assessment, blocked ? undefined : decline),
    paid: !failed,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: { card: cardDetails(attempt, created, failed), type: 'card' },
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: failed ? 'failed' : 'succeeded',
    transfer_data: null,
    transfer_group: null,
  } satisfies Stripe.Charge as Stripe.Charge;
  world.charges.add(charge);
  if (!failed && attempt.capture) settleCharge(world, charge, intent.amount);
  return charge;
}

/** Captures an approved charge: its money moves. */
export function settleCharge(world: World, charge: Stripe.Charge, amount: number): void {
  charge.captured = true;
  charge.amount_captured = amount;
  const methodId = charge.payment_method ?? '';
  const movement = moveBalance(world, {
    type: 'charge',
    reportingCategory: 'charge',
    amount,
    currency: charge.currency,
    source: charge.id,
    fee: chargeFee(world, amount),
    description: charge.description,
    immediate: world.cards.get(methodId)?.bypassPending === true,
  });
  charge.balance_transaction = movement.id;
  const card = charge.payment_method_details?.card;
  if (card !== undefined) delete card.capture_before;
}

function cardDetails(
  {
    method,
    card,
    capture,
    intent,
  }: { method: Stripe.PaymentMethod; card: CardBehaviour; capture: boolean; intent: Stripe.PaymentIntent },
  created: number,
  failed: boolean,
): Stripe.Charge.PaymentMethodDetails.Card {
  return {
    amount_authorized: failed ? null : intent.amount,
    authorization_code: failed ? null : '123456',
    brand: card.brand,
    ...(capture || failed ? {} : { capture_before: created + AUTHORISED_SECONDS }),
    checks: method.card?.checks ?? null,
    country: 'US',
    electronic_commerce_indicator: null,
    exp_month: method.card?.exp_month ?? 12,
    exp_year: method.card?.exp_year ?? 2030,
    fingerprint: method.card?.fingerprint ?? null,
    funding: card.funding ?? 'credit',
    installments: null,
    last4: card.number.slice(-4),
    mandate: null,
    network: card.brand,
    network_transaction_id: null,
    regulated_status: 'unregulated',
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null,
  };
}

function outcomeOf(assessment: Assessment, decline: Decline | undefined): Stripe.Charge.Outcome {
  const risk = { risk_level: assessment.riskLevel, risk_score: assessment.riskScore };
  const codes = {
    advice_code: decline?.adviceCode ?? null,
    network_advice_code: decline?.networkAdviceCode ?? null,
    network_decline_code: decline?.networkDeclineCode ?? null,
  };
  const { block, review } = assessment;
  if (block !== undefined) {
    return {
      ...codes,
      ...risk,
      network_status: 'not_sent_to_network',
      reason: assessment.riskLevel === 'highest' ? 'highest_risk_level' : 'rule',
      rule: { ...block },
      seller_message: 'Stripe blocked this payment as too risky.',
      type: 'blocked',
    };
  }
  if (decline !== undefined) {
    return {
      ...codes,
      ...risk,
      network_status: 'declined_by_network',
      reason: decline.declineCode ?? decline.code ?? 'generic_decline',
      seller_message: 'The bank did not return any further details with this decline.',
      type: 'issuer_declined',
    };
  }
  return {
    ...codes,
    ...risk,
    network_status: 'approved_by_network',
    reason:
      review === undefined ? null : review.id === 'manual_review_if_elevated_risk' ? 'elevated_risk_level' : 'rule',
    ...(review === undefined ? {} : { rule: { ...review } }),
    seller_message:
      review === undefined ? 'Payment complete.' : 'Stripe evaluated this payment as having elevated risk.',
    type: review === undefined ? 'authorized' : 'manual_review',
  };
}
