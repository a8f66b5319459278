import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import { processReviewJob } from '../src/pipeline/review/process-review.ts';
import type { ReviewParts } from '../src/pipeline/review/review-alert.ts';

/** Queue `review`: alerts for a language model to look at. */
export function processReview(parts: ReviewParts, job: DeliveredJob): Promise<unknown> {
  return processReviewJob(parts, job);
}
