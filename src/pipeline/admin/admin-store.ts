import type { Burn } from '../../domain/ledger/grant.ts';
import type { QuarantinedUsage } from '../../domain/ledger/release-usage.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { ChangeEntry, ChangeKind, ContraLeg, OpenedGrant } from '../../domain/ledger/wallet-change.ts';
import type { FreezeCause } from '../freeze-cause.ts';
import type { HoldRows } from '../holds/hold-rows.ts';
import type { OutboxRow } from '../lane/batch-record.ts';
import type { CorrectionAccess, CorrectionIndex, CorrectionRow } from './correction-store.ts';
import type { QuarantineAccess, QuarantineIndex, UsagePart } from './quarantine-store.ts';

/** The wallet a person means. */
export interface WalletReference {
  readonly tenant: string;
  /** An account's name, or the wallet's own id (`wal_…`). */
  readonly name: string;
  /** Needed only when an account has wallets in several currencies. */
  readonly currency?: string;
}

/** Whose wallet a database transaction is about, and when it happens. */
export interface AdminScope {
  readonly walletId: bigint;
  readonly shard: number;
  readonly nowMs: number;
  /** Does everything, then rolls it back. */
  readonly dryRun: boolean;
  /** Days, counted from 1970-01-01 UTC, at which usage may be posted besides what waits frozen or over the limit. */
  readonly usageDays?: readonly number[];
}

/** A change as it is written: one ledger transaction. */
export interface ChangeRecord {
  readonly kind: ChangeKind;
  /** The wallet after the change. */
  readonly wallet: WalletHead;
  readonly entries: readonly ChangeEntry[];
  readonly contra: readonly ContraLeg[];
  readonly grant: OpenedGrant | undefined;
  /** What the change took out of grants. */
  readonly burns: readonly Burn[];
  /** The correction of a posted event that the change carries out. */
  readonly correction?: CorrectionRow;
  /** Quarantined events that the change closed. */
  readonly events: number;
  /** What those that were posted cost. */
  readonly priced: bigint;
  readonly actor: string;
  readonly reason: string | null;
  /** Present on the one ledger transaction that stands for the whole request. */
  readonly request: { readonly key: string; readonly hash: string } | undefined;
  readonly outbox: readonly OutboxRow[];
  /** What the audit log keeps beside actor, action and wallet. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Which quarantined usage is meant. */
export type ReleasableReason = 'frozen' | 'over_limit' | 'throttled';

/** One database transaction on the direct path: the wallet's lane cannot commit a batch until it ends. */
export interface AdminTransaction {
  /** When the change happens: now, but never before the lane's own clock. */
  readonly atMs: number;
  /** Most quarantined events one transaction posts, where that is not the usual number. */
  readonly releaseEventsMax?: number;
  /** The wallet, locked; undefined when nobody has opened it. */
  readonly wallet: () => Promise<WalletHead | undefined>;
  /** Who or what froze the wallet; null when it is not frozen. */
  readonly freezeCause: (wallet: WalletHead) => Promise<FreezeCause | null>;
  /** An answered request with this idempotency key. */
  readonly answered: (key: string) => Promise<{ readonly hash: string; readonly result: unknown } | undefined>;
  /** Opens the account as confirmed, or confirms it; false when it is closed. */
  readonly confirmAccount: (wallet: WalletHead) => Promise<boolean>;
  readonly insertWallet: (wallet: WalletHead) => Promise<void>;
  /** Open quarantined usage of the wallet, oldest first by arrival; with `amountMax`, only what costs no more. */
  readonly openUsage: (
    reason: ReleasableReason,
    limit: number,
    amountMax?: bigint,
    part?: UsagePart,
  ) => Promise<readonly QuarantinedUsage[]>;
  readonly countUsage: (reason: ReleasableReason) => Promise<UsageTotal>;
  readonly closeAsPosted: (usage: readonly QuarantinedUsage[], by: string, request?: string) => Promise<void>;
  /** Closes usage whose key another lane has posted: it can never be charged here. */
  readonly closeAsDuplicate: (usage: readonly QuarantinedUsage[], by: string, request?: string) => Promise<void>;
  /** Closes open usage with this reason, all or a part, without charging it; the keys stay claimed. */
  readonly closeAsVoid: (reason: ReleasableReason, by: string, part?: UsagePart) => Promise<UsageTotal>;
  /** Open usage that waited for one thing waits for another instead: for the next credit, or for a period with room. */
  readonly moveUsage: (from: ReleasableReason, to: 'over_limit' | 'throttled', part?: UsagePart) => Promise<UsageTotal>;
  /** Stores a wallet's status outside the books: a thaw that is under way. */
  readonly saveStatus: (wallet: WalletHead) => Promise<void>;
  readonly write: (change: ChangeRecord) => Promise<void>;
  readonly holds: HoldRows;
  /** Tells the lane's writer to reload the wallet, for a change outside the books. */
  readonly noteChange: () => Promise<void>;
  readonly corrections: CorrectionAccess;
  readonly quarantine: QuarantineAccess;
  /** Stores the answer to a request, for when it is sent again. */
  readonly remember: (request: {
    readonly key: string;
    readonly hash: string;
    readonly result: unknown;
  }) => Promise<void>;
}

/** A number of quarantined events and what they would cost. */
export interface UsageTotal {
  readonly events: number;
  readonly amount: bigint;
}

/** What administrative changes need from the world. */
export interface AdminStore {
  /** The wallets a reference fits; more than one when the currency is missing. */
  readonly findWallets: (reference: WalletReference) => Promise<readonly WalletHead[]>;
  readonly corrections: CorrectionIndex;
  readonly quarantine: QuarantineIndex;
  readonly transact: <T>(scope: AdminScope, work: (transaction: AdminTransaction) => Promise<T>) => Promise<T>;
}
