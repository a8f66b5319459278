import { isMoney, wholeNanos } from '../decisions/alert-words.ts';
import type { RuleResult } from '../decisions/judgement.ts';
import { fillSlots } from '../numbers-lock/slots.ts';
import { cleanLabel, cleanText } from '../text/clean.ts';
import { HOUR_MS } from '../time.ts';
import type { AlertStory, SummaryStyle } from './alert-story.ts';
import type { Brief, BriefSection } from './brief.ts';
import type { ChartData } from './chart.ts';
import { linksFor } from './links.ts';
import { dayIn, moneyIn, numberIn, percentIn, type Reader, spanIn, timeIn, timesIn, untilIn } from './locale.ts';
import { isTampering, nounedIn, replyFor } from './reply.ts';
import { type WalletState, wordsOf } from './words.ts';

const FEW_POINTS = 14;
const PAYMENTS_MAX = 3;
const HOURS_MAX = 48;
const NAME_COLUMNS = 60;

/** An alert as support reads it, in the reader's language; the suggested reply is in the customer's. */
export function alertBrief(story: AlertStory, style: SummaryStyle): Brief {
  const { facts } = story;
  const { reader } = style;
  const words = wordsOf(reader.language);
  const lead = leadOf(story);
  const state = stateOf(story);
  const name = nameOf(story);
  const id = cleanLabel(facts.account, NAME_COLUMNS);
  const mark = markOf(story, state, reader.language);
  const until = facts.frozenUntilMs ?? facts.slowed?.untilMs ?? null;
  return {
    language: reader.language,
    tone:
      state === 'frozen' || state === 'frozen_before'
        ? 'stopped'
        : state === 'slowed'
          ? 'slowed'
          : facts.outcome === 'watch'
            ? 'calm'
            : 'looking',
    mark,
    heading: name,
    subheading: [
      ...(name === id ? [] : [id]),
      words.stateSince(
        state,
        timeIn(facts.raisedAtMs, reader, { year: true }),
        until === null ? null : untilIn(facts.raisedAtMs, until, reader),
      ),
    ].join(' · '),
    lead: leadSentences(story, lead, reader),
    chart: chartOf(story, reader),
    tiles: tilesOf(story, reader),
    sections: sectionsOf(story, style, lead),
    links: linksFor({ alert: facts.alertId }, style),
    footer: [words.times(reader.timeZone)],
  };
}

/** The rule that says most: of the live ones that fire, the one with most points; money before counts. */
export function leadOf({ facts }: AlertStory): RuleResult | undefined {
  return liveHits(facts.results)[0];
}

/** What people call the account. */
export function nameOf({ facts, accountName }: Pick<AlertStory, 'facts' | 'accountName'>): string {
  return cleanLabel(accountName ?? facts.account, NAME_COLUMNS);
}

/** What was true of the wallet when the alert was raised. */
export function stateOf({ facts }: Pick<AlertStory, 'facts'>): WalletState {
  if (facts.frozenUntilMs !== null) return facts.notFrozenBecause === null ? 'frozen' : 'frozen_before';
  return facts.slowed == null ? 'running' : 'slowed';
}

/** The few words beside the mark. */
export function markOf({ facts }: Pick<AlertStory, 'facts'>, state: WalletState, language: Reader['language']): string {
  const { marks } = wordsOf(language);
  if (state !== 'running') return marks[state];
  return facts.outcome === 'freeze' ? marks.unfrozen : facts.outcome === 'watch' ? marks.watch : marks.review;
}

function liveHits(results: readonly RuleResult[]): readonly RuleResult[] {
  return results
    .filter(({ status, mode }) => mode === 'live' && (status === 'hit' || status === 'snoozed'))
    .sort(
      (a, b) =>
        b.score - a.score ||
        Number(isMoney(b)) - Number(isMoney(a)) ||
        (b.times ?? 0) - (a.times ?? 0) ||
        (a.ruleId < b.ruleId ? -1 : 1),
    );
}

function leadSentences(story: AlertStory, lead: RuleResult | undefined, reader: Reader): readonly string[] {
  const words = wordsOf(reader.language);
  const { currency } = story.facts;
  if (lead === undefined) return [words.noRule];
  if (lead.evidence !== undefined) return [words.inOwnWords(cleanText(lead.say === '' ? `${lead.title}.` : lead.say))];
  const span = spanIn(lead.windowMs, reader);
  const figure = (value: number) => nounedIn(value, lead, reader, currency);
  const happened = isMoney(lead)
    ? words.spent(figure(lead.observed), span)
    : words.reported(figure(lead.observed), span);
  return [`${happened} ${usualOf(lead, { span, figure, reader })}`, ...sinceOf(story, reader)];
}

