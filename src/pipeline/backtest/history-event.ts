import type { JsonValue } from '../../domain/events/usage-event.ts';

/** What the books once made of an event. `stopped` is what a limit kept from being charged, `throttled` a limit per period. */
export type KnownStatus =
  | 'posted'
  | 'duplicate'
  | 'altered'
  | 'too_late'
  | 'in_future'
  | 'unknown_meter'
  | 'stopped'
  | 'throttled';

/** One event of the past, as a backtest sees it. Numbers are doubles: nothing here is ever charged. */
export interface HistoryEvent {
  readonly id: string;
  readonly source: string;
  readonly account: string;
  readonly meter: string;
  readonly quantity: number;
  readonly occurredAtMs: number;
  /** When it arrived; its own time when the history does not say. */
  readonly arrivedAtMs: number;
  readonly sequence: number | undefined;
  readonly properties: { readonly [key: string]: JsonValue } | undefined;
  /** Its place in the history, from 0: the line of its file, as labels count it. */
  readonly index: number;
  /** From the database: what became of it. A file does not say, so identity and time are judged again. */
  readonly known: KnownStatus | undefined;
  /** From the database: what it was charged, in nano-units; undefined when it has to be priced. */
  readonly knownNanos: number | undefined;
  /** From the database: all that had moved the wallet by then but usage, top-ups above all, in nano-units; left out where nobody knows. */
  readonly creditNanos?: number | undefined;
}

/** Something in the history that could not be read. */
export interface UnreadableEvent {
  /** From 1, as editors count. */
  readonly line: number;
  readonly code: string;
  readonly reason: string;
}

/** A stretch of history, in arrival order. */
export interface HistoryBlock {
  readonly events: readonly HistoryEvent[];
  readonly unreadable: readonly UnreadableEvent[];
}

/** The past in arrival order, a block at a time, so that memory does not grow with its length. */
export interface History {
  /** For people: the name of the file, or the database. */
  readonly name: string;
  /** About how many events there are; undefined when nobody can know. */
  readonly eventsExpected: number | undefined;
  readonly blocks: () => AsyncIterable<HistoryBlock>;
}
