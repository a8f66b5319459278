/** One lane as the database sees it. */
export interface LaneHealth {
  readonly lane: number;
  readonly owner: string | null;
  /** A process holds the lane's lock now. */
  readonly isOwned: boolean;
  readonly epoch: bigint;
  readonly lastBatch: number;
  readonly ingestedAtMs: number | null;
}

/** What a look at the database says about it. */
export interface DatabaseHealth {
  readonly serverVersion: string;
  readonly serverMajor: number;
  readonly clockMs: number;
  readonly sizeBytes: bigint;
  readonly migrationsPending: readonly string[];
  /** Applied by a newer release. */
  readonly migrationsNewer: readonly string[];
  readonly lanes: readonly LaneHealth[];
  readonly outboxUnsent: number;
  readonly outboxOldestMs: number | null;
  readonly quarantineOpen: number;
}
