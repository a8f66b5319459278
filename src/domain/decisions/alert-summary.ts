import { formatMoney } from '../money/nanos.ts';
import type { Outcome } from '../rules/band.ts';
import { formatWindow } from '../rules/say.ts';
import { cleanLabel, cleanText } from '../text/clean.ts';
import { formatUtc } from '../text/utc.ts';
import { labelled } from '../text/wrap.ts';
import { drawSpend } from './alert-chart.ts';
import type { AlertFacts } from './alert-facts.ts';
import { nextSteps, suggestReply } from './alert-reply.ts';
import { baselineOf, formatTimes, formatValue, isMoney, observedInWindow, usualSentence } from './alert-words.ts';
import type { RuleResult } from './judgement.ts';
import { probabilityWords, weighedWords } from './weighed-words.ts';

export type { AlertFacts } from './alert-facts.ts';

const LAYOUT = { indent: 14, columns: 100 } as const;
const ACCOUNT_COLUMNS_MAX = 40;

/** The alert as people read it: what happened, against what is normal, what was done and what they can do. */
export function writeAlertSummary(facts: AlertFacts): { readonly title: string; readonly summary: string } {
  const hits = facts.results.filter((result) => isHit(result) && result.mode === 'live').sort(byWeight);
  const lead = hits[0];
  const block = (label: string, ...paragraphs: string[]) => labelled(label, paragraphs, LAYOUT);
  const { question, reply } = suggestReply(facts, lead);
  const sections = [
    labelled('', [whatHappened(facts, lead)], { indent: 0, columns: LAYOUT.columns }),
    drawSpend(facts, hits),
    [
      block('Why', whyIntro(facts), ...hits.map((hit) => explain(hit, facts.currency)), ...shadowLine(facts)),
      block('At risk', atRisk(facts)),
      ...(facts.choice === null ? [] : [block('Weighed', weighedWords(facts.choice, facts.currency))]),
      block(facts.frozenUntilMs === null ? 'Done' : 'Saved so far', whatWasDone(facts)),
      block('Not certain', ...notCertain(facts, lead)),
      block('They may ask', `"${question}"`, `Reply: ${reply}`),
      block('Next', ...nextSteps(facts, lead)),
    ].join('\n'),
  ];
  return { title: titleOf(facts), summary: sections.filter((section) => section !== '').join('\n\n') };
}

function titleOf(facts: AlertFacts): string {
  const account = cleanLabel(facts.account, ACCOUNT_COLUMNS_MAX);
  const at = formatUtc(facts.raisedAtMs, { year: true });
  if (facts.frozenUntilMs === null && facts.slowed != null)
    return `${account} · wallet slowed down ${at} until ${formatUtc(facts.slowed.untilMs)}`;
  if (facts.frozenUntilMs === null) return `${account} · ${HEADLINES[facts.outcome]} · ${at}`;
  // An alert on a wallet that another decision froze must not claim that freeze for itself.
  const verb = facts.notFrozenBecause === null ? 'wallet frozen' : 'again, wallet already frozen';
  return `${account} · ${verb} ${at} until ${formatUtc(facts.frozenUntilMs)}`;
}

const HEADLINES: Readonly<Record<Outcome, string>> = {
  allow: 'noted',
  watch: 'worth watching',
  review: 'needs a review',
  freeze: 'should be frozen, but is not',
};

function whatHappened({ currency }: AlertFacts, lead: RuleResult | undefined): string {
  if (lead === undefined)
    return 'No live rule explains this alert; the evidence of the decision lists what was evaluated.';
  if (lead.evidence !== undefined) return cleanText(lead.say === '' ? `${lead.title}.` : lead.say);
  const observed = observedInWindow(lead, currency);
  const happened = isMoney(lead) ? `Spent ${observed}.` : `Reported ${observed}.`;
  if (lead.points === 0) return `${happened} There is no history to compare it with.`;
  return `${happened} ${usualSentence(lead, currency)}`;
}

function whyIntro({ score, outcome }: AlertFacts): string {
  return `${score} of 100 points, which means ${outcome}. These rules fired:`;
}

/** The rule's own sentence, and after it only the figures that the sentence leaves out. */
function explain(hit: RuleResult, currency: string): string {
  const said = cleanText(hit.say === '' ? hit.title : hit.say)
    .trim()
    .replace(/\.$/, '');
  if (hit.evidence !== undefined) return `${cleanLabel(hit.ruleId, 60)}: ${said}.`;
  const observed = formatValue(hit.observed, hit, currency);
  const expected = formatValue(hit.expected, hit, currency);
  const threshold = hit.threshold === null ? undefined : formatValue(hit.threshold, hit, currency);
  const times = formatTimes(hit.times);
  const isExpectedNamed = hit.points === 0 || names(said, expected);
  const isTimesNamed = times === undefined || names(said, times);
  const missing = [
    ...(names(said, observed) ? [] : [`Observed ${observedInWindow(hit, currency)}`]),
    ...(isExpectedNamed || !isTimesNamed ? [] : [`Expected ${expected}`]),
    ...(threshold === undefined || names(said, threshold) ? [] : [`Would not have fired below ${threshold}`]),
  ];
  // Behind the sentence, a multiple would seem to belong to the last figure in it.
  const remarks = [
    ...(isTimesNamed ? [] : [`${times} the expected${isExpectedNamed ? '' : ` ${expected}`}`]),
    ...(hit.status === 'snoozed' ? ['told before, still true'] : []),
  ];
  const about = remarks.length === 0 ? '' : ` (${remarks.join('; ')})`;
  return `${cleanLabel(hit.ruleId, 60)}${about}: ${[said, ...missing].join('. ')}.`;
}

