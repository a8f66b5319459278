import type { MeterTargets } from '../../domain/usage-export/meter-targets.ts';
import type { ExportHour } from '../../domain/usage-export/plan-export.ts';
import type { ExportEvent, SentEvent } from './export-port.ts';

/** An hour of which the ledger holds more or less than was exported; quantities in 10^-18 of the meter's unit. */
export interface DueHour extends ExportHour {
  readonly customer: string;
  readonly ledger: bigint;
  readonly exported: bigint;
  readonly parts: number;
  readonly postedAtMs: number;
}

/** What planning decided for an hour; kept in one transaction before anything is sent. */
export interface PlannedHour {
  readonly hour: DueHour;
  /** Left by rounding, for the next event of this customer and meter. */
  readonly carry: bigint;
  /** Undefined when nothing is to be sent. */
  readonly event:
    | (ExportEvent & {
        readonly reason: 'usage' | 'correction';
        readonly part: number;
        readonly valueSteps: bigint;
        readonly decimals: number;
      })
    | undefined;
}

export type EventStatus = 'pending' | 'taken' | 'refused' | 'rejected' | 'uncertain' | 'replaced';

/** An event that was kept to be sent. */
export interface StoredExport extends ExportEvent, ExportHour {
  readonly part: number;
  readonly valueSteps: bigint;
  readonly decimals: number;
  readonly status: EventStatus;
  readonly attempts: number;
  readonly firstAttemptMs: number | null;
  readonly sentAtMs: number | null;
  readonly confirmedAtMs: number | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly createdAtMs: number;
}

/** Sums of the events dated into one hour of a customer's meter, and of what is not sent yet, in steps of `decimals`. */
export interface HourSums extends ExportHour {
  readonly customer: string;
  readonly eventName: string;
  readonly decimals: number;
  readonly taken: bigint;
  readonly pending: bigint;
  readonly rejected: bigint;
  readonly uncertain: bigint;
  readonly sentValues: readonly bigint[];
  readonly lastSentMs: number;
}

/** What `usage-export status` says. */
export interface ExportTotals {
  readonly meters: readonly { readonly meter: string; readonly sinceMs: number }[];
  readonly byStatus: Readonly<Partial<Record<EventStatus, number>>>;
  readonly unconfirmed: number;
  /** Ended hours that wait to be sent. */
  readonly due: number;
  readonly oldestDueMs: number | null;
  /** Accounts with usage to export and no customer at Stripe. */
  readonly unlinked: readonly { readonly tenant: string; readonly account: string; readonly oldestMs: number }[];
  readonly blocked: readonly { readonly cause: string; readonly hours: number; readonly oldestMs: number }[];
  /** Corrections and released usage that could not be added up. */
  readonly problems: readonly { readonly eventKey: string; readonly problem: string }[];
}

/** Usage by customer, meter and hour, and the events that tell it. */
export interface ExportStore {
  /** Runs the work while no other process exports. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
  /** Meters exported from now on, with where their usage begins. */
  readonly begin: (targets: MeterTargets, nowMs: number) => Promise<void>;
  /** Adds up what was posted, released and corrected since; true when there may be more. */
  readonly collect: () => Promise<{ readonly events: number; readonly hasMore: boolean }>;
  /** Hours with something to export, oldest first, of accounts with a customer, that begin before `beforeMs`. */
  readonly dueHours: (meters: readonly string[], beforeMs: number, limit: number) => Promise<readonly DueHour[]>;
  readonly carryOf: (hour: ExportHour) => Promise<bigint>;
  readonly plan: (planned: PlannedHour, nowMs: number) => Promise<void>;
  readonly block: (hour: ExportHour, because: 'too_late' | 'value_too_long') => Promise<void>;
  readonly pending: (limit: number, firstAttemptBeforeMs?: number) => Promise<readonly StoredExport[]>;
  /** Said before sending, so that a crash leaves the trace of an attempt. */
  readonly attempt: (identifiers: readonly string[], nowMs: number) => Promise<void>;
  /** How long those that were taken took since their newest usage was posted, in milliseconds. */
  readonly settle: (sent: readonly SentEvent[], nowMs: number) => Promise<readonly number[]>;
  /** After a look at the meter: what became of events nobody answered for. */
  readonly judge: (
    identifiers: readonly string[],
    verdict: 'arrived' | 'lost' | 'unknown',
    nowMs: number,
  ) => Promise<void>;
  /** Marks events that an error report names; false for those that are none of ours. */
  readonly reject: (identifier: string, code: string, message: string, nowMs: number) => Promise<boolean>;
  /** Sums of hours with events that wait for confirmation, those looked at longest ago first. */
  readonly unconfirmed: (sentBeforeMs: number, checkedBeforeMs: number, limit: number) => Promise<readonly HourSums[]>;
  readonly sumsIn: (fromMs: number, toMs: number) => Promise<readonly HourSums[]>;
  /** What is not sent of hours in the window: as quantity. */
  readonly unsentIn: (
    fromMs: number,
    toMs: number,
  ) => Promise<readonly (ExportHour & { readonly quantity: bigint; readonly isTooLate: boolean })[]>;
  /** How long those that are confirmed by it took since they were taken, in milliseconds. */
  readonly checked: (hour: HourSums, isConfirmed: boolean, nowMs: number) => Promise<readonly number[]>;
  /** Events that did not arrive, newest first. */
  readonly failed: (limit: number) => Promise<readonly StoredExport[]>;
  /** Sends a failed event again under a new identifier; undefined when there is none such. */
  readonly again: (identifier: string, nowMs: number) => Promise<StoredExport | undefined>;
  readonly totals: (beforeMs: number) => Promise<ExportTotals>;
}
