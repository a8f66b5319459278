import { formatAmount, formatWindow } from '../rules/say.ts';
import { cleanText } from '../text/clean.ts';
import type { RuleResult } from './judgement.ts';

/** Whether a rule's numbers are money of the wallet's currency. */
export function isMoney(result: Pick<RuleResult, 'unit'>): boolean {
  return result.unit === 'nanos';
}

/** Nano-units of a feature's double. Never throws: an alert is written inside the transaction that posts the usage. */
export function wholeNanos(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.round(value)) : 0n;
}

/** A value in the unit of the rule's feature, as the rule's own sentence writes it: `$412.80`, `31`. */
export function formatValue(value: number, result: Pick<RuleResult, 'unit'>, currency: string): string {
  return formatAmount(value, isMoney(result) ? { kind: 'money', currency } : { kind: 'count', name: result.unit });
}

/** What a feature counts, after a number: `31 events re-sent with other content`. Empty for money. */
export function nounOf(result: RuleResult): string {
  if (isMoney(result)) return '';
  if (result.feature === 'altered')
    return result.observed === 1 ? 'event re-sent with other content' : 'events re-sent with other content';
  if (result.feature === 'events') return 'events';
  const meter = /^quantity\('(.+)'\)$/.exec(result.feature)?.[1];
  return cleanText(meter ?? result.unit);
}

/** `45×`, `3.2×`; undefined when there is no usual to divide by. */
export function formatTimes(times: number | undefined): string | undefined {
  if (times === undefined || !Number.isFinite(times)) return undefined;
  return `${times >= 10 ? Math.round(times).toLocaleString('en-US') : times.toFixed(1)}×`;
}

/** `$412.80 in 6 hours`. */
export function observedInWindow(result: RuleResult, currency: string): string {
  const value = formatValue(result.observed, result, currency);
  const noun = nounOf(result);
  return `${value}${noun === '' ? '' : ` ${noun}`} in ${formatWindow(result.windowMs)}`;
}

/** What is normal for the account, in a sentence; the rule has some history. */
export function usualSentence(result: RuleResult, currency: string): string {
  const window = formatWindow(result.windowMs);
  const expected = formatValue(result.expected, result, currency);
  const upper = formatValue(result.upper, result, currency);
  const verb = isMoney(result) ? 'spends' : 'has';
  if (result.expected === 0 && result.upper === 0) return `This account usually ${verb} none in ${window}.`;
  if (result.kind === 'burst')
    return `In a busy hour this account ${verb} ${expected} in ${window} (at most ${upper} so far).`;
  const range =
    result.lower > 0 ? `between ${formatValue(result.lower, result, currency)} and ${upper}` : `up to ${upper}`;
  return `In comparable windows this account usually ${verb} ${expected} (${range} nine times in ten).`;
}

/** What the baseline rests on: `28 comparable windows of 6 hours`; for bursts, hours. */
export function baselineOf(result: RuleResult): string {
  const points = groupThousands(String(result.points));
  if (result.evidence !== undefined) return `${points} ${result.points === 1 ? 'event' : 'events'} of this account`;
  if (result.kind === 'burst') return `${points} ${result.points === 1 ? 'hour' : 'hours'} of history`;
  const windows = result.points === 1 ? 'comparable window' : 'comparable windows';
  return `${points} ${windows} of ${formatWindow(result.windowMs)}`;
}

function groupThousands(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
