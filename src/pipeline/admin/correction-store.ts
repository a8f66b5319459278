import type { EventKey } from '../../domain/events/event-key.ts';

/** A posted usage event: what was charged first, and what is known of it. */
export interface PostedUsage {
  readonly key: EventKey;
  readonly walletId: bigint;
  readonly shard: number;
  readonly tenant: string;
  readonly account: string;
  readonly currency: string;
  /** What the event's own entry charged, nano-units. */
  readonly amount: bigint;
  /** Null when the facts of its batch are not kept any more. */
  readonly event: {
    readonly id: string;
    readonly source: string;
    readonly meter: string;
    readonly quantity: string;
  } | null;
}

/** One stored correction of an event, the oldest being number 1. Amounts are nano-units. */
export interface StoredCorrection {
  readonly correctionNo: number;
  readonly kind: 'void' | 'amend';
  /** What had been charged until then, and was credited back. */
  readonly reversed: bigint;
  /** The charge from then on. */
  readonly charged: bigint;
}

/** A correction as it is written with its ledger transaction. */
export interface CorrectionRow extends StoredCorrection {
  readonly event: EventKey;
  readonly reversalKey: EventKey;
  readonly amendedKey: EventKey | null;
  readonly meter: string | null;
  readonly quantity: string | null;
  readonly rulesetHash: string | null;
  readonly actor: string;
  readonly reason: string;
}

/** Corrections inside one database transaction on the direct path. */
export interface CorrectionAccess {
  /** What all entries of an event charge in sum, and its corrections, oldest first. */
  readonly read: (
    event: EventKey,
  ) => Promise<{ readonly charged: bigint; readonly corrections: readonly StoredCorrection[] }>;
}

/** Finding what to correct, outside any transaction: a posted event never moves. */
export interface CorrectionIndex {
  readonly findPosted: (tenant: string, event: EventKey) => Promise<PostedUsage | undefined>;
}
