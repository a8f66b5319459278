import { z } from 'zod';
import { readSentEvents, SENT_FORMATS, type SentFormat } from '../../domain/events/sent-events.ts';
import type { DeliveredJob } from './queue-port.ts';
import type { SentEvents, UsageJobResult, UsageRouter } from './usage-router.ts';

/** Events of one request, as they came. */
export interface SentRequest {
  readonly tenant: string;
  readonly accounts: ReadonlySet<string> | undefined;
  readonly format: SentFormat;
  readonly raws: readonly unknown[];
  readonly acceptedAtMs: number;
}

/** What a job on the queue `http` returns: the statuses, and whose they are. */
export type SentJobResult = UsageJobResult & { readonly tenant: string };

const jobSchema = z.object({
  v: z.literal(1),
  tenant: z.string(),
  accounts: z.array(z.string()).optional(),
  format: z.enum(SENT_FORMATS),
  at: z.number(),
  events: z.array(z.unknown()),
});

/** The events of a request as they are understood. */
export function readSent({ raws, format, tenant, accounts, acceptedAtMs }: SentRequest): SentEvents {
  return { tenant, acceptedAtMs, raws, events: readSentEvents(raws, format, { tenant, accounts }) };
}

/** Data of the job that a request waits as. */
export function sentJobData({ tenant, accounts, format, raws, acceptedAtMs }: SentRequest): z.input<typeof jobSchema> {
  const bound = accounts === undefined ? {} : { accounts: [...accounts] };
  return { v: 1, tenant, ...bound, format, at: acceptedAtMs, events: [...raws] };
}

/** Posts the events of a request that was acknowledged before; only our own HTTP edge adds such jobs. */
export async function processSentJob(router: UsageRouter, job: DeliveredJob): Promise<SentJobResult> {
  const { tenant, accounts, format, at, events } = jobSchema.parse(job.data);
  const bound = accounts === undefined ? undefined : new Set(accounts);
  const sent = readSent({ tenant, accounts: bound, format, raws: events, acceptedAtMs: at });
  const result = await router.processSent(job, sent);
  if (result === undefined) throw new RangeError('a delivered job is forwarded where it belongs');
  return { ...result, tenant };
}
