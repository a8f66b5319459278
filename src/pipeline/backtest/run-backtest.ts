import { eventDetails } from '../../domain/features/event-details.ts';
import type { History, HistoryEvent, UnreadableEvent } from './history-event.ts';
import type { Replay } from './replay.ts';
import { SeenEvents } from './seen-events.ts';

/** What a history turned out to hold. */
export interface HistoryTally {
  /** Events read, duplicates included. */
  events: number;
  duplicates: number;
  altered: number;
  unreadable: number;
  /** The first few that could not be read. */
  readonly unreadableExamples: UnreadableEvent[];
  /** Arrival of the first and the last event; NaN when there is none. */
  fromMs: number;
  toMs: number;
  /** Events that arrived more than a minute before the one in front of them: the history is not in arrival order. */
  backward: number;
  backwardMsMax: number;
  /** The longest time without any event. */
  gapMsMax: number;
  gapEndsMs: number;
}

export interface RunOptions {
  /** Sees every event before it is played, duplicates included. */
  readonly observe?: (event: HistoryEvent, isDuplicate: boolean) => void;
  /** Called when every replay has played an event. */
  readonly after?: () => void;
  /** Called between blocks. */
  readonly progress?: (events: number) => void;
  /** Asked between blocks: a person has had enough. */
  readonly isStopped?: () => boolean;
}

const EXAMPLES_MAX = 5;

/** Clocks of receivers differ by seconds; more than this out of order is worth telling. */
const BACKWARD_MS_MIN = 60_000;

/**
 * Reads a history once, in its order, and plays it to one or more rulesets at the same time. What is the same for all
 * of them (reading, identity) is done once.
 */
export async function runBacktest(
  history: History,
  replays: readonly Replay[],
  options: RunOptions = {},
): Promise<HistoryTally> {
  const tally: HistoryTally = {
    events: 0,
    duplicates: 0,
    altered: 0,
    unreadable: 0,
    unreadableExamples: [],
    fromMs: Number.NaN,
    toMs: Number.NaN,
    backward: 0,
    backwardMsMax: 0,
    gapMsMax: 0,
    gapEndsMs: Number.NaN,
  };
  const seen = new SeenEvents();
  const { observe, after } = options;
  for await (const { events, unreadable } of history.blocks()) {
    noteUnreadable(tally, unreadable);
    for (let index = 0; index < events.length; index++) {
      const event = events[index];
      if (event === undefined) continue;
      noteArrival(tally, event.arrivedAtMs);
      const details = eventDetails(event);
      const identity = event.known === undefined ? seen.judge(event, details) : identityOf(event.known);
      if (observe !== undefined) observe(event, identity === 'duplicate');
      if (identity === 'duplicate') tally.duplicates++;
      else if (identity === 'altered') tally.altered++;
      for (const replay of replays) replay.play(event, identity, details);
      if (after !== undefined) after();
    }
    tally.events += events.length;
    options.progress?.(tally.events);
    if (options.isStopped?.() === true) break;
  }
  return tally;
}

function identityOf(known: string): 'new' | 'duplicate' | 'altered' {
  return known === 'duplicate' || known === 'altered' ? known : 'new';
}

function noteUnreadable(tally: HistoryTally, unreadable: readonly UnreadableEvent[]): void {
  tally.unreadable += unreadable.length;
  const room = EXAMPLES_MAX - tally.unreadableExamples.length;
  if (room > 0 && unreadable.length > 0) tally.unreadableExamples.push(...unreadable.slice(0, room));
}

function noteArrival(tally: HistoryTally, arrivedAtMs: number): void {
  const step = arrivedAtMs - tally.toMs;
  if (step >= 0) {
    tally.toMs = arrivedAtMs;
    if (step > tally.gapMsMax) {
      tally.gapMsMax = step;
      tally.gapEndsMs = arrivedAtMs;
    }
  } else if (step < 0) {
    if (-step > BACKWARD_MS_MIN) tally.backward++;
    if (-step > tally.backwardMsMax) tally.backwardMsMax = -step;
  } else {
    tally.fromMs = arrivedAtMs;
    tally.toMs = arrivedAtMs;
  }
}
