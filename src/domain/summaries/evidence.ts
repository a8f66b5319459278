import { isMoney, wholeNanos } from '../decisions/alert-words.ts';
import type { RuleResult } from '../decisions/judgement.ts';
import type { LockEvidence, LockFact } from '../numbers-lock/check-numbers.ts';
import { cleanLabel, cleanText } from '../text/clean.ts';
import { HOUR_MS } from '../time.ts';
import type { AlertStory, SummaryStyle } from './alert-story.ts';
import { linksFor } from './links.ts';
import { dayIn, moneyIn, numberIn, percentIn, type Reader, spanIn, timeIn, timesIn } from './locale.ts';

const HOURS_MAX = 48;

/**
 * Every figure that a summary of these stories may hold, taken from the facts and not from the template: a summary whose text
 * passes `checkNumbers` with it says nothing that is not known. Rules' own sentences are facts as they stand.
 */
export function summaryEvidence(
  stories: readonly AlertStory[],
  { reader, customer, baseUrl }: SummaryStyle,
): LockEvidence {
  const facts = stories.flatMap((story) => [
    ...[reader, customer].flatMap((one) => factsFor(story, one)),
    ...linksFor({ alert: story.facts.alertId }, { baseUrl, reader }).map(({ url }) => ({ text: url })),
  ]);
  const fixed = ['100', '1.', '2.', '3.', '4.', '--hours 24', 'nine times in ten', 'neun von zehn', 'oder doppelt'];
  return {
    language: reader.language,
    facts: [...facts, ...[reader.timeZone, customer.timeZone].map((text) => ({ text }))],
    prose: [...fixed, ...(stories.length > 1 ? [numberIn(stories.length, reader)] : [])],
  };
}

function factsFor(story: AlertStory, reader: Reader): readonly LockFact[] {
  const { facts, openedAtMs, earlier, similar, payments, accountName } = story;
  const { currency, choice, slowed, radar } = facts;
  const money = (nanos: bigint) => moneyIn(nanos, currency, reader);
  const count = (value: number) => numberIn(value, reader);
  const time = (ms: number) => timeIn(ms, reader, { year: true });
  const lastHourMs = Math.floor(facts.raisedAtMs / HOUR_MS) * HOUR_MS;
  const hours = facts.hourlySpendNanos.slice(-HOURS_MAX);
  const texts = [
    ...[facts.moneyAtRiskNanos, facts.lossNanos, facts.heldBackNanos, facts.balanceNanos].map(money),
    ...[facts.raisedAtMs, facts.frozenUntilMs, slowed?.untilMs, radar?.untilMs].flatMap((ms) =>
      ms == null ? [] : [time(ms)],
    ),
    ...hours.map((_, index) => time(lastHourMs - (hours.length - 1 - index) * HOUR_MS)),
    money(wholeNanos(Math.max(0, ...hours))),
    count(facts.score),
    spanIn(facts.reactionHours * HOUR_MS, reader, 'alone'),
    ...(slowed == null ? [] : [money(slowed.limitNanos), spanIn(slowed.periodMs, reader)]),
    ...(openedAtMs === null ? [] : [dayIn(openedAtMs, reader, { year: true })]),
    ...[earlier, similar].flatMap(({ fraud, benign }) => [fraud, benign, fraud + benign].map(count)),
    ...payments.flatMap((payment) => [moneyIn(payment.amountNanos, payment.currency, reader), time(payment.atMs)]),
    ...(choice === null ? [] : chanceFacts(choice, { money, count })),
    ...facts.results.flatMap((result) => ruleFacts(result, currency, reader)),
    ...[facts.notFrozenBecause, facts.rulesNote, story.modelReview].flatMap((text) =>
      text == null ? [] : [cleanText(text)],
    ),
  ];
  const names = [
    'Stripe Radar',
    facts.account,
    accountName,
    facts.alertId,
    facts.walletId,
    ...facts.results.map(({ ruleId }) => ruleId),
  ];
  return [
    ...texts.map((text) => ({ text })),
    ...names.flatMap((name) =>
      name === null
        ? []
        : [
            { text: cleanLabel(name, 60), kind: 'name' as const },
            { text: cleanLabel(name, 40), kind: 'name' as const },
          ],
    ),
  ];
}

function chanceFacts(
  choice: NonNullable<AlertStory['facts']['choice']>,
  { money, count }: { readonly money: (nanos: bigint) => string; readonly count: (value: number) => string },
): readonly string[] {
  const { mean, lower, upper, cases } = choice.probability;
  return [
    ...[mean, lower, upper].map(percentIn),
    count(cases),
    ...choice.options.map(({ totalNanos }) => money(BigInt(Math.round(totalNanos)))),
  ];
}

function ruleFacts(rule: RuleResult, currency: string, reader: Reader): readonly string[] {
  const figure = (value: number) =>
    isMoney(rule) ? moneyIn(wholeNanos(value), currency, reader) : numberIn(value, reader);
  const perHour = (value: number) => figure(rule.windowMs > 0 ? (Math.max(0, value) / rule.windowMs) * HOUR_MS : 0);
  const times = timesIn(rule.times, reader);
  return [
    ...[rule.observed, rule.expected, rule.lower, rule.upper, ...(rule.threshold === null ? [] : [rule.threshold])].map(
      figure,
    ),
    ...[rule.lower, rule.upper].map(perHour),
    ...(times === undefined ? [] : [times]),
    spanIn(rule.windowMs, reader),
    numberIn(rule.points, reader),
    spanIn(rule.points * HOUR_MS, reader),
    cleanText(rule.say),
    cleanText(rule.title),
    ...(rule.reason === undefined ? [] : [cleanText(rule.reason)]),
    ...(/^quantity\('(.+)'\)$/.exec(rule.feature)?.slice(1, 2) ?? []),
    rule.unit === 'nanos' ? '' : rule.unit,
  ];
}
