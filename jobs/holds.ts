import type { HoldJobResult, HoldRouter } from '../src/pipeline/holds/hold-router.ts';
import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';

/** Queue `holds`: anybody's reservations. */
export function processHold(router: HoldRouter, job: DeliveredJob): Promise<HoldJobResult> {
  return router.process(job);
}
