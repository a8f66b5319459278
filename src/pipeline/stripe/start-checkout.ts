import { accountNameProblem } from '../../domain/events/parse-event.ts';
import { addressOf, derivedId } from '../../domain/ids.ts';
import { nanosToMinor } from '../../domain/money/minor-units.ts';
import { formatExactMoney } from '../../domain/money/nanos.ts';
import { isCurrency } from '../../domain/rules/currencies.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { AppError } from '../../errors.ts';
import { requestHash } from '../admin/request.ts';
import type { MoneyIn } from './money-in.ts';
import type { StripeCustomer } from './money-store.ts';

export interface CheckoutTopUp {
  readonly tenant: string;
  readonly account: string;
  readonly currency: string;
  readonly amountNanos: bigint;
  /** Where the page leads back to; ours when left out. */
  readonly successUrl?: string | undefined;
  readonly cancelUrl?: string | undefined;
  /** Sent again with the same key, the same page is answered. */
  readonly key: string;
  readonly actor: string;
}

/** The largest amount Stripe takes in one payment: eight digits of its smallest unit. */
const MINOR_MAX = 99_999_999n;

/**
 * Begins a top-up that the customer pays on a page of Stripe's, where the card is saved for automatic ones. The credit
 * comes when Stripe says that it was paid, never from the way back to our page.
 */
export async function startCheckout(money: MoneyIn, request: CheckoutTopUp): Promise<TopUp> {
  const { store, stripe } = money;
  const { tenant, account, currency, amountNanos, key, actor } = request;
  const nowMs = money.now();
  const amountMinor = chargeable(request);
  const { hash, requestKey, known } = await knownCheckout(money, request);
  if (known?.checkoutSession != null) return known;

  const { customer } = await customerOf(money, tenant, account);
  const isFlagged = await isBeforeRadar(money, customer);
  const begun = await store.topUps.insert(
    {
      topupId: derivedId('top', [tenant, 'checkout', key]),
      tenant,
      account,
      walletId: addressOf(tenant, account, currency).walletId,
      currency,
      kind: 'checkout',
      amountNanos,
      status: 'pending',
      customer,
      isFlagged,
      nextTryAtMs: nowMs + DAY_MS,
      requestKey,
      requestHash: hash,
      actor,
    },
    nowMs,
  );
  // Begun by a request that went away, or is being begun beside this one: both get the same page.
  const topUp = begun ?? (await store.topUps.byRequest(requestKey));
  if (topUp === undefined) throw new AppError('TOPUP_STATE', 'The top-up was begun and is not there.');
  const standard = money.returnUrls();
  const page = await stripe.createCheckout({
    topupId: topUp.topupId,
    customer,
    currency,
    amountMinor,
    isFlagged: topUp.isFlagged,
    successUrl: request.successUrl ?? standard.successUrl,
    cancelUrl: request.cancelUrl ?? standard.cancelUrl,
    key: `topup:${topUp.topupId}:checkout`,
  });
  const after = await store.topUps.advance(topUp.topupId, nowMs, (row) => ({
    // An event may have overtaken the answer.
    status: row.status === 'pending' ? 'awaiting_customer' : row.status,
    checkoutSession: page.sessionId,
    url: page.url,
    urlExpiresAtMs: page.expiresAtMs,
  }));
  return after ?? topUp;
}

/** The top-up that a request has begun before, and what it is known by; `IDEMPOTENCY_CONFLICT` for another of its key. */
export async function knownCheckout({ store }: Pick<MoneyIn, 'store'>, request: CheckoutTopUp) {
  const { tenant, key } = request;
  const hash = hashOf(request);
  const requestKey = `${tenant}/${key}`;
  const known = await store.topUps.byRequest(requestKey);
  if (known !== undefined && known.requestHash !== hash) {
    throw new AppError('IDEMPOTENCY_CONFLICT', `The key ${JSON.stringify(key)} was used for another top-up.`);
  }
  return { hash, requestKey, known };
}

/** Of what was asked for alone: our own addresses may change between two tries of one request. */
function hashOf({ tenant, account, currency, amountNanos, successUrl, cancelUrl }: CheckoutTopUp): string {
  return requestHash({
    do: 'checkout',
    tenant,
    account,
    currency,
    amount: amountNanos.toString(),
    ...(successUrl === undefined ? {} : { successUrl }),
    ...(cancelUrl === undefined ? {} : { cancelUrl }),
  });
}

/** The customer that stands for an account; made once. */
export async function customerOf(money: MoneyIn, tenant: string, account: string): Promise<StripeCustomer> {
  const known = await money.store.customers.ofAccount(tenant, account);
  if (known !== undefined) return known;
  const customer = await money.stripe.createCustomer({ tenant, account, key: `customer:${tenant}:${account}` });
  return money.store.customers.keep({ customer, tenant, account }, money.now());
}

/** Whether payments of this customer are to be looked at before they are captured. */
export async function isBeforeRadar({ store }: Pick<MoneyIn, 'store'>, customer: string): Promise<boolean> {
  const listing = await store.radar.read(customer);
  return listing?.status === 'wanted' || listing?.status === 'standing';
}

/** The amount in Stripe's smallest units; `AppError` naming what is wrong with the request. */
export function chargeable(request: Pick<CheckoutTopUp, 'account' | 'currency' | 'amountNanos'>): bigint {
  const { account, currency, amountNanos } = request;
  const problem = accountNameProblem(account);
  if (problem !== undefined) {
    throw new AppError('ACCOUNT_INVALID', `${JSON.stringify(account)} cannot be an account.`, { fix: problem });
  }
  if (!isCurrency(currency)) throw new AppError('AMOUNT_INVALID', `${JSON.stringify(currency)} is not a currency.`);
  const minor = nanosToMinor(amountNanos, currency);
  if (minor === undefined) {
    throw new AppError(
      'AMOUNT_INVALID',
      `${formatExactMoney(amountNanos, currency)} is not a whole number of the smallest unit.`,
      {
        fix: 'Stripe charges whole cents; give an amount without fractions of them.',
      },
    );
  }
  if (minor <= 0n || minor > MINOR_MAX) {
    throw new AppError('AMOUNT_INVALID', `${formatExactMoney(amountNanos, currency)} cannot be charged at once.`, {
      fix: 'Give a positive amount of at most eight digits of the smallest unit.',
    });
  }
  return minor;
}
