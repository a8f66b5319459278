const BARS = '▁▂▃▄▅▆▇█';

/**
 * One character per value, zero at the bottom and the largest at the top. A value above zero never looks like zero
 * unless it is under an eighth of the largest; what is not a finite number above zero is drawn as zero.
 */
export function sparkline(
  values: readonly number[],
  max: number = Math.max(0, ...values.filter(Number.isFinite)),
): string {
  return values.map((value) => BARS.charAt(barIndex(value, max))).join('');
}

function barIndex(value: number, max: number): number {
  if (!(value > 0) || !(max > 0)) return 0;
  return Math.min(BARS.length - 1, Math.floor((value / max) * BARS.length));
}