function usualOf(
  lead: RuleResult,
  {
    span,
    figure,
    reader,
  }: { readonly span: string; readonly figure: (value: number) => string; readonly reader: Reader },
): string {
  const words = wordsOf(reader.language);
  if (lead.points === 0) return words.noHistory;
  const money = isMoney(lead);
  if (lead.expected === 0 && lead.upper === 0) return words.usuallyNone({ money, span });
  const [expected, upper] = [figure(lead.expected), figure(lead.upper)];
  if (lead.kind === 'burst') return words.busyHour({ expected, upper, span });
  return words.usually({ money, expected, upper, lower: lead.lower > 0 ? figure(lead.lower) : null, span });
}

function sinceOf(story: AlertStory, reader: Reader): readonly string[] {
  const { hours, fromIndex } = spendOf(story);
  if (fromIndex >= hours.length) return [];
  const lastHour = Math.floor(story.facts.raisedAtMs / HOUR_MS);
  const fromMs = (lastHour - (hours.length - 1 - fromIndex)) * HOUR_MS;
  return [wordsOf(reader.language).since(timeIn(fromMs, reader))];
}

interface Spend {
  readonly hours: readonly number[];
  readonly usual: { readonly lower: number; readonly upper: number } | null;
  readonly fromIndex: number;
}

/** Spend per hour, its usual range per hour, and since which hour it has been above it without a break. */
function spendOf({ facts }: AlertStory): Spend {
  const hours = facts.hourlySpendNanos.slice(-HOURS_MAX);
  // What a burst compares with is the account's busy hours, which is not its usual.
  const rules = liveHits(facts.results).filter((hit) => isMoney(hit) && hit.feature === 'spend' && hit.windowMs > 0);
  const rule = rules.find(({ kind }) => kind !== 'burst') ?? rules[0];
  if (rule === undefined || !(rule.upper > 0)) return { hours, usual: null, fromIndex: hours.length };
  const perHour = (value: number) => Math.max(0, value / rule.windowMs) * HOUR_MS;
  const usual = { lower: perHour(rule.lower), upper: perHour(rule.upper) };
  let fromIndex = hours.length;
  // The hour that runs may not have had time to stand out.
  const last = hours.length - 1;
  for (let index = last; index >= 0; index--) {
    if ((hours[index] ?? 0) > usual.upper) fromIndex = index;
    else if (index < last) break;
  }
  return { hours, usual, fromIndex };
}

function chartOf(story: AlertStory, reader: Reader): ChartData | null {
  const { facts } = story;
  const { hours, usual, fromIndex } = spendOf(story);
  const peak = Math.max(0, ...hours);
  if (!(peak > 0)) return null;
  const words = wordsOf(reader.language).chart;
  const money = (nanos: number) => moneyIn(wholeNanos(nanos), facts.currency, reader);
  const usualLabel = usual === null ? '' : words.usual(usual.lower > 0 ? money(usual.lower) : null, money(usual.upper));
  const firstMs = (Math.floor(facts.raisedAtMs / HOUR_MS) - hours.length + 1) * HOUR_MS;
  return {
    hours,
    usual,
    fromIndex,
    title: words.title,
    alt: words.alt(money(peak), usualLabel === '' ? null : usualLabel),
    startLabel: timeIn(firstMs, reader),
    endLabel: words.now,
    peakLabel: words.peak(money(peak)),
    usualLabel,
  };
}

function tilesOf({ facts }: AlertStory, reader: Reader): Brief['tiles'] {
  const { labels, ...words } = wordsOf(reader.language);
  const money = (nanos: bigint) => moneyIn(nanos, facts.currency, reader);
  const isFrozen = facts.frozenUntilMs !== null;
  const reaction = spanIn(facts.reactionHours * HOUR_MS, reader, 'alone');
  return [
    {
      label: labels.atRisk,
      value: money(facts.moneyAtRiskNanos),
      note: isFrozen ? words.riskFrozen : words.riskRunning(reaction),
    },
    { label: labels.lost, value: money(facts.lossNanos), note: words.lostNote },
    {
      label: labels.saved,
      value: money(facts.heldBackNanos),
      note: facts.heldBackNanos > 0n ? words.savedNote : words.nothingSaved,
    },
    { label: labels.balance, value: money(facts.balanceNanos), note: '' },
  ];
}

