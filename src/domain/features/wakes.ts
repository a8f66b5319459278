/*
 * What about an event can matter to a stream rule, one bit each. Most events are none of most rules' business: usage on time, in
 * order, from where it always comes. A rule that says what wakes it is not even looked at otherwise, and at ten thousand
 * accounts looking is what costs: every account's state has to be fetched from memory first.
 */

/** It arrived half an hour or more after its own time. */
export const LATE = 1;
/** Its own time lies ahead of ours. */
export const AHEAD = 2;
/** An id that is known: a duplicate or an altered copy. */
export const REPEAT = 4;
/** Its source numbers its events. */
export const NUMBERED = 8;
/** It carries a value that first appeared long after the account did; see `NEWS_EVENTS_MIN`. */
export const NEWS = 16;
/** It claims an hour after the newest one with usage on time. */
export const NEW_CLAIMED_HOUR = 32;
/** The event before it moved the newest hour with usage on time. */
export const HEAD_MOVED = 64;
/** Usage that arrived in another hour than the usage before it. */
export const NEW_HOUR = 128;
/** Usage that arrived on another day than the usage before it. */
export const NEW_DAY = 256;
/** The usage after that. */
export const AFTER_NEW_DAY = 512;
/** Usage that is no repeat. */
export const USAGE = 1_024;
/** Every event, whatever it is: what a rule gets that does not say. */
export const ANY = 2_048;

/** What ends the time over which usage is added up for a rule, instead of being shown to it one by one. */
export const TOTALS = { hour: NEW_HOUR | AFTER_NEW_DAY, day: NEW_DAY } as const;

/** Late from here on. */
export const LATE_MS = 30 * 60_000;
