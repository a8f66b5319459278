import type { WalletFigures } from '../../domain/decisions/judgement.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import type { StoredFact } from '../lane/facts-codec.ts';

/** A decision as it was stored. */
export interface StoredDecision {
  readonly decisionId: string;
  readonly tenant: string;
  readonly account: string;
  readonly walletId: bigint;
  readonly lane: number;
  readonly batchNo: number;
  readonly outcome: string;
  readonly score: number;
  readonly rulesetHash: string;
  readonly decidedAtMs: number;
  /** The evidence word for word. */
  readonly evidence: unknown;
}

/** A batch of the lane with its events, in lane order. */
export interface ReplayBatch {
  readonly batchNo: number;
  readonly rulesetHash: string;
  readonly facts: readonly StoredFact[];
}

/** A lesson with the batch that carried it out. */
export interface AppliedLesson {
  readonly batchNo: number;
  readonly verdict: 'confirmed_fraud' | 'benign';
  readonly fromMs: number;
  readonly toMs: number;
}

/** A wallet's balances in one batch that posted to it; nano-units. */
export interface BatchBalance {
  readonly batchNo: number;
  readonly opening: bigint;
  /** After each posted event of it, in order. */
  readonly after: readonly bigint[];
  readonly closing: bigint;
}

/** What replaying needs of the database; reads only. */
export interface ReplayStore {
  readonly decision: (tenant: string, decisionId: string) => Promise<StoredDecision | undefined>;
  /** Ids of so many decisions, spread over the newest ones. */
  readonly sample: (count: number) => Promise<readonly { readonly tenant: string; readonly decisionId: string }[]>;
  /** A ruleset as it was stored when it came into force; undefined when its files were never kept. */
  readonly ruleset: (hash: string) => Promise<Ruleset | undefined>;
  /** Usage batches of a lane through one, oldest first. */
  readonly batches: (lane: number, throughBatch: number) => AsyncIterable<ReplayBatch>;
  /** Lessons of a wallet that a batch has carried out, oldest first. */
  readonly lessons: (walletId: bigint) => Promise<readonly AppliedLesson[]>;
  /** The wallet as each of its decisions through a batch was made with, by decision; those that kept no figures are left out. */
  readonly walletsJudged: (walletId: bigint, throughBatch: number) => Promise<ReadonlyMap<string, WalletFigures>>;
  /** The wallet's balance around every batch that posted to it, oldest first; days in the archive are left out. */
  readonly balances: (walletId: bigint, throughBatch: number) => Promise<readonly BatchBalance[]>;
}
