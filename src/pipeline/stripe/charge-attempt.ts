import { nanosToMinor } from '../../domain/money/minor-units.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/time.ts';
import { classifyDecline, type Decline, declineWord } from '../../domain/topups/decline.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { isEnded } from '../../domain/topups/top-up-status.ts';
import { AppError } from '../../errors.ts';
import { afterAutoDecline } from './after-decline.ts';
import { isFinal, isPassing } from './failures.ts';
import type { MoneyIn } from './money-in.ts';
import { settlePayment } from './settle-payment.ts';

/** Stripe forgets idempotency keys after 24 hours: from here on the payment is looked for instead of asked for again. */
const KEY_LIVES_MS = 20 * HOUR_MS;
const AUTHENTICATION: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  adviceCode: null,
  networkAdviceCode: null,
  networkDeclineCode: null,
};
const RETRY_MS_MIN = 5 * SECOND_MS;
const RETRY_MS_MAX = 15 * MINUTE_MS;

/**
 * Asks Stripe to charge the saved card for a top-up, or asks again after an answer was lost: the key is the attempt's own,
 * so any number of tries charges once. What Stripe answers is not believed but fetched, like what events say.
 */
export async function chargeAttempt(money: MoneyIn, topUp: TopUp): Promise<TopUp> {
  const { stripe } = money;
  const { topupId, attempt, customer, paymentMethod, currency, isFlagged } = topUp;
  const amountMinor = nanosToMinor(topUp.amountNanos, currency);
  if (customer === null || paymentMethod === null || amountMinor === undefined)
    return giveUp(money, topUp, 'no card to charge');
  // The bank wanted the customer, and whoever was to ask them went away before they could.
  if (topUp.status === 'awaiting_customer' && topUp.url === null) return askCustomer(money, topUp, topUp.paymentIntent);
  if (topUp.paymentIntent !== null) return settled(money, topUp, topUp.paymentIntent);
  if (money.now() - topUp.createdAtMs > KEY_LIVES_MS) return lookForPayment(money, topUp, customer);
  try {
    const key = `topup:${topupId}:attempt:${attempt}`;
    const answer = await stripe.chargeCard({
      topupId,
      attempt,
      customer,
      paymentMethod,
      currency,
      amountMinor,
      isFlagged,
      key,
    });
    if (answer.is === 'taken') return await settled(money, topUp, answer.paymentIntent);
    return await declined(money, topUp, answer.paymentIntent, answer.decline);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (isPassing(error)) return tryLater(money, topUp, error);
    if (!isFinal(error)) throw error;
    return giveUp(money, topUp, error.message);
  }
}

/** The top-up after its payment was fetched and everything that follows from it was done. */
async function settled(money: MoneyIn, topUp: TopUp, paymentIntent: string): Promise<TopUp> {
  await remember(money, topUp, paymentIntent);
  await settlePayment(money, paymentIntent);
  return (await money.store.topUps.read(topUp.topupId)) ?? topUp;
}

/** The payment belongs to the top-up before anything is fetched: an outage now must not leave it without a name. */
async function remember(money: MoneyIn, topUp: TopUp, paymentIntent: string): Promise<void> {
  await money.store.topUps.advance(topUp.topupId, money.now(), (row) =>
    row.paymentIntent === null ? { paymentIntent, nextTryAtMs: money.now() + RETRY_MS_MIN } : undefined,
  );
}

async function declined(money: MoneyIn, topUp: TopUp, paymentIntent: string | null, decline: Decline): Promise<TopUp> {
  const { store } = money;
  const nowMs = money.now();
  const declineClass = classifyDecline(decline);
  if (declineClass === 'authenticate') return askCustomer(money, topUp, paymentIntent);
  const after =
    (await store.topUps.advance(topUp.topupId, nowMs, (row) =>
      isEnded(row.status)
        ? undefined
        : { status: 'declined', paymentIntent, declineCode: declineWord(decline), declineClass, nextTryAtMs: null },
    )) ?? topUp;
  if (after.status === 'declined') await afterAutoDecline(money, after, decline, nowMs);
  return after;
}

