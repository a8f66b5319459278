/**
 * An exact price: `coefficient × 10^-decimals` nano-units of the currency for one unit of the meter, from a moment on.
 * A token at 0.15 USD per million is 150 nano-units; at 0.0375 it is 37.5, which is coefficient 375 and decimals 1.
 */
export interface MeterPrice {
  readonly fromMs: number;
  readonly coefficient: bigint;
  readonly decimals: number;
}

/** A quantity that services report. Facts (signup, topup, …) are free and never credit a wallet. */
export interface Meter {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'usage' | 'fact';
  /** Ascending by `fromMs`. */
  readonly prices: readonly MeterPrice[];
}

/** What everything costs. */
export interface PriceBook {
  readonly currency: string;
  readonly meters: ReadonlyMap<string, Meter>;
  /** By account, then meter: prices agreed with one customer, instead of the meter's own. */
  readonly overrides: ReadonlyMap<string, ReadonlyMap<string, readonly MeterPrice[]>>;
}

/** The price in force at a moment: the latest that began by then; undefined before the first. */
export function priceAt(prices: readonly MeterPrice[], atMs: number): MeterPrice | undefined {
  for (let index = prices.length - 1; index >= 0; index--) {
    const price = prices[index];
    if (price !== undefined && price.fromMs <= atMs) return price;
  }
  return undefined;
}

/** An account's prices for a meter: its override when there is one; undefined when the meter is unknown. */
export function pricesFor(book: PriceBook, account: string, meter: string): readonly MeterPrice[] | undefined {
  return book.overrides.get(account)?.get(meter) ?? book.meters.get(meter)?.prices;
}
