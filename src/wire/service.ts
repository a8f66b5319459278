import { setTimeout as sleep } from 'node:timers/promises';
import { processIngest } from '../../jobs/ingest.ts';
import { processUsage } from '../../jobs/usage.ts';
import { createAdminStore } from '../adapters/postgres/admin/admin-store.ts';
import { expiredFreezes } from '../adapters/postgres/expired-freezes.ts';
import { PostgresLaneStore } from '../adapters/postgres/lane-store.ts';
import { createOutboxStore } from '../adapters/postgres/outbox-store.ts';
import { createRejectionLog } from '../adapters/postgres/rejection-log.ts';
import { readShardLanes } from '../adapters/postgres/shard-lanes.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import { startThawSweeper } from '../pipeline/admin/thaw-sweeper.ts';
import { processLaneJob } from '../pipeline/ingest/lane-intake.ts';
import { neverFail } from '../pipeline/ingest/never-fail.ts';
import type { DeliveredJob, JobProcessor, WorkerHandle } from '../pipeline/ingest/queue-port.ts';
import { UsageRouter } from '../pipeline/ingest/usage-router.ts';
import type { BatchRecord } from '../pipeline/lane/batch-record.ts';
import { LaneWriter } from '../pipeline/lane/lane-writer.ts';
import { startOutboxRelay } from '../pipeline/outbox/outbox-relay.ts';
import { INGEST_QUEUE, laneQueue, type QueueDefinition, USAGE_QUEUE } from '../queues.ts';
import type { Engine } from './engine.ts';

export interface ServiceOptions {
  readonly ruleset: () => Ruleset;
  readonly lateWindowMs: number;
  readonly batchEventsMax: number;
  readonly gatherMs: number;
  readonly concurrency: number;
  /** Names this process in lane rows. */
  readonly owner: string;
  /** Lanes to own; default all that are free. */
  readonly lanes?: readonly number[];
  /** Ends freezes on their date by the wall clock; off for runs that live in another time. */
  readonly sweepsThaws?: boolean;
  readonly onCommit?: (batch: BatchRecord) => void;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
  /** Milliseconds epoch; the wall clock in production. */
  readonly now: () => number;
}

/** A running pipeline. */
export interface Service {
  readonly ownedLanes: readonly number[];
  /** Finishes what is in hand, then stops; what cannot finish in time is delivered again by the queue. */
  readonly close: (options?: { readonly graceMs?: number }) => Promise<void>;
}

const CLOSE_GRACE_MS = 20_000;

/** Starts lane writers, the intake workers and the outbox relay on an open engine. */
export async function startService(engine: Engine, options: ServiceOptions): Promise<Service> {
  const store = new PostgresLaneStore(engine.pool, engine.connectionString);
  const shardLanes = await readShardLanes(engine.pool);
  const rejections = createRejectionLog(engine.pool);
  const writers = await openWriters(store, options, options.lanes ?? [...new Set(shardLanes)]);
  const currency = options.ruleset().pricing.currency;
  const router = new UsageRouter({
    currency,
    laneOf: (shard) => shardLanes[shard] ?? 0,
    writers,
    rejections,
    now: options.now,
    jobsMax: options.concurrency,
  });
  let stopping = false;
  const guarded = (process: JobProcessor) =>
    neverFail(giveUpLostLanes(process, writers), {
      rejections,
      sleep: (ms) => sleep(ms),
      onRetry: (job: DeliveredJob, attempt, error) => options.onRetry(`job ${job.queue}/${job.id}`, attempt, error),
      isStopping: () => stopping,
    });
  const open = (queue: QueueDefinition, process: JobProcessor, concurrency = options.concurrency) =>
    engine.queues.openWorker(queue.name, guarded(process), { concurrency, keepCompleted: queue.keepCompleted });
  const workers: WorkerHandle[] = [
    open(USAGE_QUEUE, (job) => processUsage(router, job)),
    // A replayed file is judged in its own order: two jobs in hand at once could overtake each other.
    open(INGEST_QUEUE, (job) => processIngest(router, job), 1),
    // Only another process on the same external database can forward events to a lane of ours.
    ...(engine.kind === 'embedded' ? [] : [...writers.values()]).map((writer) =>
      open(laneQueue(writer.lane), (job) => processLaneJob(job, writer, currency)),
    ),
  ];
  const sweeper =
    options.sweepsThaws === true
      ? startThawSweeper({
          store: createAdminStore(engine.pool),
          expiredFreezes: (nowMs) => expiredFreezes(engine.pool, nowMs),
          now: options.now,
          onRetry: options.onRetry,
        })
      : undefined;
  const relay = startOutboxRelay(createOutboxStore(engine.pool), engine.queues, options.onRetry);

  return {
    ownedLanes: [...writers.keys()].sort((left, right) => left - right),
    async close({ graceMs = CLOSE_GRACE_MS } = {}) {
      const inTime = await within(graceMs, Promise.all(workers.map((worker) => worker.close())));
      stopping = true;
      if (!inTime) await Promise.all(workers.map((worker) => worker.close(true)));
      await Promise.all([...writers.values()].map((writer) => writer.close({ abandon: !inTime })));
      await sweeper?.close();
      await relay.close();
    },
  };
}

async function openWriters(
  store: PostgresLaneStore,
  options: ServiceOptions,
  lanes: readonly number[],
): Promise<Map<number, LaneWriter>> {
  const writers = new Map<number, LaneWriter>();
  for (const lane of lanes) {
    const writer = new LaneWriter({
      lane,
      owner: options.owner,
      store,
      ruleset: options.ruleset,
      lateWindowMs: options.lateWindowMs,
      batchEventsMax: options.batchEventsMax,
      gatherMs: options.gatherMs,
      observer: {
        ...(options.onCommit === undefined ? {} : { onCommit: options.onCommit }),
        onRetry: (number, attempt, error) => options.onRetry(`lane ${number}`, attempt, error),
      },
      sleep: (ms) => sleep(ms),
    });
    try {
      await writer.open();
      writers.set(lane, writer);
    } catch (error) {
      // A lane with a live owner elsewhere is not ours; its events are forwarded there.
      if (!(error instanceof AppError && error.code === 'LANE_BUSY')) throw error;
    }
  }
  return writers;
}

/** A lane that was taken over is no longer ours: forgetting its writer makes the next attempt forward the events. */
function giveUpLostLanes(process: JobProcessor, writers: Map<number, LaneWriter>): JobProcessor {
  return async (job) => {
    try {
      return await process(job);
    } catch (error) {
      if (error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY')) {
        for (const [lane, writer] of writers)
          if (error.message.startsWith(`lane ${lane} `)) writers.delete(writer.lane);
      }
      throw error;
    }
  };
}

/** Whether a promise settles in time; the other branch keeps running and is ended by the caller. */
async function within(graceMs: number, work: Promise<unknown>): Promise<boolean> {
  const abort = new AbortController();
  const timeout = sleep(graceMs, false, { signal: abort.signal }).catch(() => false);
  const done = await Promise.race([work.then(() => true), timeout]);
  abort.abort();
  return done;
}
