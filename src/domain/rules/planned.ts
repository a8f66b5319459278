import { HOUR_MS } from '../time.ts';

/** Usage somebody has announced: until it ends, rules on this feature of this account fire only above the ceiling. */
export interface PlannedSpike {
  readonly account: string;
  /** `spend`, or another feature a rule looks at. */
  readonly feature: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** In the feature's unit, for every `perMs`. */
  readonly ceiling: number;
  readonly perMs: number;
  readonly why: string;
}

/** The spike in force for an account and feature at a moment. */
export function plannedAt(
  spikes: readonly PlannedSpike[] | undefined,
  feature: string,
  atMs: number,
): PlannedSpike | undefined {
  return spikes?.find((spike) => spike.feature === feature && spike.fromMs <= atMs && atMs < spike.toMs);
}

/**
 * What a window may hold under a plan, in the feature's unit. A window shorter than the plan's own time may hold all of it:
 * a launch does not spread evenly.
 */
export function ceilingFor({ ceiling, perMs }: PlannedSpike, windowMs: number): number {
  return ceiling * Math.max(1, windowMs / perMs);
}

/** The longest time something can be planned for; beyond it, it is the new normal. */
export const PLANNED_MS_MAX = 35 * 24 * HOUR_MS;
