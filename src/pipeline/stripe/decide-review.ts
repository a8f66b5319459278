import { derivedId } from '../../domain/ids.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { isEnded } from '../../domain/topups/top-up-status.ts';
import { AppError } from '../../errors.ts';
import type { MoneyIn } from './money-in.ts';
import { settlePayment } from './settle-payment.ts';

export interface ReviewDecision {
  readonly topupId: string;
  readonly verdict: 'approve' | 'refuse';
  readonly by: string;
  readonly reason: string;
}

/**
 * A person's word on authorised money that no Radar review decides: captured, or let go. What Radar reviews is decided
 * there, so that there are never two answers.
 */
export async function decideReview(money: MoneyIn, decision: ReviewDecision): Promise<TopUp> {
  const { store, stripe } = money;
  const { topupId, verdict, by, reason } = decision;
  const topUp = await store.topUps.read(topupId);
  if (topUp === undefined) throw new AppError('TOPUP_NOT_FOUND', `There is no top-up ${JSON.stringify(topupId)}.`);
  const { paymentIntent } = topUp;
  if (topUp.status !== 'in_review' || paymentIntent === null) {
    throw new AppError('TOPUP_STATE', `Top-up ${topupId} does not wait for a decision: it is ${topUp.status}.`);
  }
  if (topUp.reviewId !== null) {
    throw new AppError('TOPUP_STATE', `Top-up ${topupId} is in Radar's review ${topUp.reviewId}.`, {
      fix: 'Approve the review or refund the payment in the Dashboard; its end is carried out here.',
    });
  }
  if (verdict === 'approve') await stripe.capture(paymentIntent, `topup:${topupId}:capture`);
  else await stripe.cancel(paymentIntent, `topup:${topupId}:cancel`);
  await settlePayment(money, paymentIntent);
  for (const kind of ['local_review', 'authorisation_ends']) {
    await store.closeCase(derivedId('cas', [kind, paymentIntent]), by, `${verdict}: ${reason}`, money.now());
  }
  const after = await store.topUps.read(topupId);
  if (after === undefined || !isEnded(after.status)) {
    throw new AppError('TOPUP_STATE', `Top-up ${topupId} is decided, and Stripe has not carried it out yet.`);
  }
  return after;
}
