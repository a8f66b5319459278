import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import type { UsageJobResult, UsageRouter } from '../src/pipeline/ingest/usage-router.ts';

/** Queue `usage`: anybody's events. */
export function processUsage(router: UsageRouter, job: DeliveredJob): Promise<UsageJobResult> {
  return router.process(job, false);
}
