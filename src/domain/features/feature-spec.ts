import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time.ts';
import type { DistinctOf } from './distinct-values.ts';
import type { StreamDefinition } from './streams.ts';

/** Fine buckets carry bursts; hourly buckets carry baselines and charts. */
export const FINE_MS = 5 * MINUTE_MS;
export const FINE_PER_HOUR = HOUR_MS / FINE_MS;

/** Baselines look back at most this far. */
export const HISTORY_HOURS_MAX = (28 * DAY_MS) / HOUR_MS;

/** A source's clock may run ahead of ours by this much before its times are not believed. */
export const CLOCK_SKEW_MAX_MS = 5 * MINUTE_MS;

/** A bit mask marks the features an event touched, so there can be no more than bits in a small integer. */
export const FEATURES_MAX = 30;

/** One number kept per account and bucket. */
export interface FeatureDefinition {
  /** `spend`, `events`, `altered`, `quantity('meter')` or `count('meter')`: the spelling of rule files and stored state. */
  readonly name: string;
  readonly source: 'spend' | 'events' | 'altered' | 'quantity';
  /** For `quantity`; and for `events` of one meter, facts included. */
  readonly meter?: string;
  /** How many five-minute buckets are kept beside the hourly ones: the longest burst window; 0 for none. */
  readonly fineMax: number;
  /**
   * Which clock places an amount: volumes go where the source says they happened, so that late usage corrects its own
   * bucket. Integrity counts go where they arrived: somebody who re-sends last week's ids with other content must not
   * be able to hide them in last week.
   */
  readonly clock: 'occurred' | 'ingested';
}

/** Which features to keep, compiled from the rules: what no rule reads is not stored. */
export interface FeatureSpec {
  readonly features: readonly FeatureDefinition[];
  /** Hours kept: the longest look-back plus the longest window. */
  readonly hourlyMax: number;
  /** Meters that report facts; `events` counts usage only. */
  readonly factMeters: ReadonlySet<string>;
  /** Properties whose different values conditions count; none when left out. */
  readonly distinct?: readonly DistinctOf[];
  /** Rules that are shown every event; none when left out. */
  readonly streams?: readonly StreamDefinition[];
}

/** The hour number (since the epoch, UTC) of a time. */
export function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS);
}

/** The five-minute bucket number (since the epoch, UTC) of a time. */
export function fineOf(ms: number): number {
  return Math.floor(ms / FINE_MS);
}

/** The hour in which a five-minute bucket lies. */
export function hourOfFine(fine: number): number {
  return Math.floor(fine / FINE_PER_HOUR);
}
