import { formatMoney } from '../money/nanos.ts';
import { formatWindow } from '../rules/say.ts';
import { formatUtc } from '../text/utc.ts';
import type { AlertFacts } from './alert-facts.ts';
import { formatValue, isMoney, nounOf, wholeNanos } from './alert-words.ts';
import type { RuleResult } from './judgement.ts';

/** What the customer is likely to ask, and an answer that support can send after reading it. */
export function suggestReply(facts: AlertFacts, lead: RuleResult | undefined): { question: string; reply: string } {
  if (facts.frozenUntilMs !== null) {
    return {
      question: 'Why did my API stop?',
      reply:
        `${paused(facts)} because ${changed(facts, lead)}. ` +
        'The pause itself moves no money; usage sent since then is kept and has not been charged. ' +
        'Is this usage yours? If it is, tell us and we resume right away. If not, please replace your API keys first.',
    };
  }
  const ask = isTampering(lead)
    ? 'Did anything that reports usage on your side change or restart around then?'
    : 'Is this usage yours? If not, please replace your API keys and tell us, and we will look at the charges with you.';
  return {
    question: 'Is something wrong with my account?',
    reply: `Your service is running${facts.slowed == null ? '' : ' at a reduced rate'}. We are asking because ${changed(facts, lead)}. ${ask}`,
  };
}

/**
 * Three steps, the first of which costs the customer nothing. Every command in them can be copied as it stands. None sends
 * the reader to `alert show`, which is where this text is read.
 */
export function nextSteps(facts: AlertFacts, lead: RuleResult | undefined): readonly string[] {
  const { alertId, walletId, frozenUntilMs } = facts;
  const freeze = `tollkeeper wallet freeze ${walletId} --hours 24 --reason ${alertId}`;
  const thaw = `tollkeeper wallet thaw ${walletId} --usage post`;
  if (isTampering(lead)) {
    return [
      '1. find out which source re-sends events under used ids, and what differs',
      "2. compare the source's totals with an independent log; if they differ, replace its credentials",
      frozenUntilMs === null
        ? `3. to stop charging meanwhile: ${freeze}`
        : `3. once that is settled: ${thaw} resumes and charges what was held back; --usage void forgives it`,
    ];
  }
  const ask = '1. send the reply above: it asks whether this usage is theirs';
  if (frozenUntilMs === null) {
    return [
      ask,
      `2. if not: ${freeze} stops the charges; have its keys replaced`,
      facts.slowed == null
        ? '3. if it is: nothing to do, usage is charged as before'
        : `3. if it is: tollkeeper wallet limit ${walletId} --lift --reason ${alertId} ends the slow-down at once`,
    ];
  }
  return [
    ask,
    `2. if it is: ${thaw} resumes and charges what was held back; --usage keep decides about it later`,
    `3. if not: have its keys replaced before the freeze ends (${formatUtc(frozenUntilMs)}), then thaw with ` +
      '--usage void, which charges nothing; tollkeeper wallet freeze gives more time',
  ];
}

function isTampering(lead: RuleResult | undefined): boolean {
  return lead?.feature === 'altered';
}

function paused({ notFrozenBecause, raisedAtMs }: AlertFacts): string {
  if (notFrozenBecause !== null) return 'Usage on your account is paused';
  return `We paused usage on your account on ${formatUtc(raisedAtMs)}`;
}

function changed(facts: AlertFacts, lead: RuleResult | undefined): string {
  // How abuse is recognised is nothing to explain to whoever may be doing it.
  if (lead === undefined || lead.evidence !== undefined) return 'its usage looked different from usual';
  const observed = formatValue(lead.observed, lead, facts.currency);
  const window = formatWindow(lead.windowMs);
  if (isMoney(lead)) {
    const usual =
      lead.expected > 0 ? `, where about ${formatMoney(wholeNanos(lead.expected), facts.currency)} is usual` : '';
    return `it spent ${observed} in ${window}${usual}`;
  }
  if (isTampering(lead)) return `we received ${observed} ${nounOf(lead)} in ${window}`;
  const usual = lead.expected > 0 ? `, where about ${formatValue(lead.expected, lead, facts.currency)} is usual` : '';
  return `it used ${observed} ${nounOf(lead)} in ${window}${usual}`;
}
