import { setTimeout as sleep } from 'node:timers/promises';
import { processHold } from '../../jobs/holds.ts';
import { processHttp } from '../../jobs/http.ts';
import { processIngest } from '../../jobs/ingest.ts';
import { processUsage } from '../../jobs/usage.ts';
import { createAdminStore } from '../adapters/postgres/admin/admin-store.ts';
import { deleteClosedHolds } from '../adapters/postgres/delete-holds.ts';
import { dueHolds } from '../adapters/postgres/due-holds.ts';
import { walletsWithEndedCredit, walletsWithRoom, walletsWithSlowdownOver } from '../adapters/postgres/due-wallets.ts';
import { expiredFreezes } from '../adapters/postgres/expired-freezes.ts';
import { LaneLocks } from '../adapters/postgres/lane-locks.ts';
import { PostgresLaneStore } from '../adapters/postgres/lane-store.ts';
import { createOutboxStore } from '../adapters/postgres/outbox-store.ts';
import { createRejectionLog } from '../adapters/postgres/rejection-log.ts';
import { createRulesetArchive } from '../adapters/postgres/ruleset-archive.ts';
import { readShardLanes } from '../adapters/postgres/shard-lanes.ts';
import { WalletIndexer } from '../adapters/postgres/wallet-index.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { rulesetInLanes } from '../domain/rules/ruleset-in-lanes.ts';
import type { AdminStore } from '../pipeline/admin/admin-store.ts';
import { startCreditSweeper } from '../pipeline/admin/credit-sweeper.ts';
import { startSweep } from '../pipeline/admin/sweep-loop.ts';
import { startThawSweeper } from '../pipeline/admin/thaw-sweeper.ts';
import { HoldRouter } from '../pipeline/holds/hold-router.ts';
import { startHoldSweeper } from '../pipeline/holds/hold-sweeper.ts';
import { Intake } from '../pipeline/ingest/intake.ts';
import { processLaneJob } from '../pipeline/ingest/lane-intake.ts';
import { neverFail } from '../pipeline/ingest/never-fail.ts';
import {
  type DeliveredJob,
  JobGivenBack,
  type JobProcessor,
  type WorkerHandle,
} from '../pipeline/ingest/queue-port.ts';
import { UsageRouter } from '../pipeline/ingest/usage-router.ts';
import type { BatchRecord } from '../pipeline/lane/batch-record.ts';
import { startOutboxRelay } from '../pipeline/outbox/outbox-relay.ts';
import { HOLDS_QUEUE, HTTP_QUEUE, INGEST_QUEUE, laneQueue, type QueueDefinition, USAGE_QUEUE } from '../queues.ts';
import type { Engine } from './engine.ts';
import { startFleet } from './fleet.ts';
import { LaneKeeper } from './lane-keeper.ts';
import { startNightlyReplay } from './nightly-replay.ts';

export interface ServiceOptions {
  readonly ruleset: () => Ruleset;
  readonly lateWindowMs: number;
  /** Sources that may repeat an event under another time; none unless given. */
  readonly movingSources?: ReadonlySet<string>;
  /** Deletes holds that have been closed for so long; they are kept for good without it. */
  readonly holdsKeptMs?: number;
  readonly batchEventsMax: number;
  readonly gatherMs: number;
  readonly concurrency: number;
  /** Names this process in lane rows. */
  readonly owner: string;
  /** Lanes to own; default all that are free. */
  readonly lanes?: readonly number[];
  /** Ends freezes, holds and credit on their date by the wall clock; off for runs that live in another time. */
  readonly sweepsThaws?: boolean;
  readonly onCommit?: (batch: BatchRecord) => void;
  readonly onRetry: (what: string, attempt: number, error: unknown) => void;
  /** Milliseconds epoch; the wall clock in production. */
  readonly now: () => number;
}

/** A running pipeline. */
export interface Service {
  /** Lanes owned now; a lane whose owner is gone is taken over. */
  readonly ownedLanes: readonly number[];
  /** The way in for events that come over HTTP. */
  readonly intake: Intake;
  /** Holds, granted from the memory of the lanes owned here. */
  readonly holds: HoldRouter;
  /** Finishes what is in hand, then stops; what cannot finish in time is delivered again by the queue. */
  readonly close: (options?: { readonly graceMs?: number }) => Promise<void>;
}

