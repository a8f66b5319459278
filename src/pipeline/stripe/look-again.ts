import { MINUTE_MS } from '../../domain/time.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { isEnded } from '../../domain/topups/top-up-status.ts';
import { AppError } from '../../errors.ts';
import { chargeAttempt } from './charge-attempt.ts';
import type { MoneyIn } from './money-in.ts';
import { settleCheckout } from './settle-checkout.ts';
import { settlePayment } from './settle-payment.ts';

const PAGE = 50;
const AFTER_FAILURE_MS = 5 * MINUTE_MS;

/** Asks Stripe about top-ups whose end no event has told: answers that were lost, pages that ran out, reviews that take long. */
export async function lookAgain(money: MoneyIn): Promise<number> {
  const due = await money.store.topUps.due(money.now(), PAGE);
  for (const topUp of due) {
    try {
      await lookAt(money, topUp);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const nextTryAtMs = money.now() + AFTER_FAILURE_MS;
      const note = error.message.slice(0, 300);
      await money.store.topUps.advance(topUp.topupId, money.now(), (row) =>
        isEnded(row.status) ? undefined : { nextTryAtMs, urlExpiresAtMs: null, note },
      );
    }
  }
  return due.length;
}

async function lookAt(money: MoneyIn, topUp: TopUp): Promise<void> {
  const { topupId, kind, status, checkoutSession, paymentIntent } = topUp;
  const asksCustomer = kind === 'auto' && status === 'awaiting_customer' && topUp.url === null;
  if (asksCustomer || (kind === 'auto' && status === 'pending')) await chargeAttempt(money, topUp);
  else if (checkoutSession !== null && status === 'awaiting_customer') await settleCheckout(money, checkoutSession);
  else if (paymentIntent !== null) await settlePayment(money, paymentIntent);
  else {
    await money.store.topUps.advance(topupId, money.now(), (row) =>
      isEnded(row.status) ? undefined : { status: 'expired', note: 'no page was made', nextTryAtMs: null },
    );
    return;
  }
  // A page that is still open, or a review that is, is looked at again later.
  await money.store.topUps.advance(topupId, money.now(), (row) =>
    isEnded(row.status) || (row.nextTryAtMs ?? 0) > money.now()
      ? undefined
      : { nextTryAtMs: money.now() + 12 * AFTER_FAILURE_MS, ...(row.url === null ? {} : { urlExpiresAtMs: null }) },
  );
}
