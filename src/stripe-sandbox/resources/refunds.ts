import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { closeReviewOf } from '../radar/reviews.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { moveBalance } from './balance.ts';

const REASONS = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;

export function refundRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/refunds',
      params: ['payment_intent', 'charge', 'amount', 'reason', 'metadata', 'expand'],
      handle: ({ params }) => createRefund(world, params),
    },
    {
      method: 'GET',
      path: '/v1/refunds',
      params: [...PAGE_PARAMS, 'created', 'payment_intent', 'charge'],
      handle: ({ params }) => {
        const [intent, charge] = [params.text('payment_intent'), params.text('charge')];
        return world.refunds.page(
          '/v1/refunds',
          params,
          (row) =>
            (intent === undefined || idOf(row.payment_intent) === intent) &&
            (charge === undefined || idOf(row.charge) === charge),
        );
      },
    },
    { method: 'GET', path: '/v1/refunds/{id}', params: ['expand'], handle: ({ id }) => world.refunds.get(id) },
    {
      method: 'POST',
      path: '/v1/refunds/{id}',
      params: ['metadata', 'expand'],
      handle: ({ id, params }) => {
        const refund = world.refunds.get(id);
        refund.metadata = params.metadata(refund.metadata ?? {});
        world.emit('refund.updated', refund);
        return refund;
      },
    },
  ];
}

function createRefund(world: World, params: Params): Stripe.Refund {
  const charge = chargeOf(world, params);
  const { amount_captured: captured, amount_refunded: refunded } = charge;
  // What a partial capture left is counted as refunded, but never was ours to give back.
  const left = captured - (refunded - (charge.amount - captured));
  if (charge.refunded || left <= 0) {
    throw invalidRequest(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  }
  if (charge.disputed && !isRefundable(world, charge)) {
    throw invalidRequest(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
    });
  }
  const amount = params.integer('amount') ?? left;
  if (amount < 1) throw invalidRequest('This value must be greater than or equal to 1.', { param: 'amount' });
  if (amount > left) {
    throw invalidRequest(
      `Refund amount (${money(amount, charge.currency)}) is greater than unrefunded amount on charge (${money(left, charge.currency)})`,
      { param: 'amount' },
    );
  }
  return refundCharge(world, charge, amount, params.oneOf('reason', REASONS) ?? null, params.metadata());
}

function isRefundable(world: World, charge: Stripe.Charge): boolean {
  return world.disputes.all().every((dispute) => idOf(dispute.charge) !== charge.id || dispute.is_charge_refundable);
}

function chargeOf(world: World, params: Params): Stripe.Charge {
  const intentId = params.text('payment_intent');
  if (intentId === undefined) return world.charges.get(params.required('charge'), 'charge');
  const intent = world.paymentIntents.get(intentId, 'payment_intent');
  const charge = world.charges.find(idOf(intent.latest_charge) ?? '');
  if (intent.status !== 'succeeded' || charge === undefined) {
    throw invalidRequest(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`, {
      param: 'payment_intent',
    });
  }
  return charge;
}

/** Gives money of a captured charge back; cards for refunds that wait or fail decide how it goes on. */
export function refundCharge(
  world: World,
  charge: Stripe.Charge,
  amount: number,
  reason: Stripe.Refund.Reason | null,
  metadata: Record<string, string> = {},
): Stripe.Refund {
  const behaviour = world.cards.get(charge.payment_method ?? '')?.refund;
  const refund = addRefund(world, charge, {
    amount,
    reason,
    metadata,
    status: behaviour === 'pending' ? 'pending' : 'succeeded',
  });
  refund.balance_transaction = moveBalance(world, {
    type: 'refund',
    reportingCategory: 'refund',
    amount: -amount,
    currency: charge.currency,
    source: refund.id,
    description: 'REFUND FOR CHARGE',
  }).id;
  countRefund(charge, amount);
  world.emit('refund.created', refund);
  world.emit('charge.refunded', charge);
  const intent = world.paymentIntents.find(idOf(charge.payment_intent) ?? '');
  if (intent !== undefined && charge.refunded) {
    closeReviewOf(world, intent, reason === 'fraudulent' ? 'refunded_as_fraud' : 'refunded');
  }
  if (behaviour === 'fails') failRefund(world, refund);
  return refund;
}

function addRefund(
  world: World,
  charge: Stripe.Charge,
  parts: {
    readonly amount: number;
    readonly reason: Stripe.Refund.Reason | null;
    readonly metadata: Record<string, string>;
    readonly status: string;
  },
): Stripe.Refund {
  return world.refunds.add({
    id: world.ids.next('re'),
    object: 'refund',
    amount: parts.amount,
    balance_transaction: null,
    charge: charge.id,
    created: world.now(),
    currency: charge.currency,
    customer: idOf(charge.customer) ?? null,
    customer_account: null,
    destination_details: {
      type: 'card',
      card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
    },
    metadata: parts.metadata,
    payment_intent: idOf(charge.payment_intent) ?? null,
    payment_method: charge.payment_method,
    reason: parts.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: parts.status,
    transfer_reversal: null,
  } satisfies Stripe.Refund as Stripe.Refund);
}

function countRefund(charge: Stripe.Charge, amount: number): void {
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded >= charge.amount;
}

/** A refund that was on its way arrives. */
export function completeRefund(world: World, refund: Stripe.Refund): void {
  if (refund.status !== 'pending') throw invalidRequest(`The refund is ${refund.status}, not pending.`);
  refund.status = 'succeeded';
  world.emit('refund.updated', refund);
  world.emit('charge.refund.updated', refund);
}

/** The bank sends a refund back: the money is ours again, weeks after it left. */
export function failRefund(world: World, refund: Stripe.Refund): void {
  if (refund.status === 'failed') throw invalidRequest('The refund has already failed.');
  const charge = world.charges.get(idOf(refund.charge) ?? '');
  refund.status = 'failed';
  refund.failure_reason = 'unknown';
  refund.failure_balance_transaction = moveBalance(world, {
    type: 'refund_failure',
    reportingCategory: 'refund_failure',
    amount: refund.amount,
    currency: refund.currency,
    source: refund.id,
    description: 'REFUND FAILURE FOR CHARGE',
    immediate: true,
  }).id;
  charge.amount_refunded -= refund.amount;
  charge.refunded = false;
  world.emit('refund.failed', refund);
  world.emit('refund.updated', refund);
  world.emit('charge.refund.updated', refund);
}

/** An authorisation that will not be captured: Stripe calls it refunded, although no money moves. */
export function releaseAuthorisation(world: World, charge: Stripe.Charge): void {
  const refund = addRefund(world, charge, { amount: charge.amount, reason: null, metadata: {}, status: 'succeeded' });
  countRefund(charge, refund.amount);
  world.emit('charge.refunded', charge);
}

function money(amount: number, currency: string): string {
  return `${(amount / 100).toFixed(2)} ${currency}`;
}
