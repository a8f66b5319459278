import type { FleetMark } from '../fleet/fleet-mark.ts';
import type { DistinctValues } from './distinct-values.ts';
import type { FeatureSpec } from './feature-spec.ts';
import type { Incident } from './incident.ts';
import type { Ring } from './ring.ts';
import type { AccountStreams } from './streams.ts';

/** One feature's buckets. Rings appear with their first amount. */
export interface Series {
  readonly name: string;
  /** First hour that is history: later than birth for a feature that was added, or after a change of plan. */
  sinceHour: number;
  hourly: Ring | null;
  fine: Ring | null;
}

/**
 * Everything remembered about one account; bounded, whatever its history. Mutable on purpose: the lane folds hundreds
 * of thousands of events a second, and copying rings per event would cost more than everything else together. Only
 * the lane that owns the account holds it, and it is saved in the database transaction that saves the events.
 */
export interface AccountFeatures {
  /** Hour of the earliest event; −1 before the first. Hours before it are not history, quiet hours after it are. */
  firstHour: number;
  /** Newest five-minute bucket by the sources' clocks; −1 before the first event. */
  headFine: number;
  /** Newest five-minute bucket by our clock. */
  headFineIngested: number;
  series: Series[];
  /** Hours kept out of baselines, ascending. */
  flaggedHours: number[];
  incident: Incident | null;
  /** Different values of properties, in the order of the feature spec. */
  distinct: DistinctValues[];
  /** What rules across accounts have found about it. */
  fleet: FleetMark[];
  /** What stream rules keep; null until the first event that is shown to them. */
  streams: AccountStreams | null;
  /** Stored stream state of a loaded account, until it is opened with the rules in force. */
  savedStreams: unknown;
  /** Not stored: what happened since the last judgement, and what the judge may reuse. */
  readonly transient: Transient;
}

/** Later than any bucket. A small integer, which engines keep without a box of its own; Infinity is not. */
export const NO_CHANGE = 0x3fff_ffff;

/** Working memory that can always be rebuilt; never part of the encoded state. */
export interface Transient {
  spec: FeatureSpec | null;
  /** Bit per feature of the spec that received an amount. */
  touched: number;
  /** Newest bucket that received an amount, by the sources' clocks. */
  touchedFine: number;
  /** Per feature of the spec everything that was ever added, in whichever bucket. */
  totals: number[];
  /** No window rule of the ruleset that owns the cache was over its cut-off when it was looked at after the latest fold. */
  isUnder: boolean;
  /** Oldest five-minute bucket behind the newest whose sum or mark changed; NO_CHANGE when none did. */
  changedFromFine: number;
  /** The rule across accounts whose finding was noted since the last judgement; null for none. */
  fleetRose: string | null;
  /** Owner and content of the judge's cache; see `decisions/judge.ts`. */
  cacheKey: object | null;
  cache: number[];
}

/** The state of an account nothing is known about. */
export function createFeatures(): AccountFeatures {
  return {
    firstHour: -1,
    headFine: -1,
    headFineIngested: -1,
    series: [],
    flaggedHours: [],
    incident: null,
    distinct: [],
    fleet: [],
    streams: null,
    savedStreams: undefined,
    transient: {
      spec: null,
      touched: 0,
      touchedFine: -1,
      totals: [],
      isUnder: false,
      changedFromFine: NO_CHANGE,
      fleetRose: null,
      cacheKey: null,
      cache: [],
    },
  };
}
