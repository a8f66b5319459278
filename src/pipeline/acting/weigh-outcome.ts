import { throttleLimit } from '../../actions/throttle-wallet.ts';
import { abuseProbability, type CaseCounts, NO_CASES } from '../../domain/decisions/abuse-probability.ts';
import {
  chooseByLoss,
  type LossOption,
  type ThrottleTerms,
  type WeighedChoice,
} from '../../domain/decisions/expected-loss.ts';
import type { Judgement } from '../../domain/decisions/judge.ts';
import { burnNanosPerHour, REACTION_HOURS } from '../../domain/decisions/money-at-risk.ts';
import type { AccountFeatures } from '../../domain/features/account-features.ts';
import { OVERDRAFT_UNLIMITED, type WalletHead } from '../../domain/ledger/wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { OUTCOMES, severityOf, type ThrottleAction, throttleFor } from '../../domain/rules/band.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { HOUR_MS } from '../../domain/time.ts';

export type { WeighedChoice } from '../../domain/decisions/expected-loss.ts';

/** How long abuse goes on when nobody is told: until the customer or the card's owner notices. */
const UNNOTICED_HOURS = 72;

/** What a choice is made from besides the judgement. */
export interface OutcomeSituation {
  readonly ruleset: Ruleset;
  readonly features: AccountFeatures;
  /** The wallet takes debits. */
  readonly isActive: boolean;
  /** What may still be spent before the wallet's own limit stops it; Infinity where nothing does, or nobody knows. */
  readonly spendableNanos: number;
  /** How closed alerts of each rule turned out. */
  readonly caseCounts: ReadonlyMap<string, CaseCounts>;
  readonly nowMs: number;
}

/**
 * What each outcome is expected to cost, and the cheapest that may be chosen; null where the ruleset has no costs. Points
 * decide whether a person looks, whatever the sum: a loss that is small so far is no reason to look away.
 */
export function weighOutcome(situation: OutcomeSituation, judgement: Judgement): WeighedChoice | null {
  const { ruleset, features, isActive, spendableNanos, caseCounts, nowMs } = situation;
  const { costs, freeze } = ruleset;
  if (costs === undefined || costs === null) return null;
  const lead = judgement.results
    .filter(({ mode, status }) => mode === 'live' && (status === 'hit' || status === 'snoozed'))
    .sort((a, b) => b.score - a.score || (a.ruleId < b.ruleId ? -1 : 1))[0];
  const probability = abuseProbability(
    judgement.score,
    lead === undefined ? NO_CASES : (caseCounts.get(lead.ruleId) ?? NO_CASES),
  );
  const usualNanosPerHour = usualPerHour(judgement);
  const policy = throttleFor(ruleset.bands, judgement.outcome);
  const inForce = isActive ? 'review' : 'freeze';
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
      spendableNanos,
      costs,
      ...(policy === undefined ? {} : { throttle: termsOf(policy, usualNanosPerHour) }),
    },
  );
  return { ...choice, probability };
}

/** What a wallet may still spend, by its own overdraft limit or the default; nano-units, Infinity without a limit. */
export function spendableOf(
  { posted, held, overdraftLimit }: Pick<WalletHead, 'posted' | 'held' | 'overdraftLimit'>,
  overdraftDefault: bigint,
): number {
  const limit = overdraftLimit ?? overdraftDefault;
  return limit === OVERDRAFT_UNLIMITED ? Number.POSITIVE_INFINITY : Math.max(0, Number(posted - held + limit));
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
