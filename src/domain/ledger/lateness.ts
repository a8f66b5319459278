import { DAY_MS, MINUTE_MS } from '../time.ts';

/** How late usage may be and still be posted to its time; beyond it, dedupe could no longer be certain. */
export const LATE_WINDOW_MS = 35 * DAY_MS;

/** How far ahead of our clock a source may be before its time is not believed. */
export const FUTURE_TOLERANCE_MS = 5 * MINUTE_MS;

/**
 * Whether an event's own time can be believed now; both bounds are inclusive of honest usage. Days before `entriesFromMs`
 * are closed: usage of theirs is too late, however long the window.
 */
export function judgeTime(
  occurredAtMs: number,
  nowMs: number,
  lateWindowMs = LATE_WINDOW_MS,
  entriesFromMs = 0,
): 'in_time' | 'too_late' | 'in_future' {
  if (occurredAtMs > nowMs + FUTURE_TOLERANCE_MS) return 'in_future';
  if (occurredAtMs < nowMs - lateWindowMs || occurredAtMs < entriesFromMs) return 'too_late';
  return 'in_time';
}
