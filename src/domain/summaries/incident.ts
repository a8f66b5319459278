import { wholeNanos } from '../decisions/alert-words.ts';
import type { OutgoingMessage } from '../messages/outgoing-message.ts';
import { formatDecimal } from '../money/nanos.ts';
import { cleanLabel } from '../text/clean.ts';
import { formatIso } from '../time.ts';
import { alertBrief, markOf, nameOf, stateOf } from './alert-brief.ts';
import { alertData, severityOf } from './alert-message.ts';
import type { AlertStory, SummaryStyle } from './alert-story.ts';
import type { Brief } from './brief.ts';
import { moneyIn, numberIn, type Reader, timeIn } from './locale.ts';
import { messageOf } from './message.ts';
import { wordsOf } from './words.ts';

/** Alerts of one incident, oldest first: the same account and wallet, close together in time. Never empty. */
export interface Incident {
  readonly first: AlertStory;
  readonly later: readonly AlertStory[];
}

/** Alerts so close together are one incident; the pipeline closes them together as well. */
export const INCIDENT_GAP_MS = 24 * 60 * 60 * 1_000;
const RAISED_MAX = 8;

/**
 * Groups alerts by wallet: one joins the incident before it when it was raised within a day of that one's last. Incidents
 * come in the order in which they began.
 */
export function groupIncidents(stories: readonly AlertStory[]): readonly Incident[] {
  const sorted = [...stories].sort(
    (a, b) => a.facts.raisedAtMs - b.facts.raisedAtMs || (a.facts.alertId < b.facts.alertId ? -1 : 1),
  );
  const open = new Map<string, { first: AlertStory; later: AlertStory[] }>();
  const incidents: { first: AlertStory; later: AlertStory[] }[] = [];
  for (const story of sorted) {
    const { walletId, raisedAtMs } = story.facts;
    const known = open.get(walletId);
    const lastMs = known === undefined ? undefined : newestOf(known).facts.raisedAtMs;
    if (known !== undefined && lastMs !== undefined && raisedAtMs - lastMs <= INCIDENT_GAP_MS) known.later.push(story);
    else {
      const incident = { first: story, later: [] };
      open.set(walletId, incident);
      incidents.push(incident);
    }
  }
  return incidents;
}

/** The alert that says how things stand. */
export function newestOf({ first, later }: Incident): AlertStory {
  return later.at(-1) ?? first;
}

/**
 * One message for an incident: the newest alert in full, and above it what has changed since `toldUntilMs`, when people were
 * last told of this incident. Severe when any alert that they have not been told of is. The id names the newest alert, so
 * that the same state is never told twice.
 */
export function incidentMessage(incident: Incident, style: SummaryStyle, toldUntilMs: number | null): OutgoingMessage {
  const newest = newestOf(incident);
  const { facts } = newest;
  const all = [incident.first, ...incident.later];
  const news = all.filter((story) => toldUntilMs === null || story.facts.raisedAtMs > toldUntilMs);
  const brief = incidentBrief(incident, style, toldUntilMs);
  const risk = moneyIn(facts.moneyAtRiskNanos, facts.currency, style.reader);
  const { labels } = wordsOf(style.reader.language);
  return messageOf(brief, {
    kind: 'alert',
    severity: news.some((story) => severityOf(story) === 'severe') ? 'severe' : 'normal',
    messageId: `incident-${incident.first.facts.alertId}-${facts.alertId}`,
    subject: `${brief.mark}: ${nameOf(newest)} · ${labels.atRisk} ${risk}`,
    event: {
      type: all.length === 1 ? 'alert.raised' : 'incident.changed',
      data: {
        ...alertData(newest),
        incident: {
          alerts: all.map((story) => story.facts.alertId),
          since: formatIso(incident.first.facts.raisedAtMs),
        },
      },
    },
  });
}

/** The newest alert's brief, with the others of the incident before its reasons. */
export function incidentBrief(incident: Incident, style: SummaryStyle, toldUntilMs: number | null): Brief {
  const newest = newestOf(incident);
  const brief = alertBrief(newest, style);
  const all = [incident.first, ...incident.later];
  if (all.length === 1) return brief;
  const { reader } = style;
  const words = wordsOf(reader.language);
  const before =
    all.filter(({ facts }) => toldUntilMs !== null && facts.raisedAtMs <= toldUntilMs).at(-1) ?? incident.first;
  // Nobody was told before: there is no last message to compare with.
  const change = toldUntilMs === null || before === newest ? null : changeWords(before, newest, reader);
  const raised = all.slice(-RAISED_MAX).map((story) => {
    const mark = markOf(story, stateOf(story), reader.language);
    return words.incident.raised(timeIn(story.facts.raisedAtMs, reader), mark);
  });
  const heading = words.incident.heading(all.length, numberIn(all.length, reader));
  return {
    ...brief,
    subheading: `${brief.subheading} · ${heading}`,
    sections: [
      ...(change === null ? [] : [{ label: words.labels.changed, paragraphs: [change], kind: 'text' as const }]),
      { label: words.labels.history, paragraphs: raised, kind: 'text' },
      ...brief.sections,
    ],
  };
}

function changeWords(before: AlertStory, after: AlertStory, reader: Reader): string | null {
  const { incident } = wordsOf(reader.language);
  const { currency } = after.facts;
  const lost = after.facts.lossNanos - before.facts.lossNanos;
  const fired = ({ facts }: AlertStory) =>
    facts.results
      .filter(({ status, mode }) => mode === 'live' && (status === 'hit' || status === 'snoozed'))
      .map(({ ruleId }) => ruleId);
  const known = new Set(fired(before));
  const rules = fired(after).filter((rule) => !known.has(rule));
  const [stateBefore, stateAfter] = [stateOf(before), stateOf(after)];
  return incident.changed({
    spent: lost > 0n ? moneyIn(lost, currency, reader) : null,
    risk:
      after.facts.moneyAtRiskNanos === before.facts.moneyAtRiskNanos
        ? null
        : moneyIn(after.facts.moneyAtRiskNanos, currency, reader),
    rules: rules.length === 0 ? null : rules.map((rule) => cleanLabel(rule, 60)).join(', '),
    state: stateBefore === stateAfter ? null : markOf(after, stateAfter, reader.language),
  });
}

/** What all incidents put at risk, by currency. */
export function riskByCurrency(incidents: readonly Incident[]): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const incident of incidents) {
    const { currency, moneyAtRiskNanos } = newestOf(incident).facts;
    sums.set(currency, (sums.get(currency) ?? 0n) + moneyAtRiskNanos);
  }
  return sums;
}

/** An incident's figures for programs. */
export function incidentData(incident: Incident): Readonly<Record<string, unknown>> {
  const { facts } = newestOf(incident);
  return {
    alerts: [incident.first, ...incident.later].map((story) => story.facts.alertId),
    account: facts.account,
    wallet: facts.walletId,
    currency: facts.currency,
    walletState: stateOf({ facts }),
    moneyAtRisk: formatDecimal(facts.moneyAtRiskNanos),
    lost: formatDecimal(facts.lossNanos),
    since: formatIso(incident.first.facts.raisedAtMs),
    spendPerHour: formatDecimal(wholeNanos(facts.hourlySpendNanos.at(-1) ?? 0)),
  };
}
