import type { AlertFacts } from '../decisions/alert-facts.ts';
import { isMoney, wholeNanos } from '../decisions/alert-words.ts';
import type { RuleResult } from '../decisions/judgement.ts';
import type { SlottedText } from '../numbers-lock/slots.ts';
import { cleanLabel } from '../text/clean.ts';
import { countIn, moneyIn, numberIn, type Reader, spanIn, timeIn } from './locale.ts';
import { wordsOf } from './words.ts';

/**
 * An answer that support may send to the customer, in the customer's language and zone, with its figures as slots. It names
 * no rule and no threshold and accuses nobody: how abuse is recognised is nothing to explain to whoever may be doing it.
 */
export function replyFor(facts: AlertFacts, lead: RuleResult | undefined, reader: Reader): SlottedText {
  const words = wordsOf(reader.language).reply;
  const values: Record<string, string> = {};
  const slot = (name: string, value: string) => {
    values[name] = value;
    return `{{${name}}}`;
  };
  const isStopped = facts.frozenUntilMs !== null;
  const because = becauseOf(facts, lead, { reader, slot });
  const opening = isStopped
    ? words.paused(facts.notFrozenBecause === null ? slot('at', timeIn(facts.raisedAtMs, reader)) : null)
    : facts.slowed == null
      ? words.running
      : words.slower;
  const ask = isStopped ? words.askStopped : isTampering(lead) ? words.askTampering : words.askRunning;
  return { language: reader.language, template: `${opening}${because} ${ask}`, values };
}

/** Whether an alert is about events that came again with other content. */
export function isTampering(lead: RuleResult | undefined): boolean {
  return lead?.feature === 'altered';
}

function becauseOf(
  { currency }: AlertFacts,
  lead: RuleResult | undefined,
  { reader, slot }: { readonly reader: Reader; readonly slot: (name: string, value: string) => string },
): string {
  const words = wordsOf(reader.language).reply;
  // A rule of the stream measures rarity, which is no figure to send to anybody.
  if (lead === undefined || lead.evidence !== undefined) return words.becauseDifferent;
  const span = slot('span', spanIn(lead.windowMs, reader));
  if (isTampering(lead)) return words.becauseRepeated(slot('observed', nounedIn(lead.observed, lead, reader)), span);
  const figure = (value: number) =>
    isMoney(lead) ? moneyIn(wholeNanos(value), currency, reader) : numberIn(value, reader);
  const observed = slot('observed', figure(lead.observed));
  const usual = lead.expected > 0 ? slot('usual', figure(lead.expected)) : null;
  if (isMoney(lead)) return words.becauseSpent(observed, span, usual);
  return words.becauseUsed(observed, slot('noun', nounIn(lead, reader)), span, usual);
}

/** What a feature counts: a meter's name, `events`, or its unit. Meters are named by the customer's programs. */
export function nounIn(result: RuleResult, reader: Reader): string {
  const { nouns } = wordsOf(reader.language);
  if (result.feature === 'altered') return result.observed === 1 ? nouns.repeatedOne : nouns.repeated;
  if (result.feature === 'events') return result.observed === 1 ? nouns.event : nouns.events;
  const meter = /^quantity\('(.+)'\)$/.exec(result.feature)?.[1];
  return cleanLabel(meter ?? result.unit, 40);
}

/** A figure of a rule with what it counts: `$412.80`, `31 events`. */
export function nounedIn(value: number, result: RuleResult, reader: Reader, currency = ''): string {
  if (isMoney(result)) return moneyIn(wholeNanos(value), currency, reader);
  const noun = nounIn(result, reader);
  return noun === '' ? numberIn(value, reader) : countIn(value, noun, noun, reader);
}
