import type { FleetRow } from '../../domain/fleet/fleet-rule.ts';
import type { HourOfUsage } from '../../domain/fleet/platform-level.ts';

/** A row as lanes have written it. */
export interface StoredSighting {
  readonly tenant: string;
  readonly row: FleetRow;
}

/** A row at its place in the order of all rows. */
export interface FoldedSighting extends StoredSighting {
  readonly foldNo: number;
}

/** What the keeper found about an account. */
export interface NewFinding {
  readonly tenant: string;
  readonly account: string;
  readonly ruleId: string;
  readonly raw: number;
  readonly atMs: number;
  /** The row that showed it. */
  readonly foldNo: number;
}

/** What was found before. */
export interface ToldFinding {
  readonly account: string;
  readonly ruleId: string;
  readonly raw: number;
  readonly atMs: number;
}

/** What is known of a tenant: the rows its rules still look at, in the order they were folded, and what was found. */
export interface TenantPast {
  readonly rows: readonly FoldedSighting[];
  readonly told: readonly ToldFinding[];
}

/** One turn of folding, inside one database transaction. */
export interface FoldTurn {
  /** Rows that wait, each with the number it is folded under; empty when there are none. */
  readonly rows: readonly FoldedSighting[];
  /** What was folded before for a tenant. */
  readonly past: (tenant: string) => Promise<TenantPast>;
}

/** What the keeper of rules across accounts needs from the world. `AppError(LANE_FENCED)`: another process keeps them. */
export interface FleetStore {
  /** Becomes the keeper and answers its epoch; undefined while another live process is. */
  readonly claim: (owner: string) => Promise<bigint | undefined>;
  readonly release: () => Promise<void>;
  /**
   * Folds what waits, oldest first, at most `most` rows: what `work` finds is stored, and their lanes are told, together
   * with how far the keeper has come. Answers how many rows there were.
   */
  readonly fold: (
    epoch: bigint,
    options: { readonly most: number; readonly rulesetHash: string; readonly sinceMs: (nowMs: number) => number },
    work: (turn: FoldTurn) => Promise<readonly NewFinding[]>,
  ) => Promise<number>;
  /** Forgets rows that no rule looks at any more. */
  readonly forget: (olderThanMs: number) => Promise<void>;
  /** The lanes' clock: the latest arrival in any of them; undefined before the first event. */
  readonly clockMs: () => Promise<number | undefined>;
  /** Usage of closed hours that is known already, oldest first. */
  readonly hours: (sinceMs: number) => Promise<readonly HourOfUsage[]>;
  /** Counts the usage of one hour. */
  readonly countHour: (hourMs: number) => Promise<HourOfUsage>;
  readonly keepHour: (hour: HourOfUsage, factor: number) => Promise<void>;
}
