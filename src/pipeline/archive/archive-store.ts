import type { LaneClock } from '../../domain/archive/closable-days.ts';
import type { Manifest } from '../../domain/archive/manifest.ts';

/** `open` takes entries; `closed` takes no more and is still a table; `archived` is a file. */
export type DayState = 'open' | 'closed' | 'archived';

/** One day of entries. */
export interface EntryDay {
  /** Start of the UTC day, epoch milliseconds. */
  readonly dayMs: number;
  readonly state: DayState;
  readonly rows: bigint;
  /** A large table is not counted: the planner's estimate. */
  readonly isEstimate: boolean;
  /** Of the table with its indexes, or of the file. */
  readonly bytes: bigint;
  /** Usage of that day that is still open in quarantine: the day cannot close. */
  readonly quarantined: number;
  readonly file: ArchivedFile | null;
}

/** The file of an archived day, where it was put and what it must contain. */
export interface ArchivedFile {
  readonly name: string;
  readonly directory: string;
  readonly sha256: string;
}

/** What the table says of one ledger transaction on one day; amounts are nano-units. */
export interface BatchFigure {
  readonly lane: number;
  readonly batchNo: bigint;
  readonly kind: number;
  readonly currency: string;
  readonly entries: bigint;
  readonly amount: bigint;
}

/** Sums over a closed day's table, by SQL. */
export interface DayFigures {
  readonly rows: number;
  readonly sums: Readonly<Record<string, string>>;
  readonly firstKey: string | null;
  readonly lastKey: string | null;
}

/** What archiving needs of the ledger. */
export interface ArchiveStore {
  /** Runs work while nobody else archives or restores, or `AppError(ARCHIVE_BUSY)`. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  readonly days: () => Promise<readonly EntryDay[]>;
  readonly laneClocks: () => Promise<readonly LaneClock[]>;
  /** Name of the newest migration. */
  readonly schema: () => Promise<string>;
  /**
   * Ends posting to these days in every lane, between two batches, and gives each day its index per wallet. Days with
   * open quarantine stay as they are; returns those closed now or before.
   */
  readonly close: (daysMs: readonly number[], closingMs: number) => Promise<readonly number[]>;
  /** Writes down what a closed day holds per wallet and ledger transaction, and returns its sums. */
  readonly recordFigures: (dayMs: number) => Promise<DayFigures>;
  /** The day's entries as lines of text COPY, in chunks, as of one moment. */
  readonly copyOut: (dayMs: number) => AsyncIterable<Buffer>;
  /** What `recordFigures` wrote, in the order of the file. */
  readonly figures: (dayMs: number) => AsyncIterable<BatchFigure>;
  /** Drops the day's table; from the same moment on the figures stand for it. */
  readonly drop: (
    dayMs: number,
    file: ArchivedFile & { readonly bytes: number; readonly rows: number },
  ) => Promise<void>;
  /** Puts a day's entries back, from lines of text COPY. The day stays closed. */
  readonly restore: (dayMs: number, content: AsyncIterable<Buffer>) => Promise<void>;
}

/** A file as it was written. */
export interface WrittenFile {
  readonly sha256: string;
  readonly contentBytes: number;
  readonly fileBytes: number;
}

/** What archiving needs of the file system. */
export interface ArchiveFiles {
  /** Compresses the content into a file that appears whole or not at all, and is on disk when this resolves. */
  readonly write: (path: string, content: AsyncIterable<Buffer>) => Promise<WrittenFile>;
  readonly writeManifest: (path: string, manifest: Manifest) => Promise<void>;
  /** `AppError(ARCHIVE_INVALID)` when there is none or it is not one of ours. */
  readonly readManifest: (path: string) => Promise<Manifest>;
  /** The content, decompressed; `AppError(ARCHIVE_INVALID)` when it cannot be read. */
  readonly read: (path: string) => AsyncIterable<Buffer>;
  /** The path of a day's file: where it was put, else under that name in the archive directory; undefined when gone. */
  readonly find: (file: ArchivedFile) => Promise<string | undefined>;
  readonly join: (directory: string, name: string) => string;
  readonly split: (path: string) => { readonly directory: string; readonly name: string };
}
