import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import type { UsageJobResult, UsageRouter } from '../src/pipeline/ingest/usage-router.ts';

/**
 * Queue `ingest`: events of our own commands, which may name a tenant and replay a file by its own clock. The answer says
 * whether the job had been in hand before: its duplicates may then be events that it has posted itself.
 */
export async function processIngest(
  router: UsageRouter,
  job: DeliveredJob,
): Promise<UsageJobResult & { readonly redelivered?: true }> {
  const result = await router.process(job, true);
  return job.isRedelivered ? { ...result, redelivered: true } : result;
}
