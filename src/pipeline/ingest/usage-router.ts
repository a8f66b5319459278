import { createHash } from 'node:crypto';
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { ARRIVAL_PROPERTY, formatEventKey } from '../../domain/events/event-key.ts';
import { DEFAULT_TENANT, type ParsedEvent } from '../../domain/events/parse-event.ts';
import { type ParsedJob, parseJob } from '../../domain/events/parse-job.ts';
import type { EventStatus, UsageEvent } from '../../domain/events/usage-event.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import { laneQueue } from '../../queues.ts';
import { type LaneEvent, LaneEventFactory } from '../lane/lane-event.ts';
import type { LaneWriter } from '../lane/lane-writer.ts';
import type { LaneJobResult } from './lane-intake.ts';
import type { DeliveredJob } from './queue-port.ts';
import type { RejectionLog } from './rejection-log.ts';

/** What a usage job returns: one status per event, in input order. */
export interface UsageJobResult {
  readonly v: 1;
  readonly results: readonly EventStatus[];
}

export interface UsageRouterOptions {
  readonly currency: string;
  /** Lane of a shard, from the shard_lane table. */
  readonly laneOf: (shard: number) => number;
  /** Writers of the lanes this process owns. */
  readonly writers: ReadonlyMap<number, LaneWriter>;
  readonly rejections: RejectionLog;
  /** Our clock at first acceptance, epoch milliseconds. */
  readonly now: () => number;
  /** Jobs the intake workers may hold at once. */
  readonly jobsMax: number;
}

/** Events prepared between two turns of the event loop: keeps a slice well under 50 ms. */
const SLICE = 1_000;

/** Events as they were understood, and as they came; the tenant of all of them where the sender tells it. */
interface ReadEvents {
  readonly events: readonly ParsedEvent[];
  readonly raws: readonly unknown[];
  readonly tenant?: string;
}

/** Events of one sender, whose key says the tenant. */
export interface SentEvents extends ReadEvents {
  readonly tenant: string;
  /** When the request with them arrived, epoch milliseconds. */
  readonly acceptedAtMs: number;
}

/** What names a request: its rejected events are found by it. */
export interface SentJob {
  readonly queue: string;
  readonly id: string;
}

interface Routed {
  readonly item: LaneEvent;
  readonly index: number;
  readonly raw: unknown;
}

/**
 * The stateless router behind the intake queues: reads a job, hands each event to its lane, and completes when every
 * event has a committed status. One bad event never fails its batch; rejected events are kept with their reason.
 */
export class UsageRouter {
  readonly #options: UsageRouterOptions;
  readonly #factory: LaneEventFactory;
  #jobsInHand = 0;

  constructor(options: UsageRouterOptions) {
    this.#options = options;
    this.#factory = new LaneEventFactory(options.currency);
  }

  /** Processes one job of an intake queue. Throws only when the events belong to lanes that are changing hands. */
  async process(job: DeliveredJob, trusted: boolean): Promise<UsageJobResult> {
    this.#jobsInHand++;
    try {
      return await this.#process(job, trusted);
    } finally {
      this.#jobsInHand--;
    }
  }

  /**
   * Takes events that were sent over HTTP, by whom their tenant tells. From a queue they may belong to lanes of other
   * processes; without one (`job` is no delivery) undefined says that some do, and nothing was done.
   */
  async processSent(job: SentJob | DeliveredJob, sent: SentEvents): Promise<UsageJobResult | undefined> {
    const delivered = 'awaitChildren' in job ? job : undefined;
    this.#jobsInHand++;
    try {
      const results: EventStatus[] = new Array(sent.events.length);
      const lanes = await this.#route({ ...sent, clock: 'wall' }, results, sent.acceptedAtMs);
      if (delivered === undefined && this.#hasForeign(lanes)) return undefined;
      if (delivered === undefined) await this.#submitHere(lanes, results);
      else await this.#submit(delivered, lanes, results, sent.tenant);
      await this.#recordRejected(job, results, sent);
      return { v: 1, results };
    } finally {
      this.#jobsInHand--;
    }
  }

  async #process(job: DeliveredJob, trusted: boolean): Promise<UsageJobResult> {
    const acceptedAtMs = this.#options.now();
    const parsed = parseJob(job.data, { trusted, bytes: job.size });
    if (!parsed.ok) {
      const status: EventStatus = { id: null, status: 'rejected', ...parsed.rejection };
      await this.#record(job, [status], { events: [], raws: [job.data] });
      return { v: 1, results: [status] };
    }
    const single = this.#submitSingle(parsed, acceptedAtMs);
    if (single !== undefined) {
      const results = await single;
      await this.#recordRejected(job, results, parsed);
      return { v: 1, results };
    }
    const results: EventStatus[] = new Array(parsed.events.length);
    const lanes = await this.#route(parsed, results, acceptedAtMs);
    await this.#submit(job, lanes, results);
    await this.#recordRejected(job, results, parsed);
    return { v: 1, results };
  }