function sectionsOf(story: AlertStory, style: SummaryStyle, lead: RuleResult | undefined): readonly BriefSection[] {
  const { facts } = story;
  const { reader, customer } = style;
  const { labels } = wordsOf(reader.language);
  const { question } = wordsOf(customer.language);
  const isStopped = facts.frozenUntilMs !== null;
  const reply =
    style.rewrite !== undefined && 'reply' in style.rewrite
      ? style.rewrite.reply
      : fillSlots(replyFor(facts, lead, customer));
  const note = style.rewrite !== undefined && 'unused' in style.rewrite ? [style.rewrite.unused] : [];
  const text = (label: string, paragraphs: readonly string[]): BriefSection => ({ label, paragraphs, kind: 'text' });
  return [
    text(labels.why, whyOf(story, reader)),
    text(labels.done, doneOf(story, reader)),
    text(labels.certain, certainOf(story, lead, reader)),
    text(labels.account, accountOf(story, reader)),
    text(labels.mayAsk, [quoted(question[isStopped ? 'stopped' : 'running'], reader)]),
    { label: labels.reply, paragraphs: [reply], kind: 'quote' },
    ...(note.length === 0 ? [] : [text('', note)]),
    { label: labels.next, paragraphs: nextOf(story, lead, reader), kind: 'steps' },
    { label: labels.commands, paragraphs: commandsOf(story, lead), kind: 'code' },
  ];
}

function whyOf({ facts }: AlertStory, reader: Reader): readonly string[] {
  const words = wordsOf(reader.language);
  const shadows = facts.results.filter(
    ({ status, mode }) => mode === 'shadow' && (status === 'hit' || status === 'snoozed'),
  );
  return [
    words.points(numberIn(facts.score, reader), words.outcomes[facts.outcome]),
    ...liveHits(facts.results).map((hit) => explain(hit, facts.currency, reader)),
    ...(shadows.length === 0 ? [] : [words.shadow(shadows.map(({ ruleId }) => cleanLabel(ruleId, 60)).join(', '))]),
  ];
}

function explain(hit: RuleResult, currency: string, reader: Reader): string {
  const words = wordsOf(reader.language);
  const id = cleanLabel(hit.ruleId, 60);
  if (hit.evidence !== undefined)
    return words.ruleSaid(
      id,
      cleanText(hit.say === '' ? hit.title : hit.say)
        .trim()
        .replace(/\.$/, ''),
    );
  const figure = (value: number) => nounedIn(value, hit, reader, currency);
  return words.rule({
    id,
    observed: words.within(figure(hit.observed), spanIn(hit.windowMs, reader)),
    expected: hit.points === 0 ? null : figure(hit.expected),
    times: timesIn(hit.times, reader) ?? null,
    threshold: hit.threshold === null ? null : figure(hit.threshold),
    again: hit.status === 'snoozed',
  });
}

function doneOf({ facts }: AlertStory, reader: Reader): readonly string[] {
  const { done } = wordsOf(reader.language);
  const money = (nanos: bigint) => moneyIn(nanos, facts.currency, reader);
  const { frozenUntilMs: until, slowed, radar, notFrozenBecause, heldBackNanos } = facts;
  return [
    ...(until !== null
      ? [done.frozen(timeIn(until, reader)), heldBackNanos > 0n ? done.held(money(heldBackNanos)) : done.heldNothing]
      : slowed == null
        ? [done.running]
        : [done.slowed(money(slowed.limitNanos), spanIn(slowed.periodMs, reader), timeIn(slowed.untilMs, reader))]),
    ...(until === null && notFrozenBecause !== null ? [done.notFrozen(cleanText(notFrozenBecause))] : []),
    ...(radar == null ? [] : [done.radar(timeIn(radar.untilMs, reader))]),
  ];
}

