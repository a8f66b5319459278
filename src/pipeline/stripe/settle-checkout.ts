import { isEnded } from '../../domain/topups/top-up-status.ts';
import type { MoneyIn } from './money-in.ts';
import { type Settled, settlePayment } from './settle-payment.ts';

/** Fetches a page of Stripe's and brings its top-up to what became of it. Money is only ever posted from its payment. */
export async function settleCheckout(money: MoneyIn, sessionId: string): Promise<Settled> {
  const { store, stripe } = money;
  const page = await stripe.checkout(sessionId);
  const settled =
    page.paymentIntent === null
      ? ({ is: 'ignored', because: 'nothing was paid on this page' } as const)
      : await settlePayment(money, page.paymentIntent);
  if (page.topupId === null || page.status === 'open') return settled;
  await store.topUps.advance(page.topupId, money.now(), (topUp) => {
    if (isEnded(topUp.status) || topUp.checkoutSession !== sessionId) return undefined;
    if (page.status === 'expired') return { status: 'expired', url: null, nextTryAtMs: null };
    // The customer is through, and the bank refused afterwards: the page cannot be used again.
    const isRefused = topUp.status === 'awaiting_customer' && topUp.declineCode !== null && settled.is === 'settled';
    return isRefused ? { status: 'declined', url: null, nextTryAtMs: null } : undefined;
  });
  return settled;
}
