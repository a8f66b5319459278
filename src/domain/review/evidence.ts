import { givesOrders, MASK, shownText } from './shown-text.ts';

/** One thing a model may know and cite. `figures` are ours; `quoted` was written by somebody else. */
export interface EvidenceItem {
  readonly id: string;
  readonly kind: 'rule' | 'pattern' | 'ledger' | 'event' | 'cases';
  readonly figures: Readonly<Record<string, number>>;
  readonly quoted: Readonly<Record<string, string>>;
}

/** What a rule saw, as far as a review needs it. */
export interface ReviewedRule {
  readonly ruleId: string;
  readonly title: string;
  readonly say: string;
  readonly reason: string;
  readonly kind: string;
  readonly feature: string;
  readonly unit: string;
  readonly status: string;
  readonly windowMs: number;
  readonly score: number;
  readonly observed: number | null;
  readonly expected: number | null;
  readonly threshold: number | null;
}

/** An alert with all that is known of it. */
export interface ReviewSubject {
  readonly tenant: string;
  readonly alertId: string;
  readonly decisionId: string;
  readonly account: string;
  readonly outcome: string;
  readonly score: number;
  readonly status: string;
  readonly moneyAtRiskNanos: bigint;
  readonly lossNanos: bigint;
  readonly rules: readonly ReviewedRule[];
  readonly hourlySpendNanos: readonly number[];
  readonly wallet: { readonly posted: bigint; readonly held: bigint; readonly quarantined: bigint } | null;
  readonly event: { readonly source: string; readonly meter: string } | null;
  /** Closed alerts of the tenant in which one of the same rules fired. */
  readonly similar: { readonly fraud: number; readonly benign: number };
}

const RULES_MAX = 12;
const HOURS_PER_DAY = 24;
const HOUR_MS = 3_600_000;

/** What a model is shown of an alert: figures of ours, and quoted text without names, secrets and personal data. */
export function evidenceOf(subject: ReviewSubject): readonly EvidenceItem[] {
  const names = [subject.account, subject.tenant, subject.alertId, subject.decisionId];
  const show = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(texts).flatMap(([key, text]) => (text === '' ? [] : [[key, shownText(text, names)]])),
    );
  const items: Omit<EvidenceItem, 'id'>[] = [];
  for (const rule of subject.rules.filter(({ status }) => status !== 'inconclusive').slice(0, RULES_MAX)) {
    const scale = (value: number | null) => (value === null ? null : rule.unit === 'nanos' ? value / 1e9 : value);
    items.push({
      kind: 'rule',
      figures: figures({
        fires: rule.status === 'hit' || rule.status === 'snoozed' ? 1 : 0,
        points: rule.score,
        hours: rule.windowMs / HOUR_MS,
        observed: scale(rule.observed),
        expected: scale(rule.expected),
        fires_from: scale(rule.threshold),
      }),
      quoted: show({ rule: rule.ruleId, title: rule.title, says: rule.say, reason: rule.reason, of: rule.feature }),
    });
  }
  items.push({ kind: 'pattern', figures: patternOf(subject.hourlySpendNanos), quoted: {} });
  items.push({ kind: 'ledger', figures: ledgerOf(subject), quoted: {} });
  if (subject.event !== null) {
    items.push({ kind: 'event', figures: {}, quoted: show(subject.event) });
  }
  items.push({
    kind: 'cases',
    figures: { closed_as_fraud: subject.similar.fraud, closed_as_benign: subject.similar.benign },
    quoted: {},
  });
  return items.map((item, index) => ({ id: `e${index + 1}`, ...item }));
}

/** The same with everything masked that somebody else has written. */
export function maskEvidence(items: readonly EvidenceItem[]): readonly EvidenceItem[] {
  return items.map((item) => ({
    ...item,
    quoted: Object.fromEntries(Object.keys(item.quoted).map((key) => [key, MASK])),
  }));
}

/** Whether something in the alert that a model would read plainly gives it orders. */
export function isInjected({ account, rules, event }: ReviewSubject): boolean {
  const texts = [
    account,
    ...rules.flatMap(({ ruleId, title, say, reason, feature }) => [ruleId, title, say, reason, feature]),
    ...(event === null ? [] : [event.source, event.meter]),
  ];
  return texts.some(givesOrders);
}

function patternOf(hourly: readonly number[]): Readonly<Record<string, number>> {
  const sum = (from: number, to?: number) => hourly.slice(from, to).reduce((total, value) => total + value, 0) / 1e9;
  return figures({
    spend_last_hour: sum(-1),
    spend_last_6_hours: sum(-6),
    spend_last_24_hours: sum(-HOURS_PER_DAY),
    spend_24_hours_before: sum(-2 * HOURS_PER_DAY, -HOURS_PER_DAY),
    hours_with_spend: hourly.filter((value) => value > 0).length,
  });
}

function ledgerOf({ wallet, moneyAtRiskNanos, lossNanos, score }: ReviewSubject): Readonly<Record<string, number>> {
  return figures({
    points: score,
    money_at_risk: Number(moneyAtRiskNanos) / 1e9,
    spent_above_usual: Number(lossNanos) / 1e9,
    balance: wallet === null ? null : Number(wallet.posted) / 1e9,
    held: wallet === null ? null : Number(wallet.held) / 1e9,
    quarantined: wallet === null ? null : Number(wallet.quarantined) / 1e9,
  });
}

/** Figures as they are shown and compared: to a millionth, and none that is not a number. */
function figures(values: Readonly<Record<string, number | null>>): Readonly<Record<string, number>> {
  const shown: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && Number.isFinite(value)) shown[name] = Math.round(value * 1e6) / 1e6;
  }
  return shown;
}
