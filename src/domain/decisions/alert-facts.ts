import type { Outcome } from '../rules/band.ts';
import type { WeighedChoice } from './expected-loss.ts';
import type { RuleResult } from './judgement.ts';

/** A slow-down that the decision has put in force. */
export interface SlowedDown {
  /** What may be spent per period, nano-units. */
  readonly limitNanos: bigint;
  readonly periodMs: number;
  readonly untilMs: number;
}

/** What the decision asks of Radar; what comes of it is known after the commit. */
export interface RadarAsked {
  readonly untilMs: number;
}

/** Everything an alert may say. The text holds no number that is not here or computed from what is here. */
export interface AlertFacts {
  readonly alertId: string;
  readonly account: string;
  readonly walletId: string;
  readonly currency: string;
  readonly outcome: Outcome;
  readonly score: number;
  readonly raisedAtMs: number;
  readonly frozenUntilMs: number | null;
  readonly notFrozenBecause: string | null;
  /** Set when the decision slowed the wallet down. */
  readonly slowed?: SlowedDown | null;
  /** Set when the decision puts the account's customer before Radar. */
  readonly radar?: RadarAsked | null;
  /** What each outcome was expected to cost; null where the ruleset has no costs. */
  readonly choice: WeighedChoice | null;
  readonly results: readonly RuleResult[];
  /** Present while the rules on disk are not those that judged. */
  readonly rulesNote?: string;
  /** Oldest first; ends with the current hour. */
  readonly hourlySpendNanos: readonly number[];
  readonly balanceNanos: bigint;
  readonly moneyAtRiskNanos: bigint;
  readonly lossNanos: bigint;
  readonly heldBackNanos: bigint;
  readonly reactionHours: number;
}
