import type { CaseCounts } from '../../domain/decisions/abuse-probability.ts';
import type { AutomaticAct } from '../../domain/decisions/action-caps.ts';
import { RecentKeys } from '../../domain/events/recent-keys.ts';
import type { AccountFeatures } from '../../domain/features/account-features.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { FleetFinding } from '../fleet/fleet-finding.ts';
import { NO_MOVE, type PlatformMove } from '../fleet/platform-move.ts';
import { LaneTurn } from './lane-turn.ts';
import type { Lesson } from './lessons.ts';

/** One account as its lane's writer knows it. */
export interface LaneAccount {
  readonly wallet: WalletHead;
  features: AccountFeatures;
  /** Batch whose state the feature checkpoint in SQL holds; facts up to it are in `features` already. */
  checkpointBatch: number;
  /** The wallet row does not exist yet: the next batch inserts it. */
  isNew: boolean;
  /** A new account that is among the lane's accounts already. */
  isCounted?: boolean;
  /** Batch that first changed the features since their last checkpoint; 0 when the checkpoint is current. */
  dirtySinceBatch: number;
  /** Last batch that touched the account: finds touched accounts without a set, and cold ones to evict. */
  touchedInBatch: number;
  /** Its place among the touched ones of that batch. */
  place: number;
}

/**
 * Everything a lane's single writer keeps in memory. PostgreSQL is the truth: after any failure this is thrown away
 * and loaded again, never repaired.
 */
export interface LaneMemory {
  readonly lane: number;
  readonly epoch: bigint;
  changeNo: bigint;
  lastBatch: number;
  chain: Buffer;
  /** The lane's clock: highest ingestedAt so far, epoch milliseconds. */
  clockMs: number;
  readonly accounts: Map<bigint, LaneAccount>;
  /** Accounts with features newer than their checkpoint, oldest first (insertion order). */
  readonly dirty: Set<LaneAccount>;
  readonly recentKeys: RecentKeys;
  /** What rules did to wallets by themselves on the last day, for the caps. */
  acts: readonly AutomaticAct[];
  /** Accounts of the lane, for caps that are a share of them. */
  accountsTotal: number;
  readonly lanes: number;
  /** What closed alerts teach and no batch has carried out yet, and the change they were read at. */
  lessons: readonly Lesson[];
  lessonsReadAt: bigint | undefined;
  /** Findings across accounts that no batch has judged yet, and the change they were read at. */
  findings: readonly FleetFinding[];
  findingsReadAt: bigint | undefined;
  /** How much busier the whole platform is, when that was read by the lane's clock, and what the last batch used. */
  platform: PlatformMove;
  platformReadAtMs: number;
  platformUsed: PlatformMove | undefined;
  /** How closed alerts of each rule turned out, in all lanes, and when that was read by the lane's clock. */
  caseCounts: ReadonlyMap<string, CaseCounts>;
  casesReadAtMs: number;
  /** Holds that were judged against this memory and are on their way to the books; settles whatever becomes of them. */
  holdsInFlight: Promise<void> | undefined;
  /** Who may write the next batch number. */
  readonly turn: LaneTurn;
}

/** An empty memory at a lane head; accounts are loaded as their events arrive. */
export function createLaneMemory(head: {
  readonly lane: number;
  readonly epoch: bigint;
  readonly changeNo: bigint;
  readonly lastBatch: number;
  readonly chain: Buffer;
  readonly clockMs: number;
  readonly keysCompleteFromMs: number;
  readonly acts?: readonly AutomaticAct[];
  readonly accountsTotal?: number;
  readonly lanes: number;
}): LaneMemory {
  return {
    lane: head.lane,
    epoch: head.epoch,
    changeNo: head.changeNo,
    lastBatch: head.lastBatch,
    chain: head.chain,
    clockMs: head.clockMs,
    accounts: new Map(),
    dirty: new Set(),
    recentKeys: new RecentKeys(head.keysCompleteFromMs),
    acts: head.acts ?? [],
    accountsTotal: head.accountsTotal ?? 0,
    lanes: head.lanes,
    lessons: [],
    lessonsReadAt: undefined,
    findings: [],
    findingsReadAt: undefined,
    platform: NO_MOVE,
    platformReadAtMs: -1,
    platformUsed: undefined,
    caseCounts: new Map(),
    casesReadAtMs: -1,
    holdsInFlight: undefined,
    turn: new LaneTurn(),
  };
}

/** Marks an account's features as newer than their checkpoint. */
export function markDirty(memory: LaneMemory, account: LaneAccount, batchNo: number): void {
  if (account.dirtySinceBatch !== 0) return;
  account.dirtySinceBatch = batchNo;
  memory.dirty.add(account);
}

/** The batch up to which every feature row of the lane is complete, once `checkpointed` are written. */
export function featuresThrough(memory: LaneMemory, batchNo: number): number {
  for (const account of memory.dirty) return account.dirtySinceBatch - 1;
  return batchNo;
}
