import type { MoneyIn } from './money-in.ts';
import { type CheckoutTopUp, chargeable, isBeforeRadar, knownCheckout } from './start-checkout.ts';

/** What a top-up by a page would do. */
export interface PlannedCheckout extends Pick<CheckoutTopUp, 'tenant' | 'account' | 'currency' | 'amountNanos'> {
  readonly isDryRun: true;
  /** The customer at Stripe; null when one would be made. */
  readonly customer: string | null;
  /** The payment would only be authorised: the customer is before Radar. */
  readonly isFlagged: boolean;
  /** The top-up that this key has begun already; null for a new one. */
  readonly known: string | null;
}

/** Checks a request as `startCheckout` does, with the same errors, and neither asks Stripe nor writes anything. */
export async function planCheckout(money: Pick<MoneyIn, 'store'>, request: CheckoutTopUp): Promise<PlannedCheckout> {
  chargeable(request);
  const { known } = await knownCheckout(money, request);
  const { tenant, account, currency, amountNanos } = request;
  const customer = (await money.store.customers.ofAccount(tenant, account))?.customer ?? null;
  const isFlagged = customer !== null && (await isBeforeRadar(money, customer));
  return { isDryRun: true, tenant, account, currency, amountNanos, customer, isFlagged, known: known?.topupId ?? null };
}
