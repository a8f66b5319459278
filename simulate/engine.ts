import type { AdminStore } from '../src/pipeline/admin/admin-store.ts';
import type { SetStore } from '../src/pipeline/admin/post-set.ts';
import type { LaneStore } from '../src/pipeline/lane/lane-store.ts';

/** Lanes of a simulated ledger: enough for copies that cross from one to another. */
export const LANES = 2;

/** Everything stored, as text that compares well: the same on every engine after the same steps. */
export interface Books {
  readonly entries: readonly string[];
  readonly quarantine: readonly string[];
  readonly wallets: readonly string[];
  readonly grants: readonly string[];
  readonly burns: readonly string[];
  readonly batches: readonly string[];
  readonly contra: readonly string[];
  readonly decisions: readonly string[];
  readonly messages: readonly string[];
  readonly requests: readonly string[];
  readonly corrections: readonly string[];
  readonly holds: readonly string[];
  readonly holdAnswers: readonly string[];
  readonly features: readonly string[];
  readonly lanes: readonly string[];
}

/** Where a simulated ledger is stored. */
export interface Engine {
  readonly lanes: LaneStore;
  readonly admin: AdminStore;
  readonly sets: SetStore;
  readonly books: () => Promise<Books>;
  /** Closes all days before this time under every lane's fence, as archiving does: they take no usage any more. */
  readonly closeDays: (beforeMs: number) => Promise<void>;
  /** What the shipped proofs find wrong. */
  readonly faults: () => Promise<readonly string[]>;
  /** Where the chain of a lane is broken. On PostgreSQL the proofs go through it, link by link. */
  readonly brokenLinks: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

export function laneOfShard(shard: number): number {
  return shard % LANES;
}
