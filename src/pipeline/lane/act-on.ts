import { freezeWallet } from '../../actions/freeze-wallet.ts';
import { throttleWallet } from '../../actions/throttle-wallet.ts';
import { afterActing } from '../../domain/decisions/action-caps.ts';
import type { SlowedDown } from '../../domain/decisions/alert-facts.ts';
import type { Judgement } from '../../domain/decisions/judge.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { planActs } from '../acting/plan-acts.ts';
import type { WeighedChoice } from '../acting/weigh-outcome.ts';
import type { BatchRecord } from './batch-record.ts';
import type { LaneAccount, LaneMemory } from './lane-memory.ts';
import { laneLedger, laneThrottle } from './wallet-state.ts';

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

/** Carries out what the judgement leads to, in the lane's memory and its batch. */
export function actOn(
  { memory, batch, ruleset, account }: Scene,
  judgement: Judgement,
  choice: WeighedChoice | null,
  named: Named,
): Acted {
  const sofar = { acts: memory.acts, parts: memory.lanes, accounts: memory.accountsTotal };
  const plan = planActs({ ruleset, wallet: account.wallet, sofar, choice, ...named }, judgement);
  const { outcome, notFrozenBecause, done } = plan;
  if (done === null) return { outcome, notFrozenBecause, slowed: null, frictionNanos: 0 };
  memory.acts = afterActing(memory.acts, done.act);
  const { frictionNanos } = done.act;
  if (done.kind === 'freeze') {
    freezeWallet.apply(done.effect, laneLedger(memory, batch, account, named.nowMs));
    return { outcome, notFrozenBecause, slowed: null, frictionNanos };
  }
  throttleWallet.apply(done.effect, laneThrottle(batch, account, named.nowMs));
  const { limitNanos, periodMs, untilMs } = done.effect;
  return { outcome, notFrozenBecause, slowed: { limitNanos, periodMs, untilMs }, frictionNanos };
}
