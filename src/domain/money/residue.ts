import type { ExactCharge } from './price.ts';

/** Decimals of a nano-unit that a wallet carries from one charge to the next. */
export const ATTO_DECIMALS = 18;

const ATTOS_PER_NANO = 10n ** BigInt(ATTO_DECIMALS);
const HALF = ATTOS_PER_NANO / 2n;

/**
 * What a wallet pays for one charge, in whole nano-units, when earlier rounding left it with a residue: the exact charge
 * plus the residue, rounded half-even once. A charge without a fraction is paid as it is. Never negative, because neither
 * the residue nor a charge's own remainder is ever more than half a nano.
 */
export function amountToPay(residue: bigint, { nanos, attos }: ExactCharge): bigint {
  if (attos === 0n) return nanos;
  const total = attos + residue;
  if (total > HALF) return nanos + 1n;
  if (total < -HALF) return nanos - 1n;
  const isTie = total === HALF || total === -HALF;
  if (!isTie || nanos % 2n === 0n) return nanos;
  return total > 0n ? nanos + 1n : nanos - 1n;
}

/**
 * The residue once that amount is paid: what all charges so far cost exactly, less what was paid for them, in 10^-18
 * nano-units. So the sum of any number of charges is exact to half a nano, and nothing leaks to either side.
 */
export function residueAfter(residue: bigint, { nanos, attos }: ExactCharge, paid: bigint): bigint {
  if (attos === 0n) return residue;
  return paid === nanos ? residue + attos : residue + attos - (paid - nanos) * ATTOS_PER_NANO;
}
