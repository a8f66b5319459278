import { z } from 'zod';
import type { DeliveredJob } from '../ingest/queue-port.ts';
import { type ReviewParts, reviewAlert } from './review-alert.ts';

const jobSchema = z.object({ v: z.literal(1), tenant: z.string().min(1), alert: z.string().min(1) });

/** One job of the queue `review`. Delivered twice, it asks once. */
export async function processReviewJob(parts: ReviewParts, job: DeliveredJob): Promise<unknown> {
  const read = jobSchema.safeParse(job.data);
  // Only our own outbox writes to this queue: what does not fit was put there by hand.
  if (!read.success) return { ignored: 'not a request for a review' };
  const result = await reviewAlert(parts, { tenant: read.data.tenant, alertId: read.data.alert });
  return { result: typeof result === 'string' ? result : result.status };
}
