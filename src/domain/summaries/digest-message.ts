import type { OutgoingMessage } from '../messages/outgoing-message.ts';
import { formatDecimal } from '../money/nanos.ts';
import { formatIso } from '../time.ts';
import { markOf, nameOf, stateOf } from './alert-brief.ts';
import type { SummaryStyle } from './alert-story.ts';
import type { Brief } from './brief.ts';
import { type Incident, incidentData, newestOf, riskByCurrency } from './incident.ts';
import { moneyIn, numberIn, type Reader, timeIn, untilIn } from './locale.ts';
import { messageOf } from './message.ts';
import { wordsOf } from './words.ts';

const SHOWN_MAX = 15;

/** A digest: what could wait, in one message. */
export interface Digest {
  readonly incidents: readonly Incident[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** Several incidents in one message, the one with most money at risk first; at most 15 are told and the rest is counted. */
export function digestMessage(digest: Digest, style: SummaryStyle): OutgoingMessage {
  const { reader } = style;
  const words = wordsOf(reader.language).digest;
  const sorted = byMoney(digest.incidents);
  const count = sorted.length;
  const data = {
    from: formatIso(digest.fromMs),
    to: formatIso(digest.toMs),
    moneyAtRisk: Object.fromEntries(
      [...riskByCurrency(sorted)].map(([currency, nanos]) => [currency, formatDecimal(nanos)]),
    ),
    incidents: sorted.map(incidentData),
  };
  return messageOf(digestBrief({ ...digest, incidents: sorted }, style), {
    kind: 'digest',
    severity: 'normal',
    messageId: `digest-${formatIso(digest.fromMs)}-${formatIso(digest.toMs)}`.replaceAll(':', ''),
    subject: words.subject(count, numberIn(count, reader), count === 0 ? null : amounts(sorted, reader)),
    event: { type: 'digest', data },
  });
}

function digestBrief({ incidents, fromMs, toMs }: Digest, { reader, baseUrl: _ }: SummaryStyle): Brief {
  const { digest: words, labels, marks, times } = wordsOf(reader.language);
  const shown = incidents.slice(0, SHOWN_MAX);
  const more = incidents.length - shown.length;
  const count = incidents.length;
  const number = (value: number) => numberIn(value, reader);
  return {
    language: reader.language,
    tone: 'calm',
    mark: marks.digest,
    heading: words.subject(count, number(count), null),
    subheading: `${timeIn(fromMs, reader, { year: true })} – ${untilIn(fromMs, toMs, reader)}`,
    lead: [
      count === 0
        ? words.empty
        : words.lead(count, number(count), timeIn(fromMs, reader), untilIn(fromMs, toMs, reader)),
    ],
    chart: null,
    tiles: count === 0 ? [] : tilesOf(incidents, reader),
    sections: [
      ...(shown.length === 0
        ? []
        : [
            {
              label: labels.incidents,
              kind: 'rows' as const,
              paragraphs: shown.map((incident) => nameOf(newestOf(incident))),
              values: shown.map((incident) => rowOf(incident, reader)),
            },
          ]),
      ...(more > 0 ? [{ label: '', kind: 'text' as const, paragraphs: [words.more(more, number(more))] }] : []),
    ],
    links: [],
    footer: [times(reader.timeZone)],
  };
}

function rowOf(incident: Incident, reader: Reader): string {
  const newest = newestOf(incident);
  const { facts } = newest;
  const { digest: words, incident: also } = wordsOf(reader.language);
  const alerts = incident.later.length + 1;
  const state = `${markOf(newest, stateOf(newest), reader.language)}, ${timeIn(facts.raisedAtMs, reader)}`;
  return [
    words.row({
      risk: moneyIn(facts.moneyAtRiskNanos, facts.currency, reader),
      lost: moneyIn(facts.lossNanos, facts.currency, reader),
      state: alerts === 1 ? state : `${state}, ${also.heading(alerts, numberIn(alerts, reader))}`,
    }),
    `tollkeeper alert show ${facts.alertId}`,
  ].join(' ');
}

function tilesOf(incidents: readonly Incident[], reader: Reader): Brief['tiles'] {
  const { labels } = wordsOf(reader.language);
  return [...riskByCurrency(incidents)].slice(0, 2).flatMap(([currency, risk]) => {
    const own = incidents.map(newestOf).filter(({ facts }) => facts.currency === currency);
    const lost = own.reduce((sum, { facts }) => sum + facts.lossNanos, 0n);
    return [
      { label: labels.atRisk, value: moneyIn(risk, currency, reader), note: '' },
      { label: labels.lost, value: moneyIn(lost, currency, reader), note: '' },
    ];
  });
}

function amounts(incidents: readonly Incident[], reader: Reader): string {
  return [...riskByCurrency(incidents)].map(([currency, nanos]) => moneyIn(nanos, currency, reader)).join(' + ');
}

/** Amounts of several currencies cannot be compared; each is taken at its own figure, which is good enough to sort by. */
function byMoney(incidents: readonly Incident[]): readonly Incident[] {
  return [...incidents].sort((a, b) => {
    const [left, right] = [newestOf(a).facts, newestOf(b).facts];
    if (left.moneyAtRiskNanos !== right.moneyAtRiskNanos)
      return left.moneyAtRiskNanos > right.moneyAtRiskNanos ? -1 : 1;
    if (left.lossNanos !== right.lossNanos) return left.lossNanos > right.lossNanos ? -1 : 1;
    return left.alertId < right.alertId ? -1 : 1;
  });
}