/** The bank wants the customer: a page where they confirm, and no further try without them. */
async function askCustomer(money: MoneyIn, topUp: TopUp, paymentIntent: string | null): Promise<TopUp> {
  const { store, stripe } = money;
  const { topupId, customer, currency, isFlagged, tenant, account } = topUp;
  const amountMinor = nanosToMinor(topUp.amountNanos, currency);
  if (customer === null || amountMinor === undefined) return giveUp(money, topUp, 'no customer to ask');
  // The refused payment can no longer be confirmed, so that the page is the only way to pay.
  if (paymentIntent !== null) await stripe.cancel(paymentIntent, `topup:${topupId}:cancel:${topUp.attempt}`);
  const { successUrl, cancelUrl } = money.returnUrls();
  const page = await stripe.createCheckout({
    topupId,
    customer,
    currency,
    amountMinor,
    isFlagged,
    successUrl,
    cancelUrl,
    key: `topup:${topupId}:confirm:${topUp.attempt}`,
  });
  const nowMs = money.now();
  const after = await store.topUps.advance(topupId, nowMs, (row) =>
    isEnded(row.status)
      ? undefined
      : {
          status: 'awaiting_customer',
          paymentIntent: null,
          checkoutSession: page.sessionId,
          url: page.url,
          urlExpiresAtMs: page.expiresAtMs,
          declineCode: 'authentication_required',
          declineClass: 'authenticate',
          nextTryAtMs: null,
        },
  );
  // A page that runs out must not be followed by the next one, day after day.
  const because = 'the bank wants the customer to confirm the payment';
  await store.auto.stop(topUp.walletId, { kind: 'card', because }, nowMs);
  const asked = after ?? topUp;
  if (topUp.kind === 'auto') await money.afterDecline?.(asked, AUTHENTICATION, nowMs);
  const signal = { key: `topup_confirm-${topupId}`, tenant, account, kind: 'topup_confirm', subject: topupId };
  await store.signal({ ...signal, paymentIntent, atMs: nowMs, detail: { until: page.expiresAtMs } });
  return after ?? topUp;
}

async function tryLater(money: MoneyIn, topUp: TopUp, error: AppError): Promise<TopUp> {
  const nowMs = money.now();
  const waitMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(topUp.tries, 12), RETRY_MS_MAX);
  const patch = { tries: topUp.tries + 1, nextTryAtMs: nowMs + waitMs, note: error.message.slice(0, 300) };
  return (
    (await money.store.topUps.advance(topUp.topupId, nowMs, (row) => (isEnded(row.status) ? undefined : patch))) ??
    topUp
  );
}

async function lookForPayment(money: MoneyIn, topUp: TopUp, customer: string): Promise<TopUp> {
  const { stripe, store } = money;
  const { topupId, createdAtMs } = topUp;
  try {
    const found = await stripe.paymentsOfTopUp({ customer, topupId, sinceMs: createdAtMs - HOUR_MS });
    for (const paymentIntent of found) await settlePayment(money, paymentIntent);
    if (found.length === 0)
      return await giveUp(money, topUp, 'Stripe did not answer for 20 hours and knows no payment of it');
  } catch (error) {
    if (!(error instanceof AppError) || !isPassing(error)) throw error;
    return tryLater(money, topUp, error);
  }
  return (await store.topUps.read(topupId)) ?? topUp;
}

/** The request itself is wrong: the same one would be refused for ever, so nothing is charged until somebody has looked. */
async function giveUp(money: MoneyIn, topUp: TopUp, because: string): Promise<TopUp> {
  const { store } = money;
  const nowMs = money.now();
  const { topupId, tenant, account, walletId } = topUp;
  const note = because.slice(0, 300);
  const after = await store.topUps.advance(topupId, nowMs, (row) =>
    isEnded(row.status) ? undefined : { status: 'failed', note, nextTryAtMs: null },
  );
  const title = `Top-up ${topupId} of ${account} was not charged: ${note}`;
  const detail = { attempt: topUp.attempt };
  await store.auto.stop(walletId, { kind: 'card', because: note }, nowMs);
  await store.openCase({ kind: 'topup_failed', subject: topupId, title, tenant, account, detail }, nowMs);
  return after ?? topUp;
}
