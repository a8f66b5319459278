import { judgeAuthorised, type RadarEffect, radarEffect } from '../../domain/payments/authorised-money.ts';
import type { Payment } from '../../domain/payments/payment.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import type { MoneyIn } from './money-in.ts';
import type { MoneyStore } from './money-store.ts';
import { readListFact } from './radar-facts.ts';

/** How long before an authorisation ends somebody hears that nobody has decided. */
const ALARM_BEFORE_MS = 24 * HOUR_MS;

/**
 * Captures or cancels authorised money when its review is over, and leaves it otherwise: to Radar's reviewers, or to a
 * case of ours where no review exists. True when the payment is another one now.
 */
export async function decideAuthorised(money: MoneyIn, topUp: TopUp, payment: Payment): Promise<boolean> {
  const { store, stripe } = money;
  const nowMs = money.now();
  const verdict = judgeAuthorised(payment, await knownEffect(store));
  switch (verdict.do) {
    case 'capture':
      await stripe.capture(payment.id, `topup:${topUp.topupId}:capture`);
      return true;
    case 'cancel':
      await stripe.cancel(payment.id, `topup:${topUp.topupId}:cancel`);
      return true;
    case 'wait': {
      const { tenant, account, topupId } = topUp;
      const owner = {
        tenant,
        account,
        subject: payment.id,
        detail: { topup: topupId, review: payment.review?.id ?? null },
      };
      if (verdict.for === 'person') {
        const title = `Top-up ${topupId} of a flagged customer is authorised and no Radar review exists: approve or refuse it.`;
        await store.openCase({ ...owner, kind: 'local_review', title }, nowMs);
      }
      const endsMs = payment.captureBeforeMs;
      if (endsMs !== null && endsMs - nowMs < ALARM_BEFORE_MS) {
        const title = `The authorisation of top-up ${topupId} ends ${new Date(endsMs).toISOString()} and nobody has decided.`;
        await store.openCase({ ...owner, kind: 'authorisation_ends', title }, nowMs);
      }
      return false;
    }
  }
}

/** What is known of Radar's effect at this moment. */
export async function knownEffect(store: MoneyStore): Promise<RadarEffect> {
  const { lists } = await readListFact(store);
  return radarEffect({ lists, ...(await store.radar.seen()) });
}
