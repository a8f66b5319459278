/** One time an event id was seen, and what became of it. */
export interface Occurrence {
  /** What it is stored under, as a uuid; an altered copy has one of its own. Null for rejected events. */
  readonly key: string | null;
  readonly status: 'posted' | 'duplicate' | 'quarantined' | 'rejected';
  /** Why it was quarantined or rejected. */
  readonly code: string | null;
  /** For a rejected event: where the mistake is, the value as it came, and the fix. */
  readonly field: string | null;
  readonly value: string | null;
  readonly fix: string | null;
  /** A rejected event as it came, to correct and send again. */
  readonly raw: string | null;
  readonly tenant: string;
  readonly source: string | null;
  readonly account: string | null;
  readonly wallet: string | null;
  readonly meter: string | null;
  readonly quantity: string | null;
  /** What it costs, charged or not; null when it has no price. */
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly occurredAtMs: number | null;
  /** When it arrived, by the clock it was judged by; null for a rejected event, which no clock was chosen for. */
  readonly ingestedAtMs: number | null;
  /** When it was refused, by our clock. */
  readonly rejectedAtMs: number | null;
  readonly batch: BatchPlace | null;
  /** Where an event went that was not charged at once. */
  readonly quarantine: {
    readonly reason: string;
    readonly status: 'open' | 'posted' | 'void' | 'duplicate';
    readonly closedAtMs: number | null;
    readonly closedBy: string | null;
    readonly closedReason: string | null;
    readonly decisionId: string | null;
  } | null;
  readonly entry: {
    readonly kind: string;
    /** Number of the entry in its wallet's history. */
    readonly sequence: bigint;
    readonly balanceAfter: bigint;
    readonly batch: BatchPlace;
    readonly postedAtMs: number | null;
  } | null;
  /** Corrections of a posted event, oldest first; the last one is in force. */
  readonly corrections: readonly EventCorrection[];
}

/** One correction of a posted event. Amounts are nano-units. */
export interface EventCorrection {
  readonly kind: 'void' | 'amend';
  readonly reversed: bigint;
  readonly charged: bigint;
  /** The amended quantity; null for a void, or when an amount was given. */
  readonly quantity: string | null;
  readonly batch: BatchPlace;
  readonly correctedAtMs: number;
  readonly by: string;
  readonly reason: string;
}

/** Which ledger transaction of which lane. */
export interface BatchPlace {
  readonly lane: number;
  readonly batchNo: number;
}

/** Every occurrence of one event id, oldest first. */
export interface FoundEvent {
  readonly id: string;
  /** What became of the event itself: the status of the first occurrence that is not a mere repetition. */
  readonly status: Occurrence['status'];
  readonly occurrences: readonly Occurrence[];
}

/** Puts occurrences in the order they arrived; undefined when there are none. */
export function foundEvent(id: string, found: readonly Occurrence[]): FoundEvent | undefined {
  const batchNo = ({ batch }: Occurrence) => batch?.batchNo ?? 0;
  // A whole batch can arrive in one millisecond; batches are numbered in the order they came.
  const seenAtMs = ({ ingestedAtMs, rejectedAtMs }: Occurrence) => ingestedAtMs ?? rejectedAtMs ?? 0;
  const occurrences = [...found].sort((a, b) => seenAtMs(a) - seenAtMs(b) || batchNo(a) - batchNo(b));
  const settled = occurrences.filter(({ status }) => status !== 'duplicate');
  // An id that was refused first and sent correctly afterwards is posted; that it was refused once is history.
  const accepted = settled.find(({ status }) => status !== 'rejected');
  const main = accepted ?? settled[0] ?? occurrences[0];
  return main === undefined ? undefined : { id, status: main.status, occurrences };
}
