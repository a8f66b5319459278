import { assert } from '../assert.ts';

/** Quantities to export are counted in 10^-18 of the meter's unit: finer than any quantity an event may bring. */
export const QUANTITY_DECIMALS = 18;
/** Digits of a value that Stripe's meters take. */
export const VALUE_DIGITS_MAX = 15;

/** How a meter's unit becomes the unit that is exported. */
export interface ExportScale {
  /** Units of the meter in one exported unit, at least 1: 1000 exports thousands of tokens. */
  readonly unitsPerValue: bigint;
  /** Decimals of an exported value, 0 to 12. */
  readonly decimals: number;
}

/** A value to export and what rounding has left for the next one. */
export interface ExportedAmount {
  /** In 10^-`decimals` of the exported unit. */
  readonly valueSteps: bigint;
  /** In 10^-18 of the meter's unit; always less than one step of the value, whatever its sign. */
  readonly carry: bigint;
}

/**
 * Rounds towards zero and keeps the rest, so that what was exported and the carry together are exactly the usage: the
 * error of any number of exports is below one step.
 */
export function exportAmount(quantity: bigint, carry: bigint, scale: ExportScale): ExportedAmount {
  const step = quantityPerStep(scale);
  const exact = quantity + carry;
  const valueSteps = exact / step;
  return { valueSteps, carry: exact - valueSteps * step };
}

/** What so many steps stand for, in 10^-18 of the meter's unit. */
export function quantityOf(valueSteps: bigint, scale: ExportScale): bigint {
  return valueSteps * quantityPerStep(scale);
}

/** The value as decimal text, without exponent and needless zeros; undefined when it has more digits than are taken. */
export function valueText(valueSteps: bigint, { decimals }: ExportScale): string | undefined {
  const sign = valueSteps < 0n ? '-' : '';
  const digits = (valueSteps < 0n ? -valueSteps : valueSteps).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  if (whole.length + fraction.length > VALUE_DIGITS_MAX) return undefined;
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

function quantityPerStep({ unitsPerValue, decimals }: ExportScale): bigint {
  assert(unitsPerValue >= 1n, 'a scale has at least one unit');
  assert(decimals >= 0 && decimals <= 12, 'a value has 0 to 12 decimals');
  return unitsPerValue * 10n ** BigInt(QUANTITY_DECIMALS - decimals);
}
