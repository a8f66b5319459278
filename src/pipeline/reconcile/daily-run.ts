import { z } from 'zod';
import { formatDay } from '../../domain/archive/day.ts';
import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { DeliveredJob, QueueHandle } from '../ingest/queue-port.ts';
import { type ReconcileParts, reconcile } from './reconcile.ts';

/** Each day is looked at so many times: what came late is found by the next run. */
const DAYS = 3;
/** Hours after midnight in UTC: by then the last webhooks of the day have arrived. */
const HOUR = 2;

const jobSchema = z.object({ v: z.literal(1), toMs: z.number().int().positive() });

/**
 * Adds the run of a day to the queue, once among all processes: the day is the job's id. Returns the day that is added.
 *
 * @param addedDay the day this process added last, so that it asks the queue once a day
 */
export async function addDailyRun(
  queue: Pick<QueueHandle, 'addJobs'>,
  { addedDay, nowMs }: { readonly addedDay: string; readonly nowMs: number },
): Promise<string> {
  const toMs = Math.floor((nowMs - HOUR * HOUR_MS) / DAY_MS) * DAY_MS;
  const day = formatDay(toMs);
  if (day === addedDay) return addedDay;
  await queue.addJobs([{ id: `reconcile-${day}`, data: { v: 1, toMs } }]);
  return day;
}

/** A job of the queue `reconcile`: the three whole days before a midnight. */
export async function processReconcileJob(parts: ReconcileParts, job: DeliveredJob): Promise<unknown> {
  const { toMs } = jobSchema.parse(job.data);
  const { runId, totals, items, unlooked } = await reconcile(parts, {
    fromMs: toMs - DAYS * DAY_MS,
    toMs,
    dryRun: false,
  });
  return { v: 1, run: runId, pairs: totals.pairs, byCause: totals.byCause, differences: items.length + unlooked };
}
