/** Statistics over a sorted or unsorted list of numbers, each with a fixed order of operations. */

/** Arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Sample standard deviation (n − 1), by the two-pass formula; NaN of fewer than two. */
export function sampleDeviation(values: readonly number[]): number {
  const center = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - center) * (value - center);
  return Math.sqrt(squares / (values.length - 1));
}

/** The values in ascending order, as a new list. */
export function sorted(values: readonly number[]): number[] {
  // A typed array sorts numerically without calling back into JavaScript per comparison.
  return [...Float64Array.from(values).sort()];
}

/** Median of an ascending list; NaN of nothing. */
export function medianOfSorted(ascending: readonly number[]): number {
  const middle = ascending.length >> 1;
  const upper = ascending[middle] ?? Number.NaN;
  return ascending.length % 2 === 1 ? upper : ((ascending[middle - 1] ?? Number.NaN) + upper) / 2;
}

// 1 / Φ⁻¹(¾): makes the median absolute deviation of normal data agree with its standard deviation.
const NORMAL_CONSISTENCY = 1.482602218505602;

/** Median absolute deviation from `center`, scaled to agree with a standard deviation on normal data. */
export function scaledDeviationFrom(center: number, values: readonly number[]): number {
  return NORMAL_CONSISTENCY * medianOfSorted(sorted(values.map((value) => Math.abs(value - center))));
}

/** Quantile of an ascending list: the smallest value that at least the share `q` of the list does not exceed. */
export function quantileOfSorted(ascending: readonly number[], q: number): number {
  const rank = Math.ceil(q * ascending.length) - 1;
  return ascending[Math.min(Math.max(rank, 0), ascending.length - 1)] ?? Number.NaN;
}
