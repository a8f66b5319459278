import { type FreezeEffect, freezeWallet } from '../../actions/freeze-wallet.ts';
import { type ThrottleEffect, throttleWallet } from '../../actions/throttle-wallet.ts';
import {
  type ActionCaps,
  type AutomaticAct,
  type CapSituation,
  heldBackBy,
  UNCAPPED,
} from '../../domain/decisions/action-caps.ts';
import type { LossOption, WeighedChoice } from '../../domain/decisions/expected-loss.ts';
import type { Judgement } from '../../domain/decisions/judge.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { throttleFor } from '../../domain/rules/band.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { dearerThan, usualPerHour } from './weigh-outcome.ts';

/** What a decision is planned from: a lane's wallet, or the one a backtest plays. */
export interface ActSituation {
  readonly ruleset: Pick<Ruleset, 'bands' | 'freeze' | 'caps'>;
  readonly wallet: Pick<WalletHead, 'walletId' | 'status' | 'throttle' | 'currency'>;
  readonly sofar: Pick<CapSituation, 'acts' | 'parts' | 'accounts'>;
  /** What the outcomes are expected to cost; null where the points alone decide. */
  readonly choice: WeighedChoice | null;
  readonly decisionId: string;
  readonly nowMs: number;
}

/** What is to be done to the wallet. */
export type WalletAct =
  | { readonly kind: 'freeze'; readonly effect: FreezeEffect; readonly act: AutomaticAct }
  | { readonly kind: 'throttle'; readonly effect: ThrottleEffect; readonly act: AutomaticAct };

/** A cap that has kept an action from being done. */
export interface HeldBack {
  readonly kind: AutomaticAct['kind'];
  readonly cap: string;
}

/** What a judgement leads to. */
export interface PlannedActs {
  readonly outcome: Judgement['outcome'];
  /** Null when the wallet is to be frozen. */
  readonly notFrozenBecause: string | null;
  /** Null when nothing is done. */
  readonly done: WalletAct | null;
  readonly heldBack: readonly HeldBack[];
}

/**
 * Freezes or slows the wallet down when the outcome says so, nothing milder is cheaper and no cap holds it back; otherwise
 * answers why the wallet is not frozen. What a cap holds back is slowed down instead where a band allows it. Pure: lanes
 * carry the plan out, backtests play it.
 */
export function planActs(situation: ActSituation, judgement: Judgement): PlannedActs {
  const { ruleset, wallet, choice, decisionId, nowMs } = situation;
  if (judgement.outcome !== 'freeze') {
    const freezeFrom = ruleset.bands.find((band) => band.outcome === 'freeze')?.from;
    const notFrozenBecause =
      freezeFrom === undefined
        ? 'no band of this ruleset freezes'
        : `the rules that fire add up to ${judgement.score} points; a freeze needs ${freezeFrom}`;
    const isSpared = choice !== null && !choice.slows;
    return slowOr(situation, judgement, { notFrozenBecause, isSpared, outcome: judgement.outcome, heldBack: [] });
  }
  if (choice !== null && choice.outcome !== 'freeze') {
    const notFrozenBecause = dearerThan(choice, wallet.currency);
    const isSpared = !choice.slows;
    return slowOr(situation, judgement, { notFrozenBecause, isSpared, outcome: choice.outcome, heldBack: [] });
  }
  const plan = freezeWallet.plan(
    { wallet, reason: reasonOf(judgement), decisionId, nowMs },
    { hours: ruleset.freeze.hours },
  );
  if ('skip' in plan) return { outcome: 'freeze', notFrozenBecause: plan.skip, done: null, heldBack: [] };
  const act = actOf('freeze', situation);
  const cap = capFor(situation, act);
  if (cap !== undefined) {
    const heldBack = [{ kind: 'freeze', cap }] as const;
    return slowOr(situation, judgement, { notFrozenBecause: cap, isSpared: false, outcome: 'review', heldBack });
  }
  const done = { kind: 'freeze', effect: plan.effect, act } as const;
  return { outcome: 'freeze', notFrozenBecause: null, done, heldBack: [] };
}

interface Instead {
  readonly outcome: Judgement['outcome'];
  readonly notFrozenBecause: string;
  /** Something milder than a slow-down is cheaper. */
  readonly isSpared: boolean;
  readonly heldBack: readonly HeldBack[];
}

/** Slows the wallet down where a band of the outcome allows it, and says when a cap keeps it from that. */
function slowOr(situation: ActSituation, judgement: Judgement, instead: Instead): PlannedActs {
  const { ruleset, wallet, decisionId, nowMs } = situation;
  const { outcome, notFrozenBecause, isSpared, heldBack } = instead;
  const nothing = { outcome, notFrozenBecause, done: null, heldBack };
  const policy = throttleFor(ruleset.bands, judgement.outcome);
  // An alert that nobody is told of must not change anything either.
  if (policy === undefined || isSpared || !judgement.raised) return nothing;
  const { kind: _kind, ...params } = policy;
  const usualNanosPerHour = usualPerHour(judgement);
  const reason = reasonOf(judgement);
  const plan = throttleWallet.plan({ wallet, reason, usualNanosPerHour, decisionId, nowMs }, params);
  if ('skip' in plan) return { ...nothing, notFrozenBecause: `${notFrozenBecause}; not slowed down: ${plan.skip}` };
  const act = actOf('throttle', situation);
  const cap = capFor(situation, act);
  if (cap !== undefined) {
    const both = [...heldBack, { kind: 'throttle', cap } as const];
    return { ...nothing, notFrozenBecause: `${notFrozenBecause}; not slowed down: ${cap}`, heldBack: both };
  }
  return { ...nothing, done: { kind: 'throttle', effect: plan.effect, act } };
}

/** The rules that made the points, as the reason of an action. */
export function reasonOf({ results }: Judgement): string {
  return results
    .filter((result) => result.score > 0)
    .map((result) => result.ruleId)
    .join(' and ');
}

function actOf(kind: AutomaticAct['kind'], { choice, nowMs: atMs }: ActSituation): AutomaticAct {
  const option: LossOption = kind;
  const frictionNanos = choice?.options.find(({ outcome }) => outcome === option)?.frictionNanos ?? 0;
  return { kind, atMs, frictionNanos };
}

function capFor({ ruleset, sofar }: ActSituation, act: AutomaticAct): string | undefined {
  return heldBackBy(capsOf(ruleset), act, { ...sofar, nowMs: act.atMs });
}

/** The caps in force; a ruleset that was made without any has at least its freezes a day. */
function capsOf({ caps, freeze }: Pick<Ruleset, 'caps' | 'freeze'>): ActionCaps {
  return caps ?? { freezes: { ...UNCAPPED, perDay: freeze.perDayMax }, throttles: UNCAPPED, frictionPerDayNanos: null };
}
