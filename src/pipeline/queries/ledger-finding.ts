/** One thing in the ledger that is not as it was written. Values are text as SQL prints them. */
export interface LedgerFinding {
  /** `changed` a value, `missing` or `inserted` a row, `broken` a chain whose parts cannot be told apart. */
  readonly what: 'changed' | 'missing' | 'inserted' | 'broken';
  readonly table: string;
  readonly column: string | null;
  readonly stored: string | null;
  /** What the other rows say it must be; null when nothing else holds the value. */
  readonly expected: string | null;
  readonly lane: number | null;
  readonly batch: string | null;
  readonly account: string | null;
  readonly wallet: string | null;
  /** Number of the entry in its wallet. */
  readonly sequence: string | null;
  readonly eventKey: string | null;
  readonly eventId: string | null;
  /** What makes it wrong. */
  readonly why: string;
}

/** A finding with everything unsaid as null. */
export function finding(said: Pick<LedgerFinding, 'what' | 'table' | 'why'> & Partial<LedgerFinding>): LedgerFinding {
  return {
    column: null,
    stored: null,
    expected: null,
    lane: null,
    batch: null,
    account: null,
    wallet: null,
    sequence: null,
    eventKey: null,
    eventId: null,
    ...said,
  };
}

/** What `verify` may be told. */
export interface VerifyRequest {
  readonly tenant: string;
  /** Only findings about this account, and only the lanes it was written in. */
  readonly account?: string;
  /** Heads that were published earlier, as `lane:batches:root`: today's ledger must begin with them. */
  readonly heads?: readonly string[];
  readonly onFinding: (found: LedgerFinding) => void;
  /** Events and entries looked at so far. */
  readonly onProgress: (done: number) => void;
}

/** What `verify` looked at. */
export interface VerifySummary {
  readonly lanes: number;
  readonly batches: number;
  readonly entries: number;
  readonly events: number;
  readonly wallets: number;
  readonly quarantined: number;
  /** Entries of archived days whose files are not here: they were not looked at. */
  readonly away: number;
  /** Batches whose usage was priced again from the events. */
  readonly repriced: number;
  /** Batches whose events are no longer stored. */
  readonly withoutFacts: number;
  readonly findings: number;
}
