/** Nano-units in one major unit of any currency: 1 USD = 1,000,000,000. */
export const NANOS_PER_UNIT = 1_000_000_000n;

/** Largest amount a bigint column holds; sums beyond it are refused before they reach SQL. */
export const NANOS_MAX = 9_223_372_036_854_775_807n;

/** The lesser of two amounts. */
export function lesser(left: bigint, right: bigint): bigint {
  if (left < right) return left;
  return right;
}

/**
 * Divides by a power of ten, rounding half to even (IEEE 754 §4.3.1): a half goes to the even neighbour, so a long sum
 * of rounded charges has no drift to either side.
 */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  const twice = (remainder < 0n ? -remainder : remainder) * 2n;
  if (twice < denominator || (twice === denominator && quotient % 2n === 0n)) return quotient;
  return remainder < 0n ? quotient - 1n : quotient + 1n;
}

/** Exact decimal text of an amount in major units, for machines: `-0.0000375`. */
export function formatDecimal(nanos: bigint): string {
  const sign = nanos < 0n ? '-' : '';
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -9)}${fraction === '' ? '' : `.${fraction}`}`;
}

const SYMBOLS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£' };

/** Money for people: `$1,204.60`, with the minus before the sign and four decimals below one cent. */
export function formatMoney(nanos: bigint, currency: string): string {
  const absolute = nanos < 0n ? -nanos : nanos;
  const decimals = absolute !== 0n && absolute < 10_000_000n ? 4 : 2;
  const scaled = divideHalfEven(absolute, 10n ** BigInt(9 - decimals))
    .toString()
    .padStart(decimals + 1, '0');
  return withSigns(nanos, scaled.slice(0, -decimals), scaled.slice(-decimals), currency);
}

/** Money for people who check single events: every digit there is, and at least two decimals: `−$0.0000018`. */
export function formatExactMoney(nanos: bigint, currency: string): string {
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0{1,7}$/, '');
  return withSigns(nanos, digits.slice(0, -9), fraction, currency);
}

function withSigns(nanos: bigint, whole: string, fraction: string, currency: string): string {
  const number = `${whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')}.${fraction}`;
  const symbol = SYMBOLS[currency];
  return `${nanos < 0n ? '−' : ''}${symbol === undefined ? `${number} ${currency}`.trimEnd() : symbol + number}`;
}

/** Reads `20.00` or `20.00 USD` into nano-units; undefined when it is not an exact amount of at most nine decimals. */
export function parseMoney(text: string): { readonly nanos: bigint; readonly currency?: string } | undefined {
  const match = /^(-?)(\d{1,9})(?:\.(\d{1,9}))?(?: ([A-Z]{3}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '0', fraction = '', currency] = match;
  const nanos = BigInt(whole) * NANOS_PER_UNIT + BigInt(fraction.padEnd(9, '0'));
  return { nanos: sign === '-' ? -nanos : nanos, ...(currency === undefined ? {} : { currency }) };
}