const CLOSE_GRACE_MS = 20_000;

/** How long abandoned jobs may take to go back to their queue, and the last messages to leave. */
const GIVE_BACK_MS = 5_000;

/** Starts lane writers, the intake workers and the outbox relay on an open engine. */
export async function startService(engine: Engine, options: ServiceOptions): Promise<Service> {
  const shardLanes = await readShardLanes(engine.pool);
  const rejections = createRejectionLog(engine.pool);
  const currency = options.ruleset().pricing.currency;
  // Before the first batch that names it.
  await createRulesetArchive(engine.pool).keep(options.ruleset());
  // Pauses between attempts end at once when the process is stopping.
  const stopping = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  const guarded = (process: JobProcessor) =>
    neverFail(process, {
      rejections,
      sleep: pause,
      onRetry: (job: DeliveredJob, attempt, error) => options.onRetry(`job ${job.queue}/${job.id}`, attempt, error),
      isStopping: () => stopping.signal.aborted,
    });
  const open = (queue: QueueDefinition, process: JobProcessor, concurrency = options.concurrency) =>
    engine.queues.openWorker(queue.name, guarded(process), { concurrency, keepCompleted: queue.keepCompleted });
  const lanes = keepLanes(engine, options, { lanes: options.lanes ?? [...new Set(shardLanes)], pause, open });
  await lanes.open();
  const { writers } = lanes;
  const laneOf = (shard: number) => shardLanes[shard] ?? 0;
  const router = new UsageRouter({
    currency,
    laneOf,
    writers,
    rejections,
    now: options.now,
    jobsMax: options.concurrency,
  });
  const admin = createAdminStore(engine.pool);
  const holds = new HoldRouter({
    currency,
    laneOf,
    writers,
    admin,
    overdraftNanos: () => options.ruleset().overdraftNanos,
    now: options.now,
  });
  const workers: WorkerHandle[] = [
    open(HOLDS_QUEUE, (job) => processHold(holds, job)),
    open(USAGE_QUEUE, (job) => processUsage(router, job)),
    // A replayed file is judged in its own order: two jobs in hand at once could overtake each other.
    open(INGEST_QUEUE, (job) => processIngest(router, job), 1),
    open(HTTP_QUEUE, (job) => processHttp(router, job)),
  ];
  const kept = engine.queues.openQueue(HTTP_QUEUE.name);
  const intake = new Intake({
    router,
    queue: kept,
    backlog: () => [...writers.values()].reduce((sum, writer) => sum + writer.backlog, 0),
    now: options.now,
    sleep: pause,
  });
  const sweepers = options.sweepsThaws === true ? startSweepers(engine, admin, holds, options) : [];
  const fleet = startFleet({
    pool: engine.pool,
    connectionString: engine.connectionString,
    ruleset: () => rulesetInLanes(options.ruleset()),
    owner: options.owner,
    writers,
    onRetry: options.onRetry,
  });
  const relay = startOutboxRelay(createOutboxStore(engine.pool), engine.queues, options.onRetry);

  return {
    get ownedLanes() {
      return [...writers.keys()].sort((left, right) => left - right);
    },
    intake,
    holds,
    async close({ graceMs = CLOSE_GRACE_MS } = {}) {
      const finished = Promise.all([...workers.map((worker) => worker.close()), lanes.stopTaking()]);
      const inTime = await within(graceMs, finished);
      stopping.abort();
      await within(GIVE_BACK_MS, fleet.close());
      await lanes.close({ abandon: !inTime });
      // What the writers gave up goes back to its queue; with the queue gone too, it stays there until its lock ends.
      if (!inTime && !(await within(GIVE_BACK_MS, finished))) {
        await Promise.all([...workers.map((worker) => worker.close(true)), lanes.cutOff()]);
      }
      await Promise.all(sweepers.map((sweeper) => sweeper.close()));
      await within(GIVE_BACK_MS, Promise.all([relay.close(), kept.close()]));
    },
  };
}

