import { DAY_MS } from '../time.ts';
import { dayStartMs } from './day.ts';

/** Time given beyond the late window before a day may close: clocks differ, and a batch takes a while. */
export const CLOSE_MARGIN_MS = DAY_MS;

/** A lane that wrote nothing for so long, by the database's clock, holds no day open. */
export const LANE_IDLE_MS = DAY_MS;

/** Where a lane stands, epoch milliseconds; null for one that has never written. */
export interface LaneClock {
  readonly lane: number;
  /** The lane's own clock: a replayed file brings its own, which may be years behind ours. */
  readonly clockMs: number | null;
  /** When it last wrote, by the database's clock. */
  readonly lastWriteMs: number | null;
}

/** The first moment that still takes entries, and which lane's clock decided it. */
export interface ClosingTime {
  /** A day's start: every day before it may close. */
  readonly beforeMs: number;
  /** The lane that stands furthest back; null when it was our own clock. */
  readonly heldBackBy: number | null;
}

/**
 * The days that can get no more entries: older than the late window and a margin, by the slowest clock that counts. The
 * window is judged by each lane's own clock, so a lane that is replaying old usage holds its days open; an idle one does
 * not, since its next event moves its clock.
 */
export function closingTime(options: {
  readonly nowMs: number;
  readonly lateWindowMs: number;
  readonly lanes: readonly LaneClock[];
}): ClosingTime {
  let [referenceMs, heldBackBy]: [number, number | null] = [options.nowMs, null];
  for (const { lane, clockMs, lastWriteMs } of options.lanes) {
    if (clockMs === null || lastWriteMs === null || lastWriteMs < options.nowMs - LANE_IDLE_MS) continue;
    if (clockMs < referenceMs) [referenceMs, heldBackBy] = [clockMs, lane];
  }
  return { beforeMs: dayStartMs(referenceMs - options.lateWindowMs - CLOSE_MARGIN_MS), heldBackBy };
}
