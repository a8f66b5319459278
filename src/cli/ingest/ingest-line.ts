import { type EventLine, eventOfLine, type LineFault } from '../../domain/events/event-line.ts';
import { isWrittenNumber } from './written-number.ts';

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
  readonly code: LineFault['code'];
  /** Names that could be read all the same, so that the rejection can be looked up. */
  readonly id?: string;
  readonly source?: string;
}

/** A longer line is refused. An event at all its limits takes under 20 KiB. */
export const LINE_BYTES_MAX = 1024 * 1024;

/** How much of a refused line is kept. */
const KEPT_CHARACTERS_MAX = 4_096;

/** A line that cannot be read, cut to what is worth keeping. */
export function unreadable(
  line: number,
  text: string,
  reason: string,
  code: LineFault['code'] = 'EVENT_NOT_OBJECT',
): UnreadableLine {
  const kept = text.length > KEPT_CHARACTERS_MAX ? `${text.slice(0, KEPT_CHARACTERS_MAX)}…` : text;
  return { line, unreadable: kept.toWellFormed(), reason, code };
}

/** A line that is longer than the limit; `head` is its start. */
export function tooLong(line: number, head: Buffer, bytesTotal: number): UnreadableLine {
  return unreadable(line, `${head.toString('utf8')}…`, `${bytesTotal} bytes; a line may have ${LINE_BYTES_MAX}`);
}

/**
 * A line as an event of a job. Where the job's JSON would lose something, the event is the text of the line: of one that
 * cannot be read, and of one with a number that JSON would turn into null.
 */
export function queueEvent(item: IngestLine): unknown {
  if ('raw' in item) return hasWrittenNumber(item.raw) ? eventOfLine({ text: jsonOf(item.raw) }) : item.raw;
  const { unreadable: text, reason, code, id, source } = item;
  const names = { ...(id === undefined ? {} : { id }), ...(source === undefined ? {} : { source }) };
  const line: EventLine = { text, fault: { code, reason, ...names } };
  return eventOfLine(line);
}

function hasWrittenNumber(raw: unknown): raw is object {
  if (typeof raw !== 'object' || raw === null) return false;
  return Object.values(raw).some(isWrittenNumber);
}

function jsonOf(event: object): string {
  const fields = Object.entries(event).map(
    ([name, value]: readonly [string, unknown]) =>
      `${JSON.stringify(name)}:${isWrittenNumber(value) ? value.source : JSON.stringify(value)}`,
  );
  return `{${fields.join(',')}}`;
}
