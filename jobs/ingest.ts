import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import type { UsageJobResult, UsageRouter } from '../src/pipeline/ingest/usage-router.ts';

/** Queue `ingest`: events of our own commands, which may name a tenant and replay a file by its own clock. */
export function processIngest(router: UsageRouter, job: DeliveredJob): Promise<UsageJobResult> {
  return router.process(job, true);
}
