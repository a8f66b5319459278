import type { MessageSeverity, OutgoingMessage } from '../messages/outgoing-message.ts';
import { formatDecimal } from '../money/nanos.ts';
import { cleanLabel } from '../text/clean.ts';
import { formatIso } from '../time.ts';
import { alertBrief, leadOf, markOf, nameOf, stateOf } from './alert-brief.ts';
import type { AlertStory, SummaryStyle } from './alert-story.ts';
import { moneyIn } from './locale.ts';
import { messageOf } from './message.ts';
import { replyFor } from './reply.ts';
import { wordsOf } from './words.ts';

/**
 * The message about one alert, in every form. Severe is what stopped a wallet or should have: it leaves at once. The same
 * alert always has the same message id.
 */
export function alertMessage(story: AlertStory, style: SummaryStyle): OutgoingMessage {
  const { facts } = story;
  return messageOf(alertBrief(story, style), {
    kind: 'alert',
    severity: severityOf(story),
    messageId: `alert-${facts.alertId}`,
    subject: subjectOf(story, style),
    event: { type: 'alert.raised', data: alertData(story) },
  });
}

/** `severe` when a wallet was stopped, or should have been. */
export function severityOf({ facts }: Pick<AlertStory, 'facts'>): MessageSeverity {
  return facts.outcome === 'freeze' || (facts.frozenUntilMs !== null && facts.notFrozenBecause === null)
    ? 'severe'
    : 'normal';
}

/** `Wallet frozen: Acme Robotics, $37.25 at risk`. */
export function subjectOf(story: AlertStory, { reader }: SummaryStyle): string {
  const { labels } = wordsOf(reader.language);
  const risk = moneyIn(story.facts.moneyAtRiskNanos, story.facts.currency, reader);
  return `${markOf(story, stateOf(story), reader.language)}: ${nameOf(story)} · ${labels.atRisk} ${risk}`;
}

/** The facts of an alert as JSON: money as decimal text, times in UTC, text as it was stored. */
export function alertData(story: AlertStory): Readonly<Record<string, unknown>> {
  const { facts, accountName, earlier, similar } = story;
  const lead = leadOf(story);
  const rules = facts.results.filter(({ status }) => status === 'hit' || status === 'snoozed');
  const figure = (value: number | null, unit: string) =>
    value === null || !Number.isFinite(value)
      ? null
      : unit === 'nanos'
        ? formatDecimal(BigInt(Math.round(value)))
        : value;
  const slots = replyFor(facts, lead, { language: 'en', timeZone: 'UTC' });
  return {
    alert: facts.alertId,
    account: facts.account,
    accountName,
    wallet: facts.walletId,
    currency: facts.currency,
    outcome: facts.outcome,
    walletState: stateOf(story),
    score: facts.score,
    raisedAt: formatIso(facts.raisedAtMs),
    frozenUntil: facts.frozenUntilMs === null ? null : formatIso(facts.frozenUntilMs),
    slowedUntil: facts.slowed == null ? null : formatIso(facts.slowed.untilMs),
    notFrozenBecause: facts.notFrozenBecause,
    moneyAtRisk: formatDecimal(facts.moneyAtRiskNanos),
    lost: formatDecimal(facts.lossNanos),
    saved: formatDecimal(facts.heldBackNanos),
    balance: formatDecimal(facts.balanceNanos),
    chance: facts.choice?.probability ?? null,
    rules: rules.map((rule) => ({
      ...{ rule: cleanLabel(rule.ruleId, 100), mode: rule.mode, points: rule.score, feature: rule.feature },
      ...{ unit: rule.unit === 'nanos' ? facts.currency : rule.unit, windowSeconds: rule.windowMs / 1_000 },
      observed: figure(rule.observed, rule.unit),
      usual: figure(rule.expected, rule.unit),
      firesFrom: figure(rule.threshold, rule.unit),
    })),
    earlier,
    similar,
    reply: slots,
  };
}
