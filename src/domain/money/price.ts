import type { MeterPrice, PriceBook } from '../rules/price-book.ts';
import { divideHalfEven, NANOS_MAX } from './nanos.ts';
import type { Quantity } from './quantity.ts';
import { ATTO_DECIMALS } from './residue.ts';

/** What usage costs, exactly: whole nano-units rounded half-even, and what that rounding left out. */
export interface ExactCharge {
  readonly nanos: bigint;
  /** Exact charge less `nanos`, in 10^-18 nano-units; between −½ and ½ nano. */
  readonly attos: bigint;
}

/** `unknown_meter` when no price is in force at that time; `too_large` when the charge would not fit a wallet. */
export type Charge = ExactCharge | 'unknown_meter' | 'too_large';

const POWERS: readonly bigint[] = Array.from({ length: 64 }, (_, exponent) => 10n ** BigInt(exponent));

/**
 * What a quantity costs, multiplied exactly and rounded once, half-even, with the remainder kept. The price is the one in force
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
  const charge = decimals === 0 ? { nanos: product, attos: 0n } : divideByPowerOfTen(product, decimals);
  // A single charge may take a quarter of the range, so that sums of a batch cannot overflow before they are checked.
  return charge.nanos > CHARGE_MAX ? 'too_large' : charge;
}

const CHARGE_MAX = NANOS_MAX / 4n;

/** Decimals up to which a power of ten is a safe integer. */
const SAFE_DECIMALS_MAX = 15;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Divides a product of quantity and price by 10^decimals, half-even, with what that leaves. Within safe integers, where
 * nearly every charge is, doubles divide exactly and at a third of the cost of BigInt.
 */
export function divideByPowerOfTen(product: bigint, decimals: number): ExactCharge {
  if (decimals > SAFE_DECIMALS_MAX || product > SAFE_MAX || product < 0n) return divideExactly(product, decimals);
  const numerator = Number(product);
  const power = 10 ** decimals;
  const rest = numerator % power;
  const whole = (numerator - rest) / power;
  if (rest === 0) return { nanos: BigInt(whole), attos: 0n };
  const twice = 2 * rest;
  const isUp = twice > power || (twice === power && whole % 2 === 1);
  const left = BigInt(isUp ? rest - power : rest);
  return { nanos: BigInt(isUp ? whole + 1 : whole), attos: left * powerOfTen(ATTO_DECIMALS - decimals) };
}

/** The same for any size of number. */
export function divideExactly(product: bigint, decimals: number): ExactCharge {
  const power = powerOfTen(decimals);
  const nanos = divideHalfEven(product, power);
  const remainder = product - nanos * power;
  if (remainder === 0n) return { nanos, attos: 0n };
  // A quantity and a price of more than nine decimals each: the last ones are far below what any sum can show.
  const attos =
    decimals <= ATTO_DECIMALS
      ? remainder * powerOfTen(ATTO_DECIMALS - decimals)
      : divideHalfEven(remainder, powerOfTen(decimals - ATTO_DECIMALS));
  return { nanos, attos };
}

function powerOfTen(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}

function priceAt(prices: readonly MeterPrice[], atMs: number): MeterPrice | undefined {
  for (let index = prices.length - 1; index >= 0; index--) {
    const price = prices[index];
    if (price !== undefined && price.fromMs <= atMs) return price;
  }
  return undefined;
}
