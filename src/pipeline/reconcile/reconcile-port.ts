import type { LedgerMovement, Owner, Pair, StripeMovement } from '../../domain/reconciliation/movement.ts';
import type { SortedBatches } from '../../domain/reconciliation/pair-up.ts';

/** A balance transaction as it is kept while a run lasts. */
export interface BalanceRow extends Omit<StripeMovement, 'reference'> {
  /** Null when it is about no payment: payouts, fees of their own. */
  readonly reference: string | null;
  readonly type: string;
}

/** Stripe's balance, as far as reconciliation reads it. Methods throw an `AppError` with a code `STRIPE_…`. */
export interface StripeBalance {
  /** Rows created in [fromMs, toMs), the newest first, after a row by its id. */
  readonly page: (query: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly after: string | null;
  }) => Promise<{ readonly rows: readonly BalanceRow[]; readonly hasMore: boolean }>;
  /** Everything Stripe has moved for one object up to now; nothing when it does not know it. */
  readonly movements: (reference: string) => Promise<readonly StripeMovement[]>;
}

/** A run over a window of Stripe's time. */
export interface Run {
  readonly runId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly isDry: boolean;
  readonly startedAtMs: number;
  /** It was begun before and not finished. */
  readonly isResumed: boolean;
}

/** A part of the window that is read on its own. */
export interface Slice {
  readonly sliceNo: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly after: string | null;
  readonly isDone: boolean;
}

/** What Stripe took in a day, in the smallest units of the currency of its balance. */
export interface FeesOfDay {
  readonly dayMs: number;
  readonly currency: string;
  readonly feeMinor: bigint;
  readonly turnoverMinor: bigint;
  readonly transactions: number;
}

export interface ReconcileStore {
  /** Begins a run, or goes on with the one of the same window that was not finished. */
  readonly begin: (
    run: Omit<Run, 'runId' | 'isResumed' | 'startedAtMs'>,
    slices: number,
    nowMs: number,
  ) => Promise<Run>;
  readonly slices: (runId: string) => Promise<readonly Slice[]>;
  /** Keeps rows, the last reading of each, with the place in the slice; returns how many were not known. */
  readonly keep: (
    runId: string,
    rows: readonly BalanceRow[],
    place: Pick<Slice, 'sliceNo' | 'after' | 'isDone'>,
  ) => Promise<number>;
  /** Both sides in the order of their reference, for as long as the work takes. */
  readonly streams: <T>(
    run: Run,
    work: (ledger: SortedBatches<LedgerMovement>, stripe: SortedBatches<StripeMovement>) => Promise<T>,
  ) => Promise<T>;
  /** Whom pairs belong to, by reference. */
  readonly owners: (pairs: readonly Pair[]) => Promise<ReadonlyMap<string, Owner>>;
  /** What is posted now under the keys of one Stripe object, whenever it was. */
  readonly posted: (reference: string) => Promise<readonly LedgerMovement[]>;
  readonly counts: (runId: string) => Promise<{ readonly rows: number; readonly fees: readonly FeesOfDay[] }>;
  /** Ends a run: what was read of Stripe goes, the report stays. Fees are kept of whole days only. */
  readonly finish: (run: Run, report: unknown, fees: readonly FeesOfDay[], nowMs: number) => Promise<void>;
}
