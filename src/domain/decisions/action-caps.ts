import { DAY_MS, HOUR_MS } from '../time.ts';
import { freezeShare } from './freeze-breaker.ts';

/** Something the rules did to a wallet by themselves. */
export interface AutomaticAct {
  readonly kind: 'freeze' | 'throttle';
  readonly atMs: number;
  /** What it was expected to cost honest customers, nano-units; 0 where no costs are known. */
  readonly frictionNanos: number;
}

/** How often one kind of action may happen without a person; null for no such bound. */
export interface ActionCap {
  readonly perHour: number | null;
  readonly perDay: number | null;
  /** Share of all accounts within 24 hours, 0 to 1. */
  readonly ofAccounts: number | null;
}

/** What the rules may do by themselves before people have to. */
export interface ActionCaps {
  readonly freezes: ActionCap;
  readonly throttles: ActionCap;
  /** What all actions of 24 hours together may be expected to cost honest customers, nano-units. */
  readonly frictionPerDayNanos: number | null;
}

/** No bound at all. */
export const UNCAPPED: ActionCap = { perHour: null, perDay: null, ofAccounts: null };

/** What was done so far, by whoever counts: a lane, which has its part of every cap, or a replay, which has all of it. */
export interface CapSituation {
  readonly acts: readonly AutomaticAct[];
  readonly nowMs: number;
  /** Parts that every cap is shared by: lanes share no memory. */
  readonly parts: number;
  /** Accounts of this part. */
  readonly accounts: number;
}

/**
 * The cap that holds an action back, in words for the alert; undefined when none does. A ruleset that suddenly acts on many
 * accounts is more likely wrong than the accounts are: then a person decides.
 */
export function heldBackBy(
  caps: ActionCaps,
  asked: Pick<AutomaticAct, 'kind' | 'frictionNanos'>,
  { acts, nowMs, parts, accounts }: CapSituation,
): string | undefined {
  const cap = asked.kind === 'freeze' ? caps.freezes : caps.throttles;
  const name = asked.kind === 'freeze' ? 'freezes' : 'slow-downs';
  const since = (ms: number) => acts.filter(({ kind, atMs }) => kind === asked.kind && atMs > nowMs - ms).length;
  if (cap.perHour !== null) {
    const share = freezeShare(cap.perHour, parts);
    if (since(HOUR_MS) >= share) return words(share, name, 'an hour', parts);
  }
  if (cap.perDay !== null) {
    const share = freezeShare(cap.perDay, parts);
    if (since(DAY_MS) >= share) return words(share, name, '24 hours', parts);
  }
  if (cap.ofAccounts !== null) {
    // One is allowed on the smallest platform: a cap that forbids everything is written as 0.
    const most = Math.max(1, Math.floor(cap.ofAccounts * accounts));
    if (since(DAY_MS) >= most) {
      return `${percent(cap.ofAccounts)} of these ${accounts} accounts have had one of the ${name} of 24 hours`;
    }
  }
  if (caps.frictionPerDayNanos === null || asked.frictionNanos === 0) return undefined;
  const spent = acts.reduce((sum, act) => (act.atMs > nowMs - DAY_MS ? sum + act.frictionNanos : sum), 0);
  if (spent + asked.frictionNanos <= caps.frictionPerDayNanos / Math.max(1, parts)) return undefined;
  return 'what actions of 24 hours may be expected to cost honest customers is used up';
}

/** The acts that caps still look at, with a new one. */
export function afterActing(acts: readonly AutomaticAct[], act: AutomaticAct): AutomaticAct[] {
  return [...acts.filter(({ atMs }) => atMs > act.atMs - DAY_MS), act];
}

function words(count: number, name: string, within: string, parts: number): string {
  const who = parts > 1 ? 'this part of the accounts has' : 'the accounts have';
  return `${who} had its ${count} ${name} in ${within}`.replace('accounts have had its', 'accounts have had their');
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}
