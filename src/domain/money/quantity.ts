/**
 * An exact, non-negative decimal: `coefficient × 10^-decimals`. `text` is its canonical form (no exponent, no leading
 * or trailing zeros), so equal quantities have equal text and hash alike.
 */
export interface Quantity {
  readonly text: string;
  readonly coefficient: bigint;
  readonly decimals: number;
  /** Nearest double, for features only; money is never computed from it. */
  readonly approximate: number;
}

export type QuantityError =
  | 'QUANTITY_NOT_DECIMAL'
  | 'QUANTITY_NOT_FINITE'
  | 'QUANTITY_NEGATIVE'
  | 'QUANTITY_TOO_LARGE'
  | 'QUANTITY_TOO_PRECISE';

/** Whole digits and decimals a quantity may have: far beyond any meter, small enough to bound every multiplication. */
export const QUANTITY_WHOLE_DIGITS_MAX = 18;
export const QUANTITY_DECIMALS_MAX = 18;

/** Longer text than this cannot be within the limits, unless it is padded with zeros. */
const TEXT_MAX = 64;

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
const NOT_FINITE = /^[+-]?(nan|inf(inity)?)$/i;

/**
 * Reads a quantity from a decimal string, or from a JSON number by its shortest decimal (so 0.1 is exactly one tenth).
 * Returns the error code when the value is not a non-negative decimal within the digit limits.
 */
export function parseQuantity(value: unknown): Quantity | QuantityError {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return wholeQuantity(value);
    if (!Number.isFinite(value)) return 'QUANTITY_NOT_FINITE';
    return parseDecimal(String(value));
  }
  if (typeof value !== 'string') return 'QUANTITY_NOT_DECIMAL';
  // A hostile megabyte of digits is refused before a regular expression or BigInt sees it.
  return value.length > TEXT_MAX ? refuseLong(value.slice(0, TEXT_MAX)) : parseDecimal(value);
}

/** The quantity of a safe, non-negative whole number. */
export function wholeQuantity(value: number): Quantity {
  return { text: String(value), coefficient: BigInt(value), decimals: 0, approximate: value };
}

function refuseLong(start: string): QuantityError {
  if (!/^-?[\d.]+$/.test(start)) return 'QUANTITY_NOT_DECIMAL';
  return /^-?0*[1-9]\d{18}/.test(start) ? 'QUANTITY_TOO_LARGE' : 'QUANTITY_TOO_PRECISE';
}

function parseDecimal(text: string): Quantity | QuantityError {
  const match = DECIMAL.exec(text);
  if (match === null) return NOT_FINITE.test(text) ? 'QUANTITY_NOT_FINITE' : 'QUANTITY_NOT_DECIMAL';
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return wholeQuantity(0);
  if (sign === '-') return 'QUANTITY_NEGATIVE';

  const trimmed = digits.replace(/0+$/, '');
  const decimals = fraction.length - exponent - (digits.length - trimmed.length);
  if (trimmed.length - decimals > QUANTITY_WHOLE_DIGITS_MAX) return 'QUANTITY_TOO_LARGE';
  if (decimals > QUANTITY_DECIMALS_MAX) return 'QUANTITY_TOO_PRECISE';
  return canonical(trimmed, decimals);
}

function canonical(digits: string, decimals: number): Quantity {
  const coefficientDigits = decimals < 0 ? digits + '0'.repeat(-decimals) : digits;
  const scale = Math.max(decimals, 0);
  const padded = coefficientDigits.padStart(scale + 1, '0');
  const cut = padded.length - scale;
  const text = scale === 0 ? padded : `${padded.slice(0, cut)}.${padded.slice(cut)}`;
  return { text, coefficient: BigInt(coefficientDigits), decimals: scale, approximate: Number(text) };
}
