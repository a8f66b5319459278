import { throttleLimit } from '../../actions/throttle-wallet.ts';
import { abuseProbability, NO_CASES } from '../../domain/decisions/abuse-probability.ts';
import {
  chooseByLoss,
  type LossOption,
  type ThrottleTerms,
  type WeighedChoice,
} from '../../domain/decisions/expected-loss.ts';
import type { Judgement } from '../../domain/decisions/judge.ts';
import { burnNanosPerHour, REACTION_HOURS } from '../../domain/decisions/money-at-risk.ts';
import { OVERDRAFT_UNLIMITED } from '../../domain/ledger/wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { OUTCOMES, severityOf, type ThrottleAction, throttleFor } from '../../domain/rules/band.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { LaneAccount, LaneMemory } from './lane-memory.ts';

export type { WeighedChoice } from '../../domain/decisions/expected-loss.ts';

/** How long abuse goes on when nobody is told: until the customer or the card's owner notices. */
const UNNOTICED_HOURS = 72;

/**
 * What each outcome is expected to cost, and the cheapest that may be chosen; null where the ruleset has no costs. Points
 * decide whether a person looks, whatever the sum: a loss that is small so far is no reason to look away.
 */
export function weighOutcome(
  memory: LaneMemory,
  ruleset: Ruleset,
  { wallet, features }: LaneAccount,
  judgement: Judgement,
  nowMs: number,
): WeighedChoice | null {
  const { costs, freeze } = ruleset;
  if (costs === undefined || costs === null) return null;
  const lead = judgement.results
    .filter(({ mode, status }) => mode === 'live' && (status === 'hit' || status === 'snoozed'))
    .sort((a, b) => b.score - a.score || (a.ruleId < b.ruleId ? -1 : 1))[0];
  const probability = abuseProbability(
    judgement.score,
    lead === undefined ? NO_CASES : (memory.caseCounts.get(lead.ruleId) ?? NO_CASES),
  );
  const limit = wallet.overdraftLimit ?? ruleset.overdraftNanos;
  const usualNanosPerHour = usualPerHour(judgement);
  const policy = throttleFor(ruleset.bands, judgement.outcome);
  const inForce = wallet.status === 'active' ? 'review' : 'freeze';
  const choice = chooseByLoss(
    judgement.outcome,
    OUTCOMES[Math.min(severityOf(inForce), severityOf(judgement.outcome))] ?? 'review',
    {
      probability: probability.mean,
      burnNanosPerHour: burnNanosPerHour(features, nowMs),
      usualNanosPerHour,
      reactionHours: REACTION_HOURS,
      unnoticedHours: UNNOTICED_HOURS,
      freezeHours: freeze.hours,
      spendableNanos:
        limit === OVERDRAFT_UNLIMITED
          ? Number.POSITIVE_INFINITY
          : Math.max(0, Number(wallet.posted - wallet.held + limit)),
      costs,
      ...(policy === undefined ? {} : { throttle: termsOf(policy, usualNanosPerHour) }),
    },
  );
  return { ...choice, probability };
}

function termsOf(policy: ThrottleAction, usualNanosPerHour: number): ThrottleTerms {
  const { hours, periodMs } = policy;
  return { hours, nanosPerHour: (Number(throttleLimit(policy, usualNanosPerHour)) * HOUR_MS) / periodMs };
}

/** The usual spend an hour, by the money rule that knows the account best. */
export function usualPerHour({ results }: Judgement): number {
  const known = results.filter(({ unit, points, windowMs }) => unit === 'nanos' && points > 0 && windowMs > 0);
  const best = known.sort((a, b) => b.windowMs - a.windowMs)[0];
  return best === undefined ? 0 : Math.max(0, Math.round((best.expected * HOUR_MS) / best.windowMs));
}

/** Why points that ask for a freeze did not lead to one. */
export function dearerThan({ options, outcome, slows }: WeighedChoice, currency: string): string {
  const cost = (of: LossOption) => {
    const option = options.find((candidate) => candidate.outcome === of);
    return formatMoney(BigInt(option?.totalNanos ?? 0), currency);
  };
  return `a freeze is expected to cost ${cost('freeze')}, ${slows ? 'a slow-down' : outcome} only ${cost(slows ? 'throttle' : outcome)}`;
}
