import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import { processSentJob, type SentJobResult } from '../src/pipeline/ingest/sent-job.ts';
import type { UsageRouter } from '../src/pipeline/ingest/usage-router.ts';

/** Queue `http`: events that were acknowledged over HTTP before they were posted. */
export function processHttp(router: UsageRouter, job: DeliveredJob): Promise<SentJobResult> {
  return processSentJob(router, job);
}
