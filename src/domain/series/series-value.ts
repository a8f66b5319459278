const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const DECIMAL_COMMA = /^([+-]?\d+),(\d+)$/;

/** Larger numbers would overflow when they are squared. */
const VALUE_MAX = 1e150;

/**
 * The number in a cell, or undefined when it holds none that can be computed with. A decimal comma is understood; it can
 * only stand where commas do not separate cells.
 */
export function parseSeriesValue(text: string): number | undefined {
  const trimmed = text.trim();
  const plain = NUMBER.test(trimmed) ? trimmed : trimmed.replace(DECIMAL_COMMA, '$1.$2');
  if (!NUMBER.test(plain)) return undefined;
  const value = Number(plain);
  return Math.abs(value) <= VALUE_MAX ? value : undefined;
}

/** Whether a cell says that there is no value, in any of the ways programs say it. */
export function isMissingValue(text: string): boolean {
  return /^(?:|nan|na|n\/a|null|none|nil|-)$/i.test(text.trim());
}
