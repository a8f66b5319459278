import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { HoldRows } from '../holds/hold-rows.ts';
import type { BatchRecord } from './batch-record.ts';
import type { FindKeys } from './find-duplicates.ts';

/** A wallet as stored, with its feature checkpoint when there is one. */
export interface StoredAccount {
  readonly wallet: WalletHead;
  readonly features: Uint8Array | null;
  /** Batch the checkpoint was written with; 0 without one. */
  readonly checkpointBatch: number;
}

/** Where a lane stands when a writer takes it over. */
export interface LaneClaim {
  readonly lane: number;
  readonly epoch: bigint;
  readonly changeNo: bigint;
  readonly lastBatch: number;
  readonly chain: Buffer;
  readonly clockMs: number;
  readonly featuresThrough: number;
  /** The newest stored keys as uuids, and the event time from which they are complete. */
  readonly recentKeys: readonly string[];
  readonly keysCompleteFromMs: number;
  /** When this lane froze wallets by itself in the last 24 hours of its clock, ascending. */
  readonly freezesMs: readonly number[];
  /** How many lanes there are in all. */
  readonly lanes: number;
}

/** The facts of one stored batch, still encoded. */
export interface StoredFacts {
  readonly batchNo: number;
  readonly facts: Buffer;
  /** The rules the batch was judged by; left out where a store has only ever seen one. */
  readonly rulesetHash?: string | null;
}

/** One database transaction of a lane, fenced: it commits only while this writer owns the lane. */
export interface LaneTransaction {
  /** Count of outside changes to the lane's wallets; when it differs from the writer's, wallets must be reloaded. */
  readonly changeNo: bigint;
  /** Nothing older can be posted: those days are closed. 0, or left out, when none is. */
  readonly entriesFromMs?: number;
  readonly changedWallets: (sinceChangeNo: bigint) => Promise<readonly bigint[]>;
  readonly head: () => Promise<{ readonly lastBatch: number; readonly chain: Buffer }>;
  readonly loadAccounts: (walletIds: readonly bigint[]) => Promise<readonly StoredAccount[]>;
  readonly findKeys: FindKeys;
  readonly holds: HoldRows;
  /** Identities of moving sources that were seen since a time, and those to keep; only asked when there are such sources. */
  readonly findIdentities?: (identities: readonly string[], sinceMs: number) => Promise<ReadonlySet<string>>;
  readonly keepIdentities?: (batch: BatchRecord, identities: readonly string[], sinceMs: number) => Promise<void>;
  /** Writes the batch and returns the chain value after it. */
  readonly write: (batch: BatchRecord) => Promise<Buffer>;
}

/**
 * Another lane has stored an event under a key of this batch: every key must be looked up. It carries the code PostgreSQL
 * gives where two entries meet in one index; entries and quarantined usage are in two.
 */
export class KeyTakenError extends Error {
  readonly code = '23505';
}

/** What a lane writer needs from the world. `AppError(LANE_FENCED)` says that another process owns the lane. */
export interface LaneStore {
  /** Takes the lane over, or `AppError(LANE_BUSY)` while another live process holds it. */
  readonly claim: (lane: number, owner: string) => Promise<LaneClaim>;
  readonly release: (lane: number) => Promise<void>;
  /** Facts after a batch, oldest first, a few at a time: takeover folds them again. */
  readonly factsAfter: (lane: number, batchNo: number) => AsyncIterable<StoredFacts>;
  readonly loadAccounts: (walletIds: readonly bigint[]) => Promise<readonly StoredAccount[]>;
  /** Prepares storage for entries on these days; must run before the transaction that needs it. */
  readonly preparePartitions: (timesMs: readonly number[]) => Promise<void>;
  readonly transact: <T>(lane: number, epoch: bigint, work: (transaction: LaneTransaction) => Promise<T>) => Promise<T>;
}
