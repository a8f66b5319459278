import type { Control } from './control.ts';
import type { Fault } from './http/faults.ts';
import type { Params } from './http/params.ts';
import { refundCharge } from './resources/refunds.ts';
import { invalidRequest } from './stripe-fault.ts';

const CLOSED_REASONS = ['approved', 'refunded', 'refunded_as_fraud', 'disputed', 'redacted'] as const;
const FAULTS = ['status', 'html', 'reset', 'silent', 'slow', 'truncated'] as const;

type Action = (control: Control, params: Params) => object | Promise<object>;

/** What `POST /_sandbox/NAME` does, with a form or JSON of these fields. */
export const CONTROL_ACTIONS: Readonly<Record<string, Action>> = {
  pay: (control, params) =>
    control.pay(params.required('session'), {
      card: params.required('card'),
      email: params.text('email'),
      authenticates: params.boolean('authenticates') ?? true,
      delayed: params.boolean('delayed') ?? false,
    }),
  settle_payment: (control, params) => control.settlePayment(params.required('session'), isTrue(params, 'arrives')),
  authenticate: (control, params) => control.authenticate(params.required('payment_intent'), isTrue(params, 'passes')),
  decline: (control, params) =>
    control.setDecline(params.required('payment_method'), {
      code: params.text('code') ?? 'card_declined',
      declineCode: params.text('decline_code') ?? 'generic_decline',
    }),
  accept: (control, params) => control.setDecline(params.required('payment_method'), undefined),
  dispute: (control, params) =>
    control.dispute(params.required('of'), {
      reason: params.text('reason') ?? 'fraudulent',
      inquiry: params.boolean('inquiry') ?? false,
      amount: params.integer('amount'),
    }),
  close_dispute: (control, params) =>
    control.closeDispute(params.required('dispute'), params.oneOf('outcome', ['won', 'lost']) ?? 'lost'),
  warn: (control, params) => control.warn(params.required('of'), params.text('fraud_type')),
  refund: (control, params) => {
    const charge = control.chargeOf(params.required('of'));
    const left = charge.amount_captured - charge.amount_refunded;
    return refundCharge(control.world, charge, params.integer('amount') ?? left, 'requested_by_customer');
  },
  settle_refund: (control, params) => control.settleRefund(params.required('refund'), isTrue(params, 'arrives')),
  open_review: (control, params) => control.openReview(params.required('of')),
  close_review: (control, params) => closeReview(control, params),
  radar: (control, params) =>
    control.setRadar({
      ...(params.has('plan') ? { plan: params.oneOf('plan', ['teams', 'none']) ?? 'teams' } : {}),
      ...(params.has('review_list') ? { reviewList: params.text('review_list') || undefined } : {}),
      ...(params.has('block_list') ? { blockList: params.text('block_list') || undefined } : {}),
      ...(params.has('review_customer_metadata')
        ? { reviewCustomerMetadata: isTrue(params, 'review_customer_metadata') }
        : {}),
      ...(params.has('review_payment_metadata')
        ? { reviewPaymentMetadata: isTrue(params, 'review_payment_metadata') }
        : {}),
    }),
  advance: (control, params) => {
    control.advance(params.integer('ms') ?? 0);
    return { now: new Date(control.world.settings.now()).toISOString() };
  },
  webhooks: async (control, params) => {
    const mode = params.oneOf('mode', ['auto', 'manual']);
    if (mode !== undefined) control.deliveries.mode = mode;
    return { mode: control.deliveries.mode, waiting: control.deliveries.waiting().length };
  },
  deliver: async (control, params) => {
    const sent = await control.deliveries.deliver({
      order: params.oneOf('order', ['created', 'reversed', 'shuffled']) ?? 'created',
      copies: params.integer('copies') ?? 1,
      together: params.boolean('together') ?? false,
    });
    return { sent: sent.length, waiting: control.deliveries.waiting().length };
  },
  resend: async (control, params) => ({ sent: (await control.deliveries.resend(params.required('event'))).length }),
  drop: (control) => ({ dropped: control.deliveries.drop().length }),
  fault: (control, params) => {
    const fault = faultOf(params);
    control.faults.add(fault);
    return { faults: control.faults.list() };
  },
  clear_faults: (control) => {
    control.faults.clear();
    return { faults: [] };
  },
};

function closeReview(control: Control, params: Params): object {
  const reason = params.oneOf('reason', CLOSED_REASONS) ?? 'approved';
  const review = control.world.reviews.get(params.required('review'), 'review');
  if (reason !== 'refunded_as_fraud' && reason !== 'refunded') return control.closeReview(review.id, reason);
  // The Dashboard's button refunds the payment, which ends the review.
  const charge = control.world.charges.get(typeof review.charge === 'string' ? review.charge : '');
  if (!charge.captured) throw invalidRequest('The payment is not captured: cancel it instead.');
  refundCharge(control.world, charge, charge.amount_captured, reason === 'refunded' ? null : 'fraudulent');
  return review;
}

function faultOf(params: Params): Fault {
  const kind = params.oneOf('kind', FAULTS);
  if (kind === undefined) throw invalidRequest(`Give a kind: ${FAULTS.join(', ')}.`, { param: 'kind' });
  return {
    kind,
    method: params.text('method'),
    path: params.text('path'),
    count: params.integer('count'),
    afterWork: params.boolean('after_work'),
    status: params.integer('status'),
    code: params.text('code'),
    delayMs: params.integer('delay_ms'),
    shouldRetry: params.boolean('should_retry'),
    retryAfterSeconds: params.integer('retry_after_seconds'),
  };
}

function isTrue(params: Params, name: string): boolean {
  return params.boolean(name) ?? true;
}
