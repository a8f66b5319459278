import { NANOS_PER_UNIT } from './nanos.ts';

// Currencies that Stripe counts in whole major units, and in thousandths (docs.stripe.com/currencies). ISK and UGX have no
// minor unit but are counted in hundredths there, so they are not among the first.
const WHOLE = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '));
const THOUSANDTHS = new Set('BHD JOD KWD OMR TND'.split(' '));

/** Nano-units in one of Stripe's smallest units of a currency: 10,000,000 for a cent. */
export function nanosPerMinor(currency: string): bigint {
  if (WHOLE.has(currency)) return NANOS_PER_UNIT;
  return THOUSANDTHS.has(currency) ? NANOS_PER_UNIT / 1_000n : NANOS_PER_UNIT / 100n;
}

/** Nano-units of an amount in Stripe's smallest units. Exact. */
export function minorToNanos(minor: bigint, currency: string): bigint {
  return minor * nanosPerMinor(currency);
}

/** Stripe's smallest units of an amount; undefined when it is not a whole number of them. */
export function nanosToMinor(nanos: bigint, currency: string): bigint | undefined {
  const unit = nanosPerMinor(currency);
  return nanos % unit === 0n ? nanos / unit : undefined;
}
