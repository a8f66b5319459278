/** One line of a file: what it says, or why it cannot be read. Lines count from 1; a CSV record has its first line's. */
export type IngestLine = ReadableLine | UnreadableLine;

export interface ReadableLine {
  readonly line: number;
  /** The event as the queue takes it; not validated yet. */
  readonly raw: unknown;
}

export interface UnreadableLine {
  readonly line: number;
  /** The line as it was found (the start of it, when it is very long). It becomes a rejected event, so it is not lost. */
  readonly unreadable: string;
  readonly reason: string;
}

/** A longer line is refused. An event at all its limits takes under 20 KiB. */
export const LINE_BYTES_MAX = 1024 * 1024;

/** How much of a refused line is kept. */
const KEPT_CHARACTERS_MAX = 4_096;

/** A line that cannot be read, cut to what is worth keeping. */
export function unreadable(line: number, text: string, reason: string): UnreadableLine {
  const kept = text.length > KEPT_CHARACTERS_MAX ? `${text.slice(0, KEPT_CHARACTERS_MAX)}…` : text;
  return { line, unreadable: kept.toWellFormed(), reason };
}

/** A line that is longer than the limit; `head` is its start. */
export function tooLong(line: number, head: Buffer, bytesTotal: number): UnreadableLine {
  return unreadable(line, `${head.toString('utf8')}…`, `${bytesTotal} bytes; a line may have ${LINE_BYTES_MAX}`);
}
