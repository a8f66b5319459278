import { log } from '../math.ts';

/** log10(e): turns natural logarithms into decades. */
export const DECADES_PER_NAT = Math.LOG10E;

/**
 * How rare it is to count `count` or more when `mean` are expected: −log10 P(X ≥ count), X Poisson. The first term of
 * the tail times the geometric series that bounds the rest (Feller, An Introduction to Probability Theory, VI.5); never more
 * than the exact value, close to it beyond one decade, and 0 when the count is not above the mean.
 */
export function poissonRarity(count: number, mean: number): number {
  if (!(count > mean) || count < 1) return 0;
  const first = count * log(mean) - mean - logFactorial(count);
  const ratio = Math.min(0.999, mean / (count + 1));
  return Math.max(0, (log(1 - ratio) - first) * DECADES_PER_NAT);
}

const SMALL: number[] = [0];
for (let n = 1; n <= 64; n++) SMALL.push((SMALL[n - 1] ?? 0) + log(n));

const HALF_LOG_2PI = 0.9189385332046727;

/** ln n! of a whole number: summed up to 64, beyond by Stirling's series (error below 1e-10). */
export function logFactorial(n: number): number {
  const exact = SMALL[n];
  if (exact !== undefined) return exact;
  return (n + 0.5) * log(n) - n + HALF_LOG_2PI + 1 / (12 * n) - 1 / (360 * n * n * n);
}
