/** A share with the range it plausibly has, given how few cases there are. All between 0 and 1. */
export interface Share {
  readonly hits: number;
  readonly of: number;
  /** Null when there is nothing to divide by. */
  readonly value: number | null;
  readonly low: number;
  readonly high: number;
}

// Φ⁻¹(0.975): a range that holds the truth 19 times in 20.
const Z_95 = 1.959963984540054;

/** `hits` of `of` with its 95 % Wilson score interval (E. B. Wilson, 1927), which stays within 0 and 1 for few cases too. */
export function shareOf(hits: number, of: number): Share {
  if (of === 0) return { hits, of, value: null, low: 0, high: 1 };
  const value = hits / of;
  const squared = Z_95 * Z_95;
  const scale = 1 + squared / of;
  const center = value + squared / (2 * of);
  const margin = Z_95 * Math.sqrt((value * (1 - value)) / of + squared / (4 * of * of));
  const low = hits === 0 ? 0 : Math.max(0, (center - margin) / scale);
  const high = hits === of ? 1 : Math.min(1, (center + margin) / scale);
  return { hits, of, value, low, high };
}
