import { formatValue } from '../../domain/decisions/alert-words.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { formatWindow } from '../../domain/rules/say.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { Check } from '../../pipeline/explain/detect-checks.ts';
import type { RuleExplanation, RuleVerdict } from '../../pipeline/explain/explain-decision.ts';

/** A verdict as people say it. */
export const VERDICT_WORDS: Readonly<Record<RuleVerdict, string>> = {
  fires: 'fires',
  fires_told_before: 'fires, told before',
  held_back: 'over its threshold, held back',
  quiet: 'quiet',
  inconclusive: 'cannot be said',
};

/** A check's value with its unit: `$30.60`, `5.1 spreads`, `1 in 3,200 account-days`. */
export function checkValue(value: Check['value'], unit: string, currency: string): string {
  if (value === null) return '?';
  if (typeof value === 'string') return cleanText(value);
  switch (unit) {
    case 'rarity':
      return rarityWords(value);
    case 'spreads':
      return `${trimmed(value)} spreads`;
    case 'times':
      return `${trimmed(value)}×`;
    case 'days':
      return `${trimmed(value)} days`;
    case 'ratio':
    case 'plain':
    case 'clock':
    case '':
      return trimmed(value);
    default:
      return formatValue(value, { unit }, currency);
  }
}

function trimmed(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A rarity in decades as how often an honest account gets so far. */
function rarityWords(decades: number): string {
  if (!(decades > 0)) return 'nothing unusual';
  const days = 10 ** Math.min(decades, 12);
  const rounded = Number(days.toPrecision(2));
  return `once in ${rounded.toLocaleString('en-US')} account-days`;
}

/** What would have made a rule come out otherwise, one sentence each. */
export function changeWords({ verdict, evidence, firesFrom, decisive }: RuleExplanation, currency: string): string[] {
  const amount = (value: number, unit: string) => checkValue(value, unit, currency);
  return decisive.flatMap((check) => {
    if (check.part !== 'detect') {
      const state = check.holds === true ? 'true' : 'false';
      if (check.holds === null) return [];
      const fires = verdict === 'fires' || verdict === 'fires_told_before';
      return [`Would ${fires ? 'not have fired' : 'have fired'} had \`${cleanText(check.text)}\` not been ${state}.`];
    }
    if (firesFrom === null) return [];
    const { unit } = check;
    if (verdict !== 'quiet') return [`Would not have fired below ${amount(firesFrom, unit)}.`];
    const { observed } = evidence;
    const missing = observed === null || unit === 'rarity' ? '' : `: ${amount(firesFrom - observed, unit)} more`;
    return [`Would have fired from ${amount(firesFrom, unit)}${missing}.`];
  });
}

/** What is usual for the account under a rule; undefined where nothing is known. */
export function usualWords({ evidence, verdict }: RuleExplanation, currency: string): string | undefined {
  const { expected, lower, upper, points, unit, windowMs, kind } = evidence;
  if (evidence.evidence !== undefined)
    return points === 0 ? undefined : `${points.toLocaleString('en-US')} events of this account`;
  if (expected === null || points === 0 || (verdict === 'inconclusive' && expected === 0)) return undefined;
  const amount = (value: number | null) => (value === null ? '?' : formatValue(value, { unit }, currency));
  const from =
    kind === 'burst'
      ? `${points.toLocaleString('en-US')} hours`
      : `${points.toLocaleString('en-US')} comparable windows of ${formatWindow(windowMs)}`;
  const range = kind === 'burst' ? `at most ${amount(upper)}` : `${amount(lower)} to ${amount(upper)}`;
  return `${amount(expected)} (${range}), from ${from}`;
}

/** An amount of nano-units in the decision's currency. */
export function nanosWords(nanos: bigint | number, currency: string): string {
  return formatMoney(typeof nanos === 'bigint' ? nanos : BigInt(Math.round(nanos)), currency);
}
