import { formatWalletId } from '../../domain/ids.ts';
import { formatDecimal } from '../../domain/money/nanos.ts';
import type { Check } from '../../pipeline/explain/detect-checks.ts';
import type { DecisionExplanation, RuleExplanation } from '../../pipeline/explain/explain-decision.ts';
import type { ChoiceEvidence } from '../../pipeline/queries/decision-evidence.ts';
import type { ExplainedDecision } from '../../pipeline/queries/explained-decision.ts';
import { reviewJson } from '../../pipeline/review/review-words.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { changeWords } from './explain-words.ts';

/** A decision taken apart, for programs. Money is decimal text with the currency as its unit, everything else a number. */
export function explainJson({
  decision,
  explanation,
}: {
  readonly decision: ExplainedDecision;
  readonly explanation: DecisionExplanation;
}) {
  const { currency, evidence, alert } = decision;
  const { band, harsher, risk, harsherFromChance } = explanation;
  return {
    v: 1,
    alert: alert === null ? null : alert.alertId,
    alertStatus: alert === null ? null : alert.status,
    decision: decision.decisionId,
    tenant: decision.tenant,
    account: decision.account,
    wallet: formatWalletId(decision.walletId),
    currency,
    decidedAt: timeField(decision.decidedAtMs),
    event: evidence.event ?? null,
    ruleset: decision.rulesetHash,
    rulesOnDisk: evidence.rules ?? null,
    outcome: decision.outcome,
    score: decision.score,
    band: band === undefined ? null : { from: band.from, to: band.to, outcome: band.outcome },
    harsher,
    notFrozenBecause: evidence.notFrozenBecause,
    review: reviewJson(decision.review),
    rules: explanation.rules.map((rule) => ruleJson(rule, currency)),
    moneyAtRisk:
      risk === undefined
        ? null
        : {
            ...moneyFields('total', risk.totalNanos),
            ...moneyFields('owed', risk.owedNanos),
            ...moneyFields('reversible', risk.reversibleNanos),
            ...moneyFields('usage', risk.usageNanos),
            ...moneyFields('burnPerHour', risk.burnNanosPerHour),
            reactionHours: risk.reactionHours,
            frozen: risk.isFrozen,
          },
    ...moneyFields('loss', evidence.loss ?? null),
    expectedLoss: evidence.choice === undefined ? null : choiceJson(evidence.choice, harsherFromChance),
  };
}

function ruleJson(rule: RuleExplanation, currency: string) {
  const { evidence, verdict, checks, without } = rule;
  const value = (of: number | null) => amountOf(of, evidence.unit);
  return {
    rule: evidence.ruleId,
    title: evidence.title,
    mode: evidence.mode,
    verdict,
    status: evidence.status,
    points: evidence.score,
    kind: evidence.kind,
    feature: evidence.feature,
    unit: unitOf(evidence.unit, currency),
    windowMs: evidence.windowMs,
    observed: value(evidence.observed),
    firesFrom: value(rule.firesFrom),
    baseline: {
      expected: value(evidence.expected),
      lower: value(evidence.lower),
      upper: value(evidence.upper),
      points: evidence.points,
    },
    z: evidence.z ?? null,
    times: evidence.times ?? null,
    say: evidence.say,
    reason: evidence.reason ?? null,
    checks: checks.map((check) => checkJson(check, currency)),
    wouldChange: changeWords(rule, currency),
    without: without ?? null,
  };
}

function checkJson({ part, text, value, against, unit, holds }: Check, currency: string) {
  const shown = (of: Check['value']) => (typeof of === 'string' ? of : amountOf(of, unit));
  return { part, text, value: shown(value), against: shown(against), unit: unitOf(unit, currency), holds };
}

function amountOf(value: number | null, unit: string): number | string | null {
  if (value === null || unit !== 'nanos') return value;
  return formatDecimal(BigInt(Math.round(value)));
}

function unitOf(unit: string, currency: string): string {
  return unit === 'nanos' ? currency : unit;
}

function choiceJson(
  { outcome, byPoints, options, probability }: ChoiceEvidence,
  harsherFromChance: number | undefined,
) {
  const money = (nanos: number) => formatDecimal(BigInt(Math.round(nanos)));
  const { mean, lower, upper, cases } = probability;
  return {
    chosen: outcome,
    byPoints,
    chance: { mean, lower, upper, cases },
    chosenUntilChance: harsherFromChance === undefined ? null : Math.round(harsherFromChance * 1e4) / 1e4,
    options: options.map((option) => ({
      outcome: option.outcome,
      loss: money(option.lossNanos),
      friction: money(option.frictionNanos),
      review: money(option.reviewNanos),
      total: money(option.totalNanos),
    })),
  };
}
