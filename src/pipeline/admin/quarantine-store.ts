import type { EventKey } from '../../domain/events/event-key.ts';
import type { QuarantineReason } from '../../domain/events/usage-event.ts';
import type { UsageTotal } from './admin-store.ts';

/** Which open quarantined usage is meant; what is not given fits everything. */
export interface UsageFilter {
  readonly tenant: string;
  readonly account?: string;
  readonly reason?: QuarantineReason;
  readonly meter?: string;
  readonly source?: string;
  /** Bounds of the event's own time, epoch milliseconds: from inclusive, to exclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** The usage of one wallet that one request settles: what a filter fits, or, with `isRest`, all that it does not fit. */
export interface UsagePart {
  readonly filter: UsageFilter;
  readonly isRest: boolean;
  /** The request's key, stored with every row it closes. */
  readonly request: string;
}

/** Where a row stands in the order of arrival. */
export interface ArrivalPlace {
  readonly lane: number;
  readonly batchNo: bigint;
  readonly position: number;
}

/** One open row of quarantine. */
export interface WaitingUsage {
  readonly key: EventKey;
  readonly contentHash: bigint;
  readonly reason: QuarantineReason;
  /** What it would cost by the price when it came, nano-units; null when it had none. */
  readonly amount: bigint | null;
  /** The exact cost less `amount`, in 10^-18 nano-units. */
  readonly residue: bigint;
  readonly account: string;
  readonly meter: string;
  /** Decimal text; only of usage without a price, which is priced again. */
  readonly quantity: string | null;
  readonly occurredAtMs: number;
  /** Another lane has posted an event under this key. */
  readonly isPosted: boolean;
  readonly place: ArrivalPlace;
}

/** How a row leaves quarantine. */
export type ClosedStatus = 'posted' | 'void' | 'duplicate';

/** The wallet's quarantine inside one database transaction on the direct path. */
export interface QuarantineAccess {
  /** Open rows of the wallet that the filter fits, oldest first by arrival, after a place. */
  readonly page: (
    filter: UsageFilter,
    after: ArrivalPlace | undefined,
    limit: number,
  ) => Promise<readonly WaitingUsage[]>;
  /** Closes open rows; posted ones are stored with what they were charged. The keys stay claimed. */
  readonly close: (
    rows: readonly { readonly key: EventKey; readonly amount: bigint }[],
    closed: { readonly status: ClosedStatus; readonly by: string; readonly request: string },
  ) => Promise<void>;
  /** Everything closed under a request's key so far, in this transaction and before; one row for each currency. */
  readonly settledBy: (key: string) => Promise<readonly SettledTotals[]>;
}

/** A wallet with usage that a filter fits. */
export interface WaitingWallet {
  readonly walletId: bigint;
  readonly shard: number;
  readonly currency: string;
  /** Days of the usage's own time that have begun, counted from 1970-01-01 UTC: where entries may go. */
  readonly days: readonly number[];
}

/** What a request has closed so far, in one currency. */
export interface SettledTotals {
  readonly currency: string;
  readonly posted: UsageTotal;
  readonly voided: UsageTotal;
  readonly duplicates: UsageTotal;
}

/** What settling needs outside the transactions of single wallets. */
export interface QuarantineIndex {
  readonly walletsWith: (filter: UsageFilter, nowMs: number) => Promise<readonly WaitingWallet[]>;
  /**
   * Claims an idempotency key for a request of many transactions, unless it is taken, and says what is stored under it:
   * the hash of the request, and its answer, null while it is under way. A dry run only looks.
   */
  readonly claim: (request: {
    readonly key: string;
    readonly hash: string;
    readonly nowMs: number;
    readonly dryRun: boolean;
  }) => Promise<{ readonly hash: string; readonly result: unknown } | undefined>;
  /** Everything closed under a request's key, by whichever attempt. */
  readonly settledBy: (key: string) => Promise<readonly SettledTotals[]>;
  /** Stores the answer of a claimed request and returns the stored one, which may be another attempt's. */
  readonly answer: (request: {
    readonly key: string;
    readonly result: unknown;
    readonly nowMs: number;
  }) => Promise<unknown>;
}
