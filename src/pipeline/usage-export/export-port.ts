/** Usage to export: one value of one customer at one time. */
export interface ExportEvent {
  /** Deterministic: the same one is sent however often, and counts once within a day. */
  readonly identifier: string;
  /** The meter's name at the receiving side. */
  readonly eventName: string;
  readonly customer: string;
  /** Decimal text; negative where usage is taken back. */
  readonly value: string;
  readonly atMs: number;
}

/**
 * What became of one event. `taken` may still be reported as rejected later; `repeated` was there already; `refused` would
 * be refused again; `unsent` was not tried; `unknown` may have arrived or not, and is sent again under its identifier.
 */
export interface SentEvent {
  readonly identifier: string;
  readonly status: 'taken' | 'repeated' | 'refused' | 'unsent' | 'unknown';
  /** Why, for `refused`, `unsent` and `unknown`. */
  readonly code?: string;
  readonly message?: string;
}

/** What a meter has of one customer in one hour. */
export interface HourSum {
  readonly hourMs: number;
  /** As the meter answers; a binary fraction where it has decimals. */
  readonly value: number;
}

/** What could not be counted: how many events, why, and a few of them by identifier. */
export interface MeterErrorReport {
  readonly eventId: string;
  /** The meter; null when events named none that is there. */
  readonly meter: string | null;
  readonly errors: readonly {
    readonly code: string;
    /** Of all events; the samples are a few of them. */
    readonly count: number;
    readonly samples: readonly { readonly identifier: string; readonly message: string }[];
  }[];
}

/** Where usage is exported to. Errors of single events are results, never thrown. */
export interface UsageExport {
  /** Sends events in their order; one result for each, in the same order. */
  readonly send: (events: readonly ExportEvent[]) => Promise<readonly SentEvent[]>;
  /** Takes an event back; false when it is not there (any more). Throws an `AppError` when nobody can tell. */
  readonly cancel: (eventName: string, identifier: string) => Promise<boolean>;
  /** An error report by its event; undefined when the event is none. */
  readonly errorReport: (eventId: string) => Promise<MeterErrorReport | undefined>;
  /** The hours of the window in which the meter has counted something; undefined when there is no such meter. */
  readonly hours: (window: {
    readonly eventName: string;
    readonly customer: string;
    readonly fromMs: number;
    readonly toMs: number;
  }) => Promise<readonly HourSum[] | undefined>;
}
