import { DAY_MS } from '../time.ts';

/** Days after the decline on which a static policy tries again. */
export const LADDER_DAYS: readonly number[] = [1, 3, 5, 7];

/** Eight tries spread evenly over two weeks, in days after the decline. */
export const EVEN_DAYS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8].map((step) => (step * 14) / 8);

/** When a static policy tries next; null when it has given up. */
export function nextOnLadder(
  days: readonly number[],
  { failedAtMs, attempts }: { readonly failedAtMs: number; readonly attempts: number },
): number | null {
  const day = days[attempts];
  return day === undefined ? null : failedAtMs + day * DAY_MS;
}
