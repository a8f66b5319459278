import type { CaseCounts } from '../../domain/decisions/abuse-probability.ts';
import type { AutomaticAct } from '../../domain/decisions/action-caps.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { ChangeRecord } from '../admin/admin-store.ts';
import type { FleetFinding } from '../fleet/fleet-finding.ts';
import type { PlatformMove } from '../fleet/platform-move.ts';
import type { HoldReference, HoldRows, StoredHold } from '../holds/hold-rows.ts';
import type { BatchRecord, UnfinishedBatch } from './batch-record.ts';
import type { FindKeys } from './find-duplicates.ts';
import type { Lesson } from './lessons.ts';

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
  /** What rules did to wallets of this lane by themselves in the last 24 hours of its clock, oldest first. */
  readonly acts: readonly AutomaticAct[];
  /** Accounts of the lane. */
  readonly accountsTotal: number;
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

/** Where a lane stands: its last batch, and the link of that. */
export interface LaneHead {
  readonly lastBatch: number;
  readonly chain: Buffer;
}

/** A ledger transaction of one wallet and when it happens: the lane's next batch. */
export interface DatedChange {
  readonly change: ChangeRecord;
  readonly atMs: number;
}

/** One database transaction of a lane, fenced: it commits only while this writer owns the lane. */
export interface LaneTransaction {
  /** Count of outside changes to the lane's wallets; when it differs from the writer's, wallets must be reloaded. */
  readonly changeNo: bigint;
  /** Nothing older can be posted: those days are closed. 0, or left out, when none is. */
  readonly entriesFromMs?: number;
  readonly changedWallets: (sinceChangeNo: bigint) => Promise<readonly bigint[]>;
  readonly head: () => Promise<LaneHead>;
  readonly loadAccounts: (walletIds: readonly bigint[]) => Promise<readonly StoredAccount[]>;
  readonly findKeys: FindKeys;
  readonly holds: HoldRows;
  /** Lessons that wait for the lane, oldest first; left out where nobody closes alerts. */
  readonly lessons?: () => Promise<readonly Lesson[]>;
  /** How closed alerts turned out, by rule. */
  readonly caseCounts?: () => Promise<ReadonlyMap<string, CaseCounts>>;
  /** Findings across accounts that wait for the lane, oldest first; left out where nobody looks across accounts. */
  readonly findings?: (most: number) => Promise<readonly FleetFinding[]>;
  /** How much busier the whole platform is than usual. */
  readonly platform?: () => Promise<PlatformMove>;
  /** Identities of moving sources that were seen since a time, and those to keep; only asked when there are such sources. */
  readonly findIdentities?: (identities: readonly string[], sinceMs: number) => Promise<ReadonlySet<string>>;
  readonly keepIdentities?: (batch: BatchRecord, identities: readonly string[], sinceMs: number) => Promise<void>;
  /**
   * Takes the entries of a batch that is still being made, which storage can work on meanwhile, and resolves when others
   * have had their turn. `write` must follow with the same batch; nothing else may be asked before.
   */
  readonly stream?: (batch: UnfinishedBatch, entriesExpected: number) => Promise<void>;
  /** Writes ledger transactions of single wallets, one after the other, and returns the chain value after the last. */
  readonly writeChanges?: (changes: readonly DatedChange[], head: LaneHead) => Promise<Buffer>;
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
  /**
   * The same for a group of holds, with what is stored of them, on a connection that batches do not wait for. The commit
   * follows what `work` has asked to be written without waiting for the answers: those are in `written`.
   */
  readonly transactHolds?: <T>(
    lane: number,
    epoch: bigint,
    references: readonly HoldReference[],
    work: (transaction: LaneTransaction, stored: readonly StoredHold[]) => Promise<{ readonly written: Promise<T> }>,
  ) => Promise<T>;
}
