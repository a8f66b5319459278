import { formatDecimal } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';

/**
 * One JSON text for stdout. Characters that could act on a terminal are escaped, which changes nothing for a parser.
 * Amounts and sequences must have become text before: a number would lose digits.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item), 2);
  return text.replace(
    /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** An amount under its name, exact, as a decimal and in nano-units: `balance` and `balanceNanos`. */
export function moneyFields<Name extends string>(
  name: Name,
  nanos: bigint | null,
): { readonly [key in Name | `${Name}Nanos`]: string | null } {
  const fields = { [name]: nanos === null ? null : formatDecimal(nanos), [`${name}Nanos`]: nanos?.toString() ?? null };
  // The two keys are the ones just written; TypeScript does not follow computed names.
  return fields as { readonly [key in Name | `${Name}Nanos`]: string | null };
}

/** A time as ISO 8601 in UTC. */
export function timeField(ms: number | null): string | null {
  return ms === null ? null : formatIso(ms);
}