function certainOf(
  { facts, modelReview }: AlertStory,
  lead: RuleResult | undefined,
  reader: Reader,
): readonly string[] {
  const words = wordsOf(reader.language);
  const { choice, currency, rulesNote } = facts;
  const unjudged = facts.results
    .filter(({ status, mode }) => status === 'inconclusive' && mode === 'live')
    .map(({ ruleId }) => cleanLabel(ruleId, 60));
  const cost = (outcome: 'freeze' | 'review') => {
    const option = choice?.options.find((one) => one.outcome === outcome);
    return option === undefined ? null : moneyIn(BigInt(Math.round(option.totalNanos)), currency, reader);
  };
  const chance = () => {
    if (choice === null) return words.certain.none;
    const { mean, lower, upper, cases } = choice.probability;
    const counted =
      reader.language === 'de'
        ? cases === 1
          ? 'abgeschlossenem Fall'
          : 'abgeschlossenen Fällen'
        : `closed ${cases === 1 ? 'case' : 'cases'}`;
    return words.certain.chance({
      ...{ mean: percentIn(mean), lower: percentIn(lower), upper: percentIn(upper) },
      cases: cases === 0 ? null : `${numberIn(cases, reader)} ${counted}`,
    });
  };
  const costs = words.certain.cost({ freeze: cost('freeze'), review: cost('review') });
  return [
    chance(),
    ...(costs === null ? [] : [costs]),
    ...(lead === undefined ? [] : [words.certain.rests(restsOn(lead, reader), lead.points < FEW_POINTS)]),
    ...(unjudged.length === 0 ? [] : [words.certain.unjudged(unjudged.join(', '))]),
    ...(rulesNote === undefined ? [] : [words.certain.rules(cleanText(rulesNote))]),
    ...(modelReview === null ? [] : [words.certain.model(cleanText(modelReview))]),
  ];
}

function restsOn(lead: RuleResult, reader: Reader): string {
  const words = wordsOf(reader.language);
  const points = numberIn(lead.points, reader);
  if (lead.evidence !== undefined) return words.events(lead.points, points);
  if (lead.kind === 'burst') return words.hoursOfHistory(lead.points, points);
  return words.windows(lead.points, points, spanIn(lead.windowMs, reader));
}

function accountOf({ facts, openedAtMs, earlier, similar, payments }: AlertStory, reader: Reader): readonly string[] {
  const { account: words } = wordsOf(reader.language);
  const [total, alike] = [earlier.fraud + earlier.benign, similar.fraud + similar.benign];
  const count = (value: number) => numberIn(value, reader);
  return [
    [
      ...(openedAtMs === null ? [] : [words.opened(dayIn(openedAtMs, reader, { year: true }))]),
      total === 0 ? words.none : words.earlier(total, count(total), count(earlier.fraud), count(earlier.benign)),
    ].join(' '),
    ...(alike === 0 ? [] : [words.similar(alike, count(alike), count(similar.fraud))]),
    ...payments
      .slice(0, PAYMENTS_MAX)
      .map(({ amountNanos, currency, atMs, state }) =>
        words.payment(
          moneyIn(amountNanos, currency === '' ? facts.currency : currency, reader),
          timeIn(atMs, reader),
          state,
        ),
      ),
  ];
}

function nextOf({ facts }: AlertStory, lead: RuleResult | undefined, reader: Reader): readonly string[] {
  const { next } = wordsOf(reader.language);
  if (isTampering(lead)) return [...next.tampering, next.close];
  const { frozenUntilMs: until, slowed } = facts;
  if (until !== null) return [next.ask, next.ifTheirsStopped, next.ifNotStopped(timeIn(until, reader)), next.close];
  return [next.ask, slowed == null ? next.ifTheirsRunning : next.ifTheirsSlowed, next.ifNotRunning, next.close];
}

/** Commands as they are typed; every id in them is ours. */
function commandsOf({ facts }: AlertStory, lead: RuleResult | undefined): readonly string[] {
  const { alertId, walletId, frozenUntilMs, slowed } = facts;
  const freeze = `tollkeeper wallet freeze ${walletId} --hours 24 --reason ${alertId}`;
  return [
    `tollkeeper alert show ${alertId}`,
    ...(frozenUntilMs !== null
      ? [`tollkeeper wallet thaw ${walletId} --usage post`, `tollkeeper wallet thaw ${walletId} --usage void`]
      : slowed != null && !isTampering(lead)
        ? [`tollkeeper wallet limit ${walletId} --lift --reason ${alertId}`, freeze]
        : [freeze]),
    `tollkeeper alert close ${alertId} --as benign --reason "…"`,
  ];
}

function quoted(text: string, { language }: Reader): string {
  return language === 'de' ? `„${text}“` : `“${text}”`;
}
