import type { MeterPrice, PriceBook } from '../rules/price-book.ts';
import { divideHalfEven, NANOS_MAX } from './nanos.ts';
import type { Quantity } from './quantity.ts';

/** `unknown_meter` when no price is in force at that time; `too_large` when the charge would not fit a wallet. */
export type Charge = bigint | 'unknown_meter' | 'too_large';

const POWERS: readonly bigint[] = Array.from({ length: 64 }, (_, exponent) => 10n ** BigInt(exponent));

/**
 * What a quantity costs in nano-units, multiplied exactly and rounded once, half-even. The price is the one in force
 * when the usage occurred, the account's own override before the list price.
 */
export function chargeFor(
  book: PriceBook,
  usage: {
    readonly account: string;
    readonly meter: string;
    readonly quantity: Quantity;
    readonly occurredAtMs: number;
  },
): Charge {
  const listed = book.meters.get(usage.meter);
  if (listed === undefined) return 'unknown_meter';
  const own = book.overrides.size === 0 ? undefined : book.overrides.get(usage.account)?.get(usage.meter);
  const price = priceAt(own ?? listed.prices, usage.occurredAtMs);
  if (price === undefined) return 'unknown_meter';

  const product = usage.quantity.coefficient * price.coefficient;
  const decimals = usage.quantity.decimals + price.decimals;
  const nanos = decimals === 0 ? product : divideHalfEven(product, POWERS[decimals] ?? 10n ** BigInt(decimals));
  // A single charge may take a quarter of the range, so that sums of a batch cannot overflow before they are checked.
  return nanos > NANOS_MAX / 4n ? 'too_large' : nanos;
}

function priceAt(prices: readonly MeterPrice[], atMs: number): MeterPrice | undefined {
  for (let index = prices.length - 1; index >= 0; index--) {
    const price = prices[index];
    if (price !== undefined && price.fromMs <= atMs) return price;
  }
  return undefined;
}
