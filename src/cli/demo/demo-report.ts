import type { QuarantineReason, RejectionCode } from '../../domain/events/usage-event.ts';
import type { Outcome } from '../../domain/rules/band.ts';
import type { AttackFamily, LookAlikeKind } from './plan.ts';

/** An exact amount in major units: `18.2`, `-0.0000375`. */
export type Decimal = string;

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export type IsoTime = string;

/**
 * What `tollkeeper demo --json` prints and the text report is made from. Money is exact decimal text in `currency`.
 * Keys are only ever added.
 */
export interface DemoReport {
  readonly v: 1;
  /** What the traffic was drawn from; null for a file. */
  readonly seed: number | null;
  /** Whether the demo knows what was hidden where. Of a file it does not: `attacks` and `lookAlikes` are then empty. */
  readonly knowsTruth: boolean;
  readonly currency: string;
  readonly accounts: number;
  readonly days: number;
  readonly from: IsoTime;
  readonly to: IsoTime;
  readonly events: DemoEventCounts;
  readonly money: { readonly charged: Decimal; readonly quarantined: Decimal };
  readonly timings: DemoTimings;
  /** In the order they were raised. */
  readonly alerts: readonly DemoAlert[];
  /** Every abuse in the traffic, found or not. */
  readonly attacks: readonly DemoAttackResult[];
  /** Honest accounts that resemble an attack, alerted or not. */
  readonly lookAlikes: readonly { readonly account: string; readonly kind: LookAlikeKind }[];
  readonly freezes: readonly DemoFreeze[];
  /** Absent when no attack was caught. */
  readonly chart?: DemoChart;
  readonly proof: readonly DemoProof[];
}

export interface DemoEventCounts {
  readonly received: number;
  readonly posted: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly rejected: number;
  readonly quarantinedBy: Readonly<Partial<Record<QuarantineReason, number>>>;
  readonly rejectedBy: Readonly<Partial<Record<RejectionCode, number>>>;
}

export interface DemoTimings {
  readonly engineStartMs: number;
  readonly replayMs: number;
  readonly eventsPerSecond: number;
}

/** An alert as it was raised; `summary` is the full text that support would read. */
export interface DemoAlert {
  readonly alertId: string;
  readonly account: string;
  readonly outcome: Outcome;
  readonly raisedAt: IsoTime;
  readonly title: string;
  readonly summary: string;
  readonly moneyAtRisk: Decimal;
}

/** One injected abuse and what came of it. */
export interface DemoAttackResult {
  readonly account: string;
  readonly family: AttackFamily;
  readonly startedAt: IsoTime;
  readonly endedAt: IsoTime;
  /** First alert on the account after the attack began; null when it was missed. */
  readonly alertedAt: IsoTime | null;
  /** First of those alerts that asked for a person, which `watch` does not; null when none did. */
  readonly reviewedAt: IsoTime | null;
  readonly frozenAt: IsoTime | null;
  /** Stolen usage that was charged before anything stopped it; zero for a tampered meter, which hides usage instead. */
  readonly charged: Decimal;
  /** Stolen usage that the freeze kept from being charged. */
  readonly heldBack: Decimal;
}

/** A wallet that was frozen, rightly or not. */
export interface DemoFreeze {
  readonly account: string;
  readonly at: IsoTime;
  readonly until: IsoTime;
  /** All usage of the account that was refused while frozen. */
  readonly refused: Decimal;
}

/** Spend per hour of one caught account. */
export interface DemoChart {
  readonly account: string;
  /** Start of the first hour. */
  readonly from: IsoTime;
  readonly charged: readonly Decimal[];
  /** Refused by the freeze; stands on top of what was charged. */
  readonly refused: readonly Decimal[];
  /** What this account spends in such an hour when nothing is wrong. */
  readonly usual: readonly Decimal[];
  readonly attackAt: IsoTime;
  readonly frozenAt: IsoTime | null;
}

/** One thing that was added up twice, in two ways. */
export interface DemoProof {
  /** `every transaction sums to zero`. */
  readonly claim: string;
  readonly holds: boolean;
  /** What was compared: `412,300 entries`, or the two sums when they differ. */
  readonly detail: string;
}
