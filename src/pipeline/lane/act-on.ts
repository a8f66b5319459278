import { freezeWallet } from '../../actions/freeze-wallet.ts';
import { throttleWallet } from '../../actions/throttle-wallet.ts';
import {
  type ActionCaps,
  type AutomaticAct,
  afterActing,
  heldBackBy,
  UNCAPPED,
} from '../../domain/decisions/action-caps.ts';
import type { SlowedDown } from '../../domain/decisions/alert-facts.ts';
import type { LossOption } from '../../domain/decisions/expected-loss.ts';
import type { Judgement } from '../../domain/decisions/judge.ts';
import { throttleFor } from '../../domain/rules/band.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { BatchRecord } from './batch-record.ts';
import type { LaneAccount, LaneMemory } from './lane-memory.ts';
import { laneLedger, laneThrottle } from './wallet-state.ts';
import { dearerThan, usualPerHour, type WeighedChoice } from './weigh-outcome.ts';

/** Where a decision is carried out. */
export interface Scene {
  readonly memory: LaneMemory;
  readonly batch: BatchRecord;
  readonly ruleset: Ruleset;
  readonly account: LaneAccount;
}

/** What was done. */
export interface Acted {
  readonly outcome: Judgement['outcome'];
  /** Null when the wallet was frozen by this decision. */
  readonly notFrozenBecause: string | null;
  readonly slowed: SlowedDown | null;
  /** What that is expected to cost honest customers, nano-units. */
  readonly frictionNanos: number;
}

/** The decision that an action is of, and when. */
export interface Named {
  readonly decisionId: string;
  readonly nowMs: number;
}

/**
 * Freezes or slows the wallet down when the outcome says so, nothing milder is cheaper and no cap holds it back; otherwise
 * answers why the wallet was not frozen. What a cap holds back is slowed down instead where a band allows it.
 */
export function actOn(scene: Scene, judgement: Judgement, choice: WeighedChoice | null, named: Named): Acted {
  const { ruleset } = scene;
  if (judgement.outcome !== 'freeze') {
    const freezeFrom = ruleset.bands.find((band) => band.outcome === 'freeze')?.from;
    const notFrozenBecause =
      freezeFrom === undefined
        ? 'no band of this ruleset freezes'
        : `the rules that fire add up to ${judgement.score} points; a freeze needs ${freezeFrom}`;
    const isSpared = choice !== null && !choice.slows;
    return slowOr(scene, judgement, { choice, named, notFrozenBecause, isSpared, outcome: judgement.outcome });
  }
  if (choice !== null && choice.outcome !== 'freeze') {
    const notFrozenBecause = dearerThan(choice, scene.account.wallet.currency);
    return slowOr(scene, judgement, {
      choice,
      named,
      notFrozenBecause,
      isSpared: !choice.slows,
      outcome: choice.outcome,
    });
  }
  const plan = freezeWallet.plan(
    { wallet: scene.account.wallet, reason: reasonOf(judgement), ...named },
    { hours: ruleset.freeze.hours },
  );
  if ('skip' in plan) return { outcome: 'freeze', notFrozenBecause: plan.skip, slowed: null, frictionNanos: 0 };
  const act = actOf('freeze', choice, named.nowMs);
  const heldBack = capFor(scene, act);
  if (heldBack !== undefined) {
    const notFrozenBecause = heldBack;
    return slowOr(scene, judgement, { choice, named, notFrozenBecause, isSpared: false, outcome: 'review' });
  }
  remember(scene, act);
  freezeWallet.apply(plan.effect, laneLedger(scene.memory, scene.batch, scene.account, named.nowMs));
  return { outcome: 'freeze', notFrozenBecause: null, slowed: null, frictionNanos: act.frictionNanos };
}

interface Instead {
  readonly choice: WeighedChoice | null;
  readonly named: Named;
  readonly outcome: Judgement['outcome'];
  readonly notFrozenBecause: string;
  /** Something milder than a slow-down is cheaper. */
  readonly isSpared: boolean;
}

/** Slows the wallet down where a band of the outcome allows it, and says when a cap keeps it from that. */
function slowOr(scene: Scene, judgement: Judgement, instead: Instead): Acted {
  const { choice, named, outcome, notFrozenBecause, isSpared } = instead;
  const nothing = { outcome, notFrozenBecause, slowed: null, frictionNanos: 0 };
  const policy = throttleFor(scene.ruleset.bands, judgement.outcome);
  // An alert that nobody is told of must not change anything either.
  if (policy === undefined || isSpared || !judgement.raised) return nothing;
  const { kind: _kind, ...params } = policy;
  const usualNanosPerHour = usualPerHour(judgement);
  const { wallet } = scene.account;
  const plan = throttleWallet.plan({ wallet, reason: reasonOf(judgement), usualNanosPerHour, ...named }, params);
  if ('skip' in plan) return { ...nothing, notFrozenBecause: `${notFrozenBecause}; not slowed down: ${plan.skip}` };
  const act = actOf('throttle', choice, named.nowMs);
  const heldBack = capFor(scene, act);
  if (heldBack !== undefined) {
    return { ...nothing, notFrozenBecause: `${notFrozenBecause}; not slowed down: ${heldBack}` };
  }
  remember(scene, act);
  throttleWallet.apply(plan.effect, laneThrottle(scene.batch, scene.account, named.nowMs));
  const { limitNanos, periodMs, untilMs } = plan.effect;
  return { ...nothing, slowed: { limitNanos, periodMs, untilMs }, frictionNanos: act.frictionNanos };
}

/** The rules that made the points, as the reason of an action. */
export function reasonOf({ results }: Judgement): string {
  return results
    .filter((result) => result.score > 0)
    .map((result) => result.ruleId)
    .join(' and ');
}

function actOf(kind: AutomaticAct['kind'], choice: WeighedChoice | null, atMs: number): AutomaticAct {
  const option: LossOption = kind;
  const frictionNanos = choice?.options.find(({ outcome }) => outcome === option)?.frictionNanos ?? 0;
  return { kind, atMs, frictionNanos };
}

function capFor({ memory, ruleset }: Scene, act: AutomaticAct): string | undefined {
  const { acts, lanes: parts, accountsTotal: accounts } = memory;
  return heldBackBy(capsOf(ruleset), act, { acts, nowMs: act.atMs, parts, accounts });
}

/** The caps in force; a ruleset that was made without any has at least its freezes a day. */
function capsOf({ caps, freeze }: Ruleset): ActionCaps {
  return caps ?? { freezes: { ...UNCAPPED, perDay: freeze.perDayMax }, throttles: UNCAPPED, frictionPerDayNanos: null };
}

function remember({ memory }: Scene, act: AutomaticAct): void {
  memory.acts = afterActing(memory.acts, act);
}
