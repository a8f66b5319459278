import type { Decline } from '../topups/decline.ts';
import {
  ADVICE_CODES,
  DECLINE_CODES,
  type DeclineClass,
  type DeclineRule,
  type Disclosure,
  NETWORK_ADVICE_CODES,
  NETWORK_DECLINE_CODES,
} from './decline-rules.ts';

/** What follows from a decline, and which of its codes said so. */
export interface DeclineVerdict {
  readonly class: DeclineClass;
  readonly tell: Disclosure;
  /** Which kind of code decided; `unknown` when none was understood. */
  readonly by: 'advice_code' | 'network_advice_code' | 'network_decline_code' | 'decline_code' | 'code' | 'unknown';
  /** The code that decided, as Stripe gave it; null when there was none. */
  readonly code: string | null;
}

const UNKNOWN: DeclineRule = { class: 'retry_once', tell: 'generic' };

/**
 * What a decline means: the advice outranks the network's codes, those the decline code, and that the error code. Suspected
 * fraud said by any code outranks them all, so that no advice to try again leads to a mail to a thief. Unknown codes are
 * tried once more and told as "your bank declined".
 */
export function classifyForDunning(decline: Decline): DeclineVerdict {
  const { adviceCode, networkAdviceCode, networkDeclineCode, declineCode, code } = decline;
  const said = [
    { by: 'advice_code', code: adviceCode, rule: ruleOf(ADVICE_CODES, adviceCode) },
    { by: 'network_advice_code', code: networkAdviceCode, rule: ruleOf(NETWORK_ADVICE_CODES, networkAdviceCode) },
    { by: 'network_decline_code', code: networkDeclineCode, rule: ruleOf(NETWORK_DECLINE_CODES, networkDeclineCode) },
    { by: 'decline_code', code: declineCode, rule: ruleOf(DECLINE_CODES, declineCode) },
    { by: 'code', code, rule: ruleOf(DECLINE_CODES, code) },
  ] as const;
  const found =
    said.find(({ rule }) => rule?.class === 'suspected_fraud') ?? said.find(({ rule }) => rule !== undefined);
  if (found?.rule === undefined) return { ...UNKNOWN, by: 'unknown', code: declineCode ?? code };
  // "Confirm the card's data" and "authenticate" ask different things of a customer; the card's own word is the exact one.
  const exact = found.by === 'advice_code' ? ruleOf(DECLINE_CODES, declineCode ?? code) : undefined;
  const rule = exact !== undefined && found.rule.class !== 'retry' && isAsk(exact) ? exact : found.rule;
  return { ...rule, by: found.by, code: found.code };
}

/** Whether a try without the customer may be made at all. */
export function mayRetry({ class: of }: Pick<DeclineVerdict, 'class'>): boolean {
  return of === 'retry' || of === 'retry_once';
}

function isAsk({ class: of }: DeclineRule): boolean {
  return of === 'authenticate' || of === 'fix_details';
}

// Codes come from outside: a name such as `constructor` is no rule.
function ruleOf(rules: Readonly<Record<string, DeclineRule>>, code: string | null): DeclineRule | undefined {
  return code !== null && Object.hasOwn(rules, code) ? rules[code] : undefined;
}
