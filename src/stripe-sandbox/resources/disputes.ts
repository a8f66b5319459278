import type Stripe from 'stripe';
import type { Route } from '../http/route.ts';
import { closeReviewOf } from '../radar/reviews.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { moveBalance } from './balance.ts';

const EVIDENCE_DAYS = 14;
const EVIDENCE_FIELDS =
  'access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text'.split(
    ' ',
  );

export function disputeRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/disputes',
      params: [...PAGE_PARAMS, 'created', 'charge', 'payment_intent'],
      handle: ({ params }) => {
        const [charge, intent] = [params.text('charge'), params.text('payment_intent')];
        return world.disputes.page(
          '/v1/disputes',
          params,
          (row) =>
            (charge === undefined || idOf(row.charge) === charge) &&
            (intent === undefined || idOf(row.payment_intent) === intent),
        );
      },
    },
    { method: 'GET', path: '/v1/disputes/{id}', params: ['expand'], handle: ({ id }) => world.disputes.get(id) },
    {
      method: 'POST',
      path: '/v1/disputes/{id}',
      params: ['evidence', 'metadata', 'submit', 'expand'],
      handle: ({ id, params }) => {
        const dispute = world.disputes.get(id);
        const evidence = params.hash('evidence');
        evidence?.refuseUnknown(EVIDENCE_FIELDS);
        dispute.evidence = { ...dispute.evidence, ...params.map('evidence') };
        dispute.metadata = params.metadata(dispute.metadata);
        if (evidence !== undefined) dispute.evidence_details.has_evidence = true;
        if (evidence !== undefined && params.boolean('submit') !== false) {
          dispute.evidence_details.submission_count += 1;
          dispute.evidence_details.submission_method = 'manual';
          dispute.status = dispute.status.startsWith('warning') ? 'warning_under_review' : 'under_review';
        }
        world.emit('charge.dispute.updated', dispute);
        return dispute;
      },
    },
    {
      method: 'POST',
      path: '/v1/disputes/{id}/close',
      params: ['expand'],
      handle: ({ id }) => {
        const dispute = world.disputes.get(id);
        if (!isOpen(dispute)) throw invalidRequest('This dispute is already closed.');
        return closeDispute(world, dispute, 'lost');
      },
    },
  ];
}

/** The cardholder disputes a charge. An inquiry moves no money; any other dispute takes amount and fee at once. */
export function openDispute(
  world: World,
  charge: Stripe.Charge,
  kind: { readonly reason: string; readonly inquiry?: boolean; readonly amount?: number | undefined },
): Stripe.Dispute {
  if (!charge.captured) throw invalidRequest('Only a captured charge can be disputed.');
  const created = world.now();
  const amount = kind.amount ?? charge.amount_captured;
  const dispute = {
    id: world.ids.next('du'),
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: charge.id,
    created,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: emptyEvidence(),
    evidence_details: {
      due_by: created + EVIDENCE_DAYS * 86_400,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: kind.inquiry === true,
    livemode: false,
    metadata: {},
    payment_intent: idOf(charge.payment_intent) ?? null,
    payment_method_details: {
      type: 'card',
      card: {
        brand: charge.payment_method_details?.card?.brand ?? 'visa',
        case_type: kind.inquiry === true ? 'inquiry' : 'chargeback',
        network: charge.payment_method_details?.card?.network ?? 'visa',
        network_reason_code: kind.reason === 'fraudulent' ? '10.4' : '13.1',
      },
    },
    reason: kind.reason,
    status: kind.inquiry === true ? 'warning_needs_response' : 'needs_response',
  } satisfies Stripe.Dispute as Stripe.Dispute;
  world.disputes.add(dispute);
  charge.disputed = true;
  if (kind.inquiry === true) {
    world.emit('charge.dispute.created', dispute);
    return dispute;
  }
  dispute.balance_transactions.push(
    moveBalance(world, {
      type: 'adjustment',
      reportingCategory: 'dispute',
      amount: -amount,
      currency: charge.currency,
      source: dispute.id,
      fee: world.settings.fees.disputeFixed,
      feeDescription: 'Dispute fee',
      description: `Chargeback withdrawal for ${charge.id}`,
    }),
  );
  world.emit('charge.dispute.created', dispute);
  world.emit('charge.dispute.funds_withdrawn', dispute);
  const intent = world.paymentIntents.find(idOf(charge.payment_intent) ?? '');
  if (intent !== undefined) closeReviewOf(world, intent, 'disputed');
  return dispute;
}

/** The bank decides. A dispute that is won brings the amount back, not the fee. */
export function closeDispute(world: World, dispute: Stripe.Dispute, outcome: 'won' | 'lost'): Stripe.Dispute {
  if (!isOpen(dispute)) throw invalidRequest(`This dispute is already ${dispute.status}.`);
  const wasInquiry = dispute.status.startsWith('warning');
  dispute.status = wasInquiry ? 'warning_closed' : outcome;
  const charge = world.charges.get(idOf(dispute.charge) ?? '');
  if (outcome === 'won' && !wasInquiry) {
    dispute.balance_transactions.push(
      moveBalance(world, {
        type: 'adjustment',
        reportingCategory: 'dispute_reversal',
        amount: dispute.amount,
        currency: dispute.currency,
        source: dispute.id,
        description: `Chargeback reversal for ${charge.id}`,
        immediate: true,
      }),
    );
    world.emit('charge.dispute.funds_reinstated', dispute);
  }
  world.emit('charge.dispute.closed', dispute);
  return dispute;
}

function isOpen({ status }: Stripe.Dispute): boolean {
  return !['won', 'lost', 'warning_closed', 'prevented'].includes(status);
}

function emptyEvidence(): Stripe.Dispute.Evidence {
  const none = Object.fromEntries(EVIDENCE_FIELDS.map((name) => [name, null]));
  // Built from the list of names, which the compiler cannot follow; the contract checks the answer.
  return { ...none, enhanced_evidence: {} } as unknown as Stripe.Dispute.Evidence;
}