/** Whether a sentence holds a figure as a whole: `$1.43` is not named by `$11.43`, nor `20` by `1,204.20`. */
function names(sentence: string, figure: string): boolean {
  for (let at = sentence.indexOf(figure); at >= 0; at = sentence.indexOf(figure, at + 1)) {
    const isWhole =
      !/[\d.,$€£−]$/.test(sentence.slice(0, at)) && !/^(?:\d|[.,]\d)/.test(sentence.slice(at + figure.length));
    if (isWhole) return true;
  }
  return false;
}

function shadowLine({ results }: AlertFacts): readonly string[] {
  const names = results
    .filter((result) => isHit(result) && result.mode === 'shadow')
    .map(({ ruleId }) => cleanLabel(ruleId, 60));
  return names.length === 0 ? [] : [`Also true, but in shadow and without effect: ${names.join(', ')}.`];
}

function atRisk(facts: AlertFacts): string {
  const amount = formatMoney(facts.moneyAtRiskNanos, facts.currency);
  const balance = `Balance ${formatMoney(facts.balanceNanos, facts.currency)}.`;
  if (facts.frozenUntilMs !== null)
    return `${amount}: what is owed or can still be reversed. Nothing more is spent while frozen. ${balance}`;
  const hours = `${facts.reactionHours} ${facts.reactionHours === 1 ? 'hour' : 'hours'}`;
  return `${amount} if nobody acts for ${hours}: what is owed or can still be reversed, and usage at this rate. ${balance}`;
}

function whatWasDone(facts: AlertFacts): string {
  const spent =
    facts.lossNanos > 0n ? ` ${formatMoney(facts.lossNanos, facts.currency)} above the usual is spent already.` : '';
  if (facts.frozenUntilMs === null) {
    const because = facts.notFrozenBecause === null ? '' : ` Not frozen: ${cleanText(facts.notFrozenBecause)}.`;
    return `${slowedWords(facts)}${because}${spent}${radarAsked(facts)}`;
  }
  const held =
    facts.heldBackNanos > 0n
      ? `${formatMoney(facts.heldBackNanos, facts.currency)} of usage is held back in quarantine, not charged and not lost.`
      : 'Nothing yet. From now on usage goes to quarantine: not charged and not lost.';
  return `${held} The freeze ends ${formatUtc(facts.frozenUntilMs)}.${spent}${radarAsked(facts)}`;
}

function radarAsked({ radar, alertId }: AlertFacts): string {
  if (radar == null) return '';
  const until = formatUtc(radar.untilMs);
  return ` Asked of Radar: to have this customer's top-ups looked at before they are captured, until ${until}. What came of it: tollkeeper alert show ${alertId}.`;
}

function slowedWords({ slowed, currency }: AlertFacts): string {
  if (slowed == null) return 'Usage is charged as before.';
  const limit = `${formatMoney(slowed.limitNanos, currency)} in ${formatWindow(slowed.periodMs)}`;
  return `Slowed down: at most ${limit} is charged until ${formatUtc(slowed.untilMs)}; what is beyond waits in quarantine and is not lost.`;
}

function notCertain({ results, choice, rulesNote }: AlertFacts, lead: RuleResult | undefined): readonly string[] {
  const lines = [
    choice === null
      ? 'There is no probability of abuse: this says how unusual the usage is, not why it happened.'
      : probabilityWords(choice),
  ];
  if (lead !== undefined)
    lines.push(`The baseline rests on ${baselineOf(lead)}${lead.points < FEW_POINTS ? ', which is little' : ''}.`);
  const missing = results.filter((result) => result.status === 'inconclusive' && result.mode === 'live');
  const isCondition = ({ reason }: RuleResult) => /^(?:when|unless): /.test(reason ?? '');
  lines.push(
    ...couldNotJudge(
      'too little history',
      missing.filter((result) => !isCondition(result)),
    ),
  );
  lines.push(...couldNotJudge('a condition cannot be computed', missing.filter(isCondition)));
  if (rulesNote !== undefined) lines.push(`Rules: ${rulesNote}.`);
  return lines;
}

function couldNotJudge(why: string, missing: readonly RuleResult[]): readonly string[] {
  if (missing.length === 0) return [];
  const reasons = missing.map(({ ruleId, reason }) => `${cleanLabel(ruleId, 60)} (${cleanText(reason ?? why)})`);
  return [`Could not judge, ${why}: ${reasons.join(', ')}.`];
}

/** Below this a centre and spread are rough guesses: two weeks of one point a day. */
const FEW_POINTS = 14;

function isHit({ status }: RuleResult): boolean {
  return status === 'hit' || status === 'snoozed';
}

/** The rule that adds most comes first; among equals the one that speaks of money, then the larger multiple. */
function byWeight(a: RuleResult, b: RuleResult): number {
  const money = Number(isMoney(b)) - Number(isMoney(a));
  return b.score - a.score || money || (b.times ?? 0) - (a.times ?? 0) || (a.ruleId < b.ruleId ? -1 : 1);
}
