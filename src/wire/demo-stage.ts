import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../adapters/package-root.ts';
import { createAdminStore } from '../adapters/postgres/admin/admin-store.ts';
import { countEvents } from '../adapters/postgres/queries/event-counts.ts';
import { createQueries } from '../adapters/postgres/queries/queries.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import type { AdminStore } from '../pipeline/admin/admin-store.ts';
import type { BatchRecord } from '../pipeline/lane/batch-record.ts';
import type { EventCounts } from '../pipeline/queries/event-counts.ts';
import type { Queries } from '../pipeline/queries/queries.ts';
import { INGEST_QUEUE } from '../queues.ts';
import { openEngine } from './engine.ts';
import { startService } from './service.ts';

/** A pipeline of its own in a throwaway database, fed by the caller. */
export interface DemoStage {
  readonly engineStartMs: number;
  readonly queries: Queries;
  readonly admin: AdminStore;
  readonly countEvents: () => Promise<EventCounts>;
  /** Starts processing; before it, accounts can be topped up without a lane writer to wait for. */
  readonly start: (onCommit: (batch: BatchRecord) => void) => Promise<void>;
  readonly addJobs: (jobs: readonly unknown[]) => Promise<void>;
  /** Jobs added and not finished. */
  readonly pending: () => Promise<number>;
  /** Resolves when every job is finished. */
  readonly drained: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** Ends everything at once; what is in hand is lost with the throwaway database. */
  readonly abandon: () => Promise<void>;
}

export interface DemoStageOptions {
  readonly ruleset: Ruleset;
  readonly lanes: number;
  readonly lateWindowMs: number;
  readonly onProblem: (what: string, error: unknown) => void;
}

const POLL_MS = 20;
const JOB_LOCK_MS = 60_000;

/** The figures of real usage that the demo replays, as JSON. */
export async function readUsageProfileJson(): Promise<unknown> {
  return JSON.parse(await readFile(join(packageRoot(), 'fixtures/usage-profile.json'), 'utf8'));
}

/** Starts an embedded engine in a temporary directory; nothing of it is left after `close`. */
export async function openDemoStage(options: DemoStageOptions): Promise<DemoStage> {
  const startedAtMs = performance.now();
  let isAbandoned = false;
  // Whoever abandons a stage pulls the database from under it: what its parts say of that is no news.
  const onProblem = (what: string, error: unknown) => {
    if (!isAbandoned) options.onProblem(what, error);
  };
  const engine = await openEngine(
    {
      databaseUrl: undefined,
      redisUrl: undefined,
      queuePrefix: 'demo',
      dataDir: '',
      port: undefined,
      lanes: options.lanes,
      jobLockMs: JOB_LOCK_MS,
    },
    { mode: 'throwaway', onError: (error) => onProblem('engine', error) },
  );
  const queue = engine.queues.openQueue(INGEST_QUEUE.name);
  let stopService = async (): Promise<void> => undefined;
  const pending = async () => {
    const { waiting, active, delayed } = await queue.counts();
    return waiting + active + delayed;
  };
  return {
    engineStartMs: performance.now() - startedAtMs,
    queries: createQueries(engine.pool),
    admin: createAdminStore(engine.pool),
    countEvents: () => countEvents(engine.pool),
    async start(onCommit) {
      const service = await startService(engine, {
        ruleset: () => options.ruleset,
        lateWindowMs: options.lateWindowMs,
        batchEventsMax: 10_000,
        gatherMs: 5,
        concurrency: 1,
        owner: 'demo',
        now: () => Date.now(),
        onCommit,
        onRetry: (what, _attempt, error) => onProblem(what, error),
      });
      stopService = () => service.close();
    },
    addJobs: (jobs) => queue.addJobs(jobs.map((data) => ({ data }))),
    pending,
    async drained() {
      while ((await pending()) > 0) await sleep(POLL_MS);
    },
    async close() {
      await stopService();
      await queue.close();
      await engine.close();
    },
    abandon() {
      isAbandoned = true;
      return engine.abandon();
    },
  };
}
