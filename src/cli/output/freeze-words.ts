import { cleanText } from '../../domain/text/clean.ts';
import type { FreezeCause } from '../../pipeline/freeze-cause.ts';

/** Who or what froze a wallet, for people: `cli:ana@desk ("case 118")`, `the rule spend-burst (alert alt_…)`. */
export function freezeCauseWords(cause: FreezeCause): string {
  if (cause.kind === 'person') {
    return `${cleanText(cause.actor)}${cause.reason === null ? '' : ` ("${cleanText(cause.reason)}")`}`;
  }
  const rules = cause.rules.map(cleanText).join(' and ');
  const alert = cause.alert === null ? '' : ` (alert ${cause.alert})`;
  return `the ${cause.rules.length === 1 ? 'rule' : 'rules'} ${rules}${alert}`;
}
