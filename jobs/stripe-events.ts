import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import type { MoneyIn } from '../src/pipeline/stripe/money-in.ts';
import { type OtherEvents, processEventJob } from '../src/pipeline/stripe/process-event.ts';

/** Queue `stripe-events`: events of Stripe that are stored and verified. */
export function processStripeEvent(money: MoneyIn, job: DeliveredJob, others?: OtherEvents): Promise<unknown> {
  return processEventJob(money, job, others);
}
