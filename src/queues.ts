/** One queue: its name, who may write to it, and how its jobs are kept. */
export interface QueueDefinition {
  readonly name: string;
  /** Only our own processes write to it, so its jobs may name a tenant and ask for the file clock. */
  readonly trusted: boolean;
  /** Completed jobs kept for producers that read return values; statuses themselves live in PostgreSQL. */
  readonly keepCompleted: { readonly age: number; readonly count: number };
}

/** Schema of BullMQ's own tables when the queues live in PostgreSQL. */
export const QUEUE_SCHEMA = 'tollkeeper_queue';

const KEEP = { age: 86_400, count: 5_000 };

/** The public intake: any BullMQ client adds jobs of one or many usage events. */
export const USAGE_QUEUE: QueueDefinition = { name: 'usage', trusted: false, keepCompleted: KEEP };

/** Intake of our own commands (`ingest`, `demo`), which may replay a file by its own clock. */
export const INGEST_QUEUE: QueueDefinition = {
  name: 'ingest',
  trusted: true,
  keepCompleted: { age: 3_600, count: 100 },
};

/** Events that came over HTTP and were acknowledged before they were posted. The key they were sent with says the tenant. */
export const HTTP_QUEUE: QueueDefinition = { name: 'http', trusted: true, keepCompleted: KEEP };

/** Holds: any BullMQ client reserves money for a call, and captures or releases it afterwards. */
export const HOLDS_QUEUE: QueueDefinition = { name: 'holds', trusted: false, keepCompleted: KEEP };

/** Outgoing: every status change of a wallet, for metering services to stop or resume serving. */
export const WALLET_STATUS_QUEUE: QueueDefinition = { name: 'wallet-status', trusted: false, keepCompleted: KEEP };

/** Events of Stripe that are stored and not yet worked on; filled by the outbox. */
export const STRIPE_EVENTS_QUEUE: QueueDefinition = {
  name: 'stripe-events',
  trusted: true,
  keepCompleted: { age: 3_600, count: 1_000 },
};

/** Customers to be put before Stripe Radar, or taken off; filled by the outbox. */
export const RADAR_QUEUE: QueueDefinition = {
  name: 'radar',
  trusted: true,
  keepCompleted: { age: 3_600, count: 1_000 },
};

/** Alerts for a language model to look at; filled by the outbox. */
export const REVIEW_QUEUE: QueueDefinition = {
  name: 'review',
  trusted: true,
  keepCompleted: { age: 3_600, count: 1_000 },
};

/** Days to be compared with Stripe, one job a day; its id keeps a day from being added twice. */
export const RECONCILE_QUEUE: QueueDefinition = {
  name: 'reconcile',
  trusted: true,
  keepCompleted: { age: 3 * 86_400, count: 100 },
};

/** Events handed to the process that owns their lane. */
export function laneQueue(lane: number): QueueDefinition {
  return { name: `lane-${lane}`, trusted: true, keepCompleted: { age: 3_600, count: 100 } };
}
