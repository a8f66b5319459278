import { type Parsed, parseMoney } from '../units.ts';

/** Money inside a condition, such as `20.00 USD`. */
export interface MoneyLiteral {
  readonly text: string;
  readonly value: Parsed<bigint>;
}

/** A condition with its money hidden from the CEL parser, and what was hidden, by place in the text. */
export interface MaskedCondition {
  readonly masked: string;
  readonly literals: ReadonlyMap<number, MoneyLiteral>;
}

// Quoted text (raw, bytes and triple-quoted forms included) and comments are skipped; an amount must not be the tail of a
// name or number.
const TOKENS =
  /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*(?:"|$)|'(?:\\.|[^'\\\n])*(?:'|$)|\/\/[^\n]*|(?<![\w.])\d+(?:\.\d+)? [A-Z]{3}(?!\w)|[\s\S]/g;

/**
 * Replaces every amount of money by an identifier of the same length, so that what follows is plain CEL and every place
 * the parser names is a place in the text as written.
 */
export function maskMoney(text: string, currency: string | undefined): MaskedCondition {
  const literals = new Map<number, MoneyLiteral>();
  const masked = text.replace(TOKENS, (token: string, offset: number) => {
    if (!/^\d+(?:\.\d+)? [A-Z]{3}$/.test(token)) return token;
    literals.set(offset, { text: token, value: parseMoney(token, currency) });
    return '_'.repeat(token.length);
  });
  return { masked, literals };
}