  /** The short way for a job of one valid event of a lane of ours: most producers that do not batch send these. */
  #submitSingle(job: Extract<ParsedJob, { ok: true }>, acceptedAtMs: number): Promise<EventStatus[]> | undefined {
    const only = job.events.length === 1 ? job.events[0] : undefined;
    if (only?.ok !== true) return undefined;
    const item = this.#factory.prepare(only.event, job.clock === 'file' ? arrivalOf(only.event) : acceptedAtMs);
    const written = this.#options.writers.get(this.#options.laneOf(item.address.shard))?.submit([item]);
    this.#hurryWhenFull();
    return written;
  }

  #hurryWhenFull(): void {
    if (this.#jobsInHand < this.#options.jobsMax) return;
    for (const writer of this.#options.writers.values()) writer.hurry();
  }

  async #route(
    job: Pick<Extract<ParsedJob, { ok: true }>, 'events' | 'raws' | 'clock'>,
    results: EventStatus[],
    acceptedAtMs: number,
  ): Promise<Map<number, Routed[]>> {
    const lanes = new Map<number, Routed[]>();
    for (let index = 0; index < job.events.length; index++) {
      if (index % SLICE === SLICE - 1) await yieldToLoop();
      const parsed = job.events[index];
      if (parsed === undefined) continue;
      if (!parsed.ok) {
        results[index] = { id: parsed.id, status: 'rejected', ...parsed.rejection };
        continue;
      }
      const ingestedAtMs = job.clock === 'file' ? arrivalOf(parsed.event) : acceptedAtMs;
      const item = this.#factory.prepare(parsed.event, ingestedAtMs);
      const lane = this.#options.laneOf(item.address.shard);
      const routed = lanes.get(lane);
      const entry = { item, index, raw: job.raws[index] };
      if (routed === undefined) lanes.set(lane, [entry]);
      else routed.push(entry);
    }
    return lanes;
  }

  async #submit(
    job: DeliveredJob,
    lanes: ReadonlyMap<number, Routed[]>,
    results: EventStatus[],
    tenant?: string,
  ): Promise<void> {
    if (this.#hasForeign(lanes)) await this.#forward(job, lanes, results, tenant);
    else await this.#submitHere(lanes, results);
  }

  #hasForeign(lanes: ReadonlyMap<number, Routed[]>): boolean {
    return [...lanes.keys()].some((lane) => !this.#options.writers.has(lane));
  }

  async #submitHere(lanes: ReadonlyMap<number, Routed[]>, results: EventStatus[]): Promise<void> {
    const written = [...lanes].map(async ([lane, routed]) => {
      const statuses = await this.#options.writers.get(lane)?.submit(routed.map(({ item }) => item));
      assign(results, routed, statuses);
    });
    this.#hurryWhenFull();
    await Promise.all(written);
  }

  /** Some lane belongs to another process: every lane's share becomes a child job there, and the results are merged. */
  async #forward(
    job: DeliveredJob,
    lanes: ReadonlyMap<number, readonly Routed[]>,
    results: EventStatus[],
    tenant: string | undefined,
  ): Promise<void> {
    const shares = [...lanes].map(([lane, routed]) => ({ lane, routed, id: childId(job, lane, routed) }));
    let done = await job.childResults();
    const missing = shares.filter(({ id }) => !done.has(id));
    if (missing.length > 0) {
      await job.awaitChildren(
        missing.map(({ lane, routed, id }) => ({
          queue: laneQueue(lane).name,
          id,
          data: { v: 1, child: id, events: routed.map(({ item, raw }) => ({ at: item.ingestedAtMs, raw, tenant })) },
        })),
      );
      done = await job.childResults();
    }
    for (const { routed, id } of shares) {
      const value = done.get(id) as Partial<LaneJobResult> | undefined;
      assign(results, routed, value?.results);
    }
  }

  async #recordRejected(job: SentJob, results: readonly EventStatus[], read: ReadEvents): Promise<void> {
    if (results.some((result) => result.status === 'rejected')) await this.#record(job, results, read);
  }

  #record(job: SentJob, results: readonly EventStatus[], { events, raws, tenant }: ReadEvents): Promise<void> {
    const rejected = results.flatMap((status, position) => {
      if (status?.status !== 'rejected') return [];
      return [{ status, position, raw: raws[position], ...namesOf(events[position], raws[position], tenant) }];
    });
    return this.#options.rejections.record({ queue: job.queue, jobId: job.id }, rejected);
  }
}

/**
 * The same share of the same job has the same child, however often it is delivered. Its content counts, because a
 * producer may use a job id again for other events while the first child is still kept.
 */
function childId(job: DeliveredJob, lane: number, routed: readonly Routed[]): string {
  const digest = createHash('sha256');
  for (const { item } of routed) digest.update(`${formatEventKey(item.key)} ${item.contentHash}\n`);
  return `${job.queue}-${job.id.replaceAll(':', '_')}-lane${lane}-${digest.digest('hex').slice(0, 16)}`;
}

function assign(results: EventStatus[], routed: readonly Routed[], statuses: readonly EventStatus[] | undefined): void {
  // A bug of ours by its type: repeating the job would give the same answers.
  if (statuses?.length !== routed.length) throw new RangeError('a lane answers one status per event');
  for (let at = 0; at < routed.length; at++) {
    const status = statuses[at];
    const index = routed[at]?.index;
    if (status !== undefined && index !== undefined) results[index] = status;
  }
}

/** In a replayed file "now" is the arrival column; without one, the event's own time. */
function arrivalOf(event: UsageEvent): number {
  const arrival = event.properties?.[ARRIVAL_PROPERTY];
  return (typeof arrival === 'string' ? parseRfc3339(arrival) : undefined) ?? event.occurredAtMs;
}

function namesOf(
  event: ParsedEvent | undefined,
  raw: unknown,
  tenant = DEFAULT_TENANT,
): { readonly tenant: string; readonly source: string | null } {
  if (event?.ok === true) return { tenant: event.event.tenant, source: event.event.source };
  if (event?.source !== undefined) return { tenant, source: event.source };
  const source =
    typeof raw === 'object' && raw !== null && 'source' in raw && typeof raw.source === 'string' ? raw.source : null;
  return { tenant, source };
}
