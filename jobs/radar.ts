import type { DeliveredJob } from '../src/pipeline/ingest/queue-port.ts';
import type { MoneyIn } from '../src/pipeline/stripe/money-in.ts';
import { processRadarJob } from '../src/pipeline/stripe/radar.ts';

/** Queue `radar`: customers to be put before Stripe Radar, or taken off. */
export function processRadar(money: MoneyIn, job: DeliveredJob): Promise<unknown> {
  return processRadarJob(money, job);
}