const HOLDS_DELETED_EVERY_MS = 600_000;

/** What timers do for wallets: freezes, holds and credit end on their date, throttled usage is posted in the next period. */
function startSweepers(
  { pool }: Engine,
  store: AdminStore,
  holds: HoldRouter,
  { now, onRetry, ruleset, holdsKeptMs, owner }: ServiceOptions,
) {
  let deletedAtMs = Number.NEGATIVE_INFINITY;
  const deleteHolds = async () => {
    const nowMs = now();
    if (holdsKeptMs === undefined || nowMs - deletedAtMs < HOLDS_DELETED_EVERY_MS) return;
    deletedAtMs = nowMs;
    await deleteClosedHolds(pool, { closedBeforeMs: nowMs - holdsKeptMs, nowMs });
  };
  const indexer = new WalletIndexer(pool, now);
  const indexing = startSweep({ what: 'wallet index', onRetry, sweep: async () => void (await indexer.sweep()) });
  return [
    startNightlyReplay(pool, { owner, now, onRetry }),
    startSweep({ what: 'hold retention', onRetry, sweep: deleteHolds }),
    { close: () => Promise.all([indexer.close(), indexing.close()]).then(() => undefined) },
    startThawSweeper({ store, expiredFreezes: (nowMs) => expiredFreezes(pool, nowMs), now, onRetry }),
    startHoldSweeper({
      dueHolds: (nowMs, limit) => dueHolds(pool, nowMs, limit),
      carryOut: (request) => holds.carryOut(request),
      now,
      onRetry,
    }),
    startCreditSweeper({
      store,
      withEndedCredit: (nowMs) => walletsWithEndedCredit(pool, nowMs),
      withSlowdownOver: (nowMs) => walletsWithSlowdownOver(pool, nowMs),
      withRoom: (nowMs) => walletsWithRoom(pool, nowMs),
      overdraftNanos: () => ruleset().overdraftNanos,
      now,
      onRetry,
    }),
  ];
}

/** The lanes of this process, with the workers for what others forward to them. */
function keepLanes(
  engine: Engine,
  options: ServiceOptions,
  parts: {
    readonly lanes: readonly number[];
    readonly pause: (ms: number) => Promise<void>;
    readonly open: (queue: QueueDefinition, process: JobProcessor) => WorkerHandle;
  },
): LaneKeeper {
  const store = new PostgresLaneStore(engine.pool, new LaneLocks(engine.connectionString));
  const { ruleset, lateWindowMs, batchEventsMax, gatherMs, owner, onCommit, onRetry } = options;
  const archive = createRulesetArchive(engine.pool);
  const keeper: LaneKeeper = new LaneKeeper({
    lanes: parts.lanes,
    freeLanes: (lanes) => store.freeLanes(lanes),
    writer: {
      store,
      owner,
      ruleset: () => rulesetInLanes(ruleset()),
      rulesetOf: async (hash) => {
        const then = await archive.read(hash);
        return then === undefined ? undefined : rulesetInLanes(then);
      },
      lateWindowMs,
      batchEventsMax,
      gatherMs,
      sleep: parts.pause,
      ...(options.movingSources === undefined ? {} : { movingSources: options.movingSources }),
    },
    observer: {
      ...(onCommit === undefined ? {} : { onCommit }),
      onRetry: (lane, attempt, error) => onRetry(`lane ${lane}`, attempt, error),
    },
    openWorker: (lane) =>
      parts.open(laneQueue(lane), async (job) => {
        const writer = keeper.writers.get(lane);
        if (writer === undefined) throw new JobGivenBack(`lane ${lane} is not ours`);
        return processLaneJob(job, writer, ruleset().pricing.currency);
      }),
    onRetry,
  });
  return keeper;
}

/** Whether a promise settles in time; the other branch keeps running and is ended by the caller. */
async function within(graceMs: number, work: Promise<unknown>): Promise<boolean> {
  const abort = new AbortController();
  const timeout = sleep(graceMs, false, { signal: abort.signal }).catch(() => false);
  const done = await Promise.race([work.then(() => true), timeout]);
  abort.abort();
  return done;
}
