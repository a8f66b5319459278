import type { EventKey } from '../../domain/events/event-key.ts';
import type { EventStatus, QuarantineReason } from '../../domain/events/usage-event.ts';
import type { FleetRow } from '../../domain/fleet/fleet-rule.ts';
import type { Burn } from '../../domain/ledger/grant.ts';
import type { EntryKind, WalletHead } from '../../domain/ledger/wallet.ts';
import type { PlatformMove } from '../fleet/platform-move.ts';
import type { LaneEvent } from './lane-event.ts';
import type { LaneAccount } from './lane-memory.ts';

/** One signed leg on a wallet. The other leg is in the batch's contra totals. */
export interface EntryRow {
  readonly key: EventKey;
  readonly wallet: WalletHead;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly contentHash: bigint;
  readonly kind: EntryKind;
}

/** An entry of a lane's batch. */
export interface LaneEntryRow extends EntryRow {
  /** Place of its wallet among the touched ones of the batch. */
  readonly place: number;
}

/** Usage recorded but not charged. `amount` is what it would have cost, null when the meter has no price. */
export interface QuarantineRow {
  readonly key: EventKey;
  readonly item: LaneEvent;
  /** Place of its event among the facts of the batch, from 0. */
  readonly position: number;
  readonly reason: QuarantineReason;
  readonly amount: bigint | null;
  /** The exact cost less `amount`, in 10^-18 nano-units. */
  readonly residue: bigint;
  readonly ingestedAtMs: number;
  readonly decisionId: string | null;
}

/** What one event, or the end of its time, took out of a grant. */
export interface BurnRow extends Burn {
  readonly walletId: bigint;
}

/** One event of the batch as it is kept for history and takeover. */
export interface FactRow {
  readonly item: LaneEvent;
  readonly ingestedAtMs: number;
  readonly status: 'posted' | 'duplicate' | 'altered' | QuarantineReason;
  /** Nano-units it was priced at, charged or not; null when it has no price. */
  readonly amount: bigint | null;
}

export interface DecisionRow {
  readonly decisionId: string;
  readonly wallet: WalletHead;
  readonly key: EventKey;
  readonly outcome: 'allow' | 'watch' | 'review' | 'freeze';
  readonly score: number;
  readonly decidedAtMs: number;
  /** What the decision rested on, as JSON: rule results, balances, money at risk, what was done and why not more. */
  readonly evidence: unknown;
}

export interface AlertRow {
  readonly alertId: string;
  readonly decisionId: string;
  readonly wallet: WalletHead;
  readonly outcome: DecisionRow['outcome'];
  readonly title: string;
  readonly summary: string;
  readonly moneyAtRisk: bigint;
  readonly loss: bigint;
  readonly raisedAtMs: number;
}

/** A message that leaves after the commit. `messageKey` makes it unique however often the batch is retried. */
export interface OutboxRow {
  readonly topic: 'wallet-status' | 'radar' | 'review';
  readonly messageKey: string;
  readonly payload: unknown;
}

/** What of a batch can be stored while the rest of it is being made. */
export type UnfinishedBatch = Pick<BatchRecord, 'entries' | 'facts' | 'batchNo' | 'lane'>;

/** What the rules across accounts are shown of one event; `position` is its place among the facts of the batch. */
export interface FleetSightingRow {
  readonly tenant: string;
  readonly position: number;
  readonly row: FleetRow;
}

/** Everything one batch writes, in one database transaction. */
export interface BatchRecord {
  readonly lane: number;
  readonly epoch: bigint;
  readonly batchNo: number;
  readonly rulesetHash: string;
  readonly previousChain: Buffer;
  /** The lane's clock after the batch, epoch milliseconds. */
  readonly clockMs: number;
  readonly entries: LaneEntryRow[];
  readonly touched: LaneAccount[];
  readonly quarantined: QuarantineRow[];
  readonly facts: FactRow[];
  readonly decisions: DecisionRow[];
  readonly alerts: AlertRow[];
  readonly outbox: OutboxRow[];
  /** Accounts whose features are written with this batch. */
  readonly checkpoints: Set<LaneAccount>;
  /** Every feature row of the lane is complete through this batch once it is written. */
  featuresThrough: number;
  /** Σ of what the posted facts were priced at, summed apart from the entries. */
  priced: bigint;
  /** In the order taken; several of one grant add up. */
  readonly burns: BurnRow[];
  /** Σ of credit that ended: the contra of the `expired` entries. */
  breakage: bigint;
  readonly currency: string;
  /** One per event, in input order. */
  readonly statuses: EventStatus[];
  /** Lessons that were carried out with the batch. */
  readonly lessons: bigint[];
  /** Wallets whose slow-down has begun or ended, whether or not they have a limit now. */
  readonly slowedOrNot: Set<WalletHead>;
  /** Events that rules across accounts look at. */
  readonly fleetRows: FleetSightingRow[];
  /** Findings across accounts that the batch has judged. */
  readonly fleetFindings: bigint[];
  /** The platform's factor, when it is another than the lane's batch before was judged with. */
  platform: PlatformMove | null;
  readonly counts: { posted: number; duplicate: number; quarantined: number };
}
