import type { LaneHealth } from '../queries/database-health.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const START = 'Start Tollkeeper: `tollkeeper start` takes every free lane.';

/**
 * Whether somebody writes the lanes. `jobsWaiting` are those nobody has finished on the queues that lead to them; `null`:
 * the queues could not be looked at.
 */
export function judgeLanes(lanes: readonly LaneHealth[], jobsWaiting: number | null): readonly Finding[] {
  return [...lanes.map(describe), ...judgeWriters(lanes, jobsWaiting)];
}

/** A database keeps the number of lanes it was laid out with, whatever is configured afterwards. */
export function judgeLaneCount(laidOut: number, configured: number): readonly Finding[] {
  if (laidOut === configured) return [];
  const message = `this database was laid out with ${laidOut} lanes; TOLLKEEPER_LANES=${configured} changes nothing there`;
  return [
    warn('lanes', message, `Set TOLLKEEPER_LANES=${laidOut}: the number is chosen when a database is migrated first.`),
  ];
}

/** Without a single writer nothing is charged and nobody is watched; with jobs waiting, that matters now. */
export function judgeNoWriter(jobsWaiting: number | null): Finding {
  if (jobsWaiting === null || jobsWaiting === 0) {
    return warn('lanes', 'no lane has a writer: usage that comes in will wait', START);
  }
  const jobs = jobsWaiting === 1 ? '1 job waits' : `${jobsWaiting} jobs wait`;
  return fail('lanes', `${jobs} and no lane has a writer`, START);
}

function judgeWriters(lanes: readonly LaneHealth[], jobsWaiting: number | null): readonly Finding[] {
  const free = lanes.filter(({ isOwned }) => !isOwned).map(({ lane }) => lane);
  if (free.length === 0) return [];
  if (free.length === lanes.length) return [judgeNoWriter(jobsWaiting)];
  // Writers look for free lanes every few seconds, so one that stays free points at a process that is stuck.
  const message = `lanes ${free.join(', ')} have no writer, others have one`;
  return [fail('lanes', message, 'Restart `tollkeeper start`: it takes every free lane.')];
}

function describe({ lane, owner, isOwned, lastBatch, epoch, ingestedAtMs }: LaneHealth): Finding {
  const by = isOwned ? `written by ${owner ?? '?'}` : 'nobody writes it';
  const last = ingestedAtMs === null ? 'no event yet' : `last event ${new Date(ingestedAtMs).toISOString()}`;
  return ok('lanes', `lane ${lane}: ${by}, at batch ${lastBatch}, epoch ${epoch}, ${last}`);
}
