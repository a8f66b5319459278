import { z } from 'zod';
import type { AlertFacts } from '../../domain/decisions/alert-facts.ts';
import type { WeighedChoice } from '../../domain/decisions/expected-loss.ts';
import type { RuleResult } from '../../domain/decisions/judgement.ts';
import { REACTION_HOURS } from '../../domain/decisions/money-at-risk.ts';
import { formatWalletId } from '../../domain/ids.ts';
import { OUTCOMES, type Outcome } from '../../domain/rules/band.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { RuleEvidence } from '../queries/decision-evidence.ts';
import type { AlertDetail } from '../queries/queries.ts';

const slowedSchema = z.looseObject({
  limitNanos: z.union([z.number(), z.string().regex(/^\d+$/)]).transform((value) => BigInt(value)),
  periodMs: z.number(),
  untilMs: z.number(),
});

/** The facts of a stored alert, as its decision saw them; what is held back by now is the wallet's. */
export function factsOf({ alert, decision, wallet }: AlertDetail): AlertFacts {
  const { evidence } = decision;
  const slowed = slowedSchema.safeParse(evidence.slowed).data;
  const frozenUntilMs = frozenUntilOf(alert.title, alert.raisedAtMs);
  // Only usage that came after this freeze was held back by it.
  const heldBack =
    frozenUntilMs !== null && wallet !== undefined ? wallet.quarantined : (evidence.wallet?.quarantined ?? 0n);
  return {
    alertId: alert.alertId,
    account: alert.account,
    walletId: formatWalletId(alert.walletId),
    currency: alert.currency,
    outcome: OUTCOMES.find((one) => one === alert.outcome) ?? 'review',
    score: decision.score,
    raisedAtMs: alert.raisedAtMs,
    frozenUntilMs,
    notFrozenBecause: evidence.notFrozenBecause,
    slowed: slowed ?? null,
    radar: evidence.radar ?? null,
    choice: choiceOf(evidence.choice),
    results: evidence.results.map(resultOf),
    ...(evidence.rules === undefined ? {} : { rulesNote: evidence.rules }),
    hourlySpendNanos: evidence.hourlySpendNanos,
    balanceNanos: evidence.wallet?.posted ?? wallet?.posted ?? 0n,
    moneyAtRiskNanos: alert.moneyAtRisk,
    lossNanos: alert.loss,
    heldBackNanos: heldBack,
    reactionHours: REACTION_HOURS,
  };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * When the freeze ends that an alert tells of. The wallet may have been thawed and frozen again since, so what the alert was
 * told with counts: its title, whose end only we write.
 */
function frozenUntilOf(title: string, raisedAtMs: number): number | null {
  const match =
    / · (?:wallet frozen|again, wallet already frozen) [^·]* until (\d{1,2}) ([A-Z][a-z]{2}) (\d\d):(\d\d) UTC$/.exec(
      title,
    );
  if (match === null) return null;
  const [, day, month = '', hour, minute] = match;
  const year = new Date(raisedAtMs).getUTCFullYear();
  const at = (of: number) => Date.UTC(of, MONTHS.indexOf(month), Number(day), Number(hour), Number(minute));
  // Titles leave the year of the end out.
  return at(year) < raisedAtMs - DAY_MS ? at(year + 1) : at(year);
}

function resultOf(rule: RuleEvidence): RuleResult {
  const { z: spreads, times, reason, evidence } = rule;
  return {
    ...{
      ruleId: rule.ruleId,
      title: rule.title,
      kind: rule.kind,
      feature: rule.feature,
      unit: rule.unit,
      say: rule.say,
    },
    mode: rule.mode === 'shadow' ? 'shadow' : 'live',
    status: STATUSES.find((one) => one === rule.status) ?? 'no_hit',
    ...{ score: rule.score, windowMs: rule.windowMs, points: rule.points },
    ...{ observed: rule.observed ?? 0, expected: rule.expected ?? 0, lower: rule.lower ?? 0, upper: rule.upper ?? 0 },
    threshold: rule.threshold,
    ...(spreads === undefined ? {} : { z: spreads }),
    ...(times === undefined ? {} : { times }),
    ...(reason === undefined ? {} : { reason }),
    // Only that there is some is asked of it here.
    ...(evidence === undefined
      ? {}
      : { evidence: { observed: evidence.observed ?? 0, expected: evidence.expected ?? 0, parts: {} } }),
  };
}

const STATUSES: readonly RuleResult['status'][] = ['hit', 'no_hit', 'inconclusive', 'snoozed'];

function choiceOf(choice: AlertDetail['decision']['evidence']['choice']): WeighedChoice | null {
  if (choice === undefined) return null;
  const outcome = (text: string): Outcome => OUTCOMES.find((one) => one === text) ?? 'review';
  return {
    outcome: outcome(choice.outcome),
    byPoints: outcome(choice.byPoints),
    slows: choice.slows === true,
    probability: choice.probability,
    options: choice.options.map((option) => ({
      ...option,
      outcome: option.outcome === 'throttle' ? 'throttle' : outcome(option.outcome),
    })),
  };
}
