import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import { processReconcileJob } from '../src/pipeline/reconcile/daily-run.ts';
import type { ReconcileParts } from '../src/pipeline/reconcile/reconcile.ts';

/** Queue `reconcile`: the days before, compared with Stripe. */
export function processReconcile(parts: ReconcileParts, job: DeliveredJob): Promise<unknown> {
  return processReconcileJob(parts, job);
}
