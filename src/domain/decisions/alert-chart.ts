import { formatMoney } from '../money/nanos.ts';
import { sparkline } from '../text/sparkline.ts';
import { formatUtc } from '../text/utc.ts';
import { HOUR_MS } from '../time.ts';
import type { AlertFacts } from './alert-facts.ts';
import { isMoney, wholeNanos } from './alert-words.ts';
import type { RuleResult } from './judgement.ts';

const HOURS_MAX = 48;

/**
 * Two lines: spend per hour of the last two days, and what its ends, its peak and its usual are. Empty when nothing
 * was spent in that time.
 */
export function drawSpend(facts: AlertFacts, hits: readonly RuleResult[]): string {
  const hours = facts.hourlySpendNanos.slice(-HOURS_MAX);
  const peak = Math.max(0, ...hours);
  if (!(peak > 0)) return '';
  const money = (nanos: number) => formatMoney(wholeNanos(nanos), facts.currency);
  const firstMs = (Math.floor(facts.raisedAtMs / HOUR_MS) - hours.length + 1) * HOUR_MS;
  const usual = usualPerHour(hits);
  const usualText = usual === undefined ? '' : ` · ${usual.label} ┄┄┄ ${money(usual.nanos)}`;
  const caption = `from ${formatUtc(firstMs)} to now · peak ${money(peak)}${usualText}`;
  return `  spend/hour  ${sparkline(hours)}\n  ${''.padEnd(12)}${caption}`;
}

/** From the rule that weighs most among those about spend; undefined when none of them knows a usual. */
function usualPerHour(hits: readonly RuleResult[]): { readonly label: string; readonly nanos: number } | undefined {
  const rules = hits.filter((hit) => isMoney(hit) && hit.feature === 'spend' && hit.expected > 0);
  // What a burst compares with is the account's busy hours, which is not its usual.
  const rule = rules.find(({ kind }) => kind !== 'burst') ?? rules[0];
  if (rule === undefined) return undefined;
  return { label: rule.kind === 'burst' ? 'busy hour' : 'usual', nanos: (rule.expected / rule.windowMs) * HOUR_MS };
}
