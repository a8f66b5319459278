import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { countLiveWriters } from '../adapters/postgres/live-writers.ts';
import { createQueries } from '../adapters/postgres/queries/queries.ts';
import { isServerAway } from '../adapters/postgres/sql-state.ts';
import type { Config } from '../config.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { INGEST_QUEUE } from '../queues.ts';
import { type Engine, openEngine } from './engine.ts';
import { engineSettings } from './engine-settings.ts';
import { Patience } from './patience.ts';
import { startService } from './service.ts';

const common = { id: z.string().nullable() };
const resultSchema = z.object({
  results: z.array(
    z.discriminatedUnion('status', [
      z.object({ ...common, status: z.enum(['posted', 'duplicate']), redelivered: z.boolean().optional() }),
      z.object({ ...common, status: z.literal('quarantined'), code: z.string() }),
      z.object({
        ...common,
        status: z.literal('rejected'),
        code: z.string(),
        field: z.string(),
        value: z.string(),
        fix: z.string(),
      }),
    ]),
  ),
  /** The job had been in hand before, when the pipeline was interrupted. */
  redelivered: z.boolean().optional(),
});

/** What a job said of one of its events. */
export type ReportedStatus = z.infer<typeof resultSchema>['results'][number];

/** The way in for our own commands: jobs on the queue `ingest`, each answered with one status per event. */
export interface OpenIntake {
  /** Names this run: its rejected events are found by it. */
  readonly run: string;
  readonly submit: (data: unknown) => Promise<readonly ReportedStatus[]>;
  readonly close: () => Promise<void>;
}

export interface IntakeOptions {
  readonly config: Config;
  readonly ruleset: Ruleset;
  readonly onProblem: (what: string, error: unknown) => void;
  /** How long the pipeline may be away, which another process may run and end. */
  readonly patienceMs?: number;
}

/** Enough for any file: a job holds thousands of events. */
const JOB_DIGITS = 8;

const PATIENCE_MS = 30_000;
const AWAY_POLL_MS = 250;
/** How long what is gone may take to hang up. */
const HANG_UP_MS = 2_000;

/**
 * Opens the intake. Where nobody else runs the pipeline, this process runs it for as long as the intake is open; a
 * running `start` processes the jobs otherwise.
 */
export async function openIntake(options: IntakeOptions): Promise<OpenIntake> {
  const { config, ruleset, onProblem, patienceMs = PATIENCE_MS } = options;
  const engine = await patiently(patienceMs, onProblem, () =>
    openEngine(engineSettings(config), { mode: 'shared', onError: (error) => onProblem('engine', error) }),
  );
  const service = (await patiently(patienceMs, onProblem, () => isServed(engine)))
    ? undefined
    : await startService(engine, {
        ruleset: () => ruleset,
        lateWindowMs: config.lateWindowMs,
        movingSources: config.movingSources,
        batchEventsMax: config.batchEventsMax,
        gatherMs: config.gatherMs,
        concurrency: config.concurrency,
        owner: `ingest ${process.pid}`,
        now: () => Date.now(),
        onRetry: (what, _attempt, error) => onProblem(what, error),
      });
  const queue = engine.queues.openQueue(INGEST_QUEUE.name);
  const patience = new Patience({ countWriters: () => countLiveWriters(engine.pool), patienceMs });
  const run = `run_${randomBytes(8).toString('hex')}`;
  let jobs = 0;
  return {
    run,
    async submit(data) {
      // Numbered with leading zeros, so that the names of the jobs sort in the order of the file.
      const id = `${run}-${String(jobs++).padStart(JOB_DIGITS, '0')}`;
      // Added again under its id, a job is still one job.
      await patience.ask(() => queue.addJobs([{ id, data }]).then(() => true));
      const { results, redelivered } = resultSchema.parse(await patience.ask(() => queue.result(id)));
      if (redelivered !== true) return results;
      return results.map((status) => (status.status === 'duplicate' ? { ...status, redelivered } : status));
    },
    async close() {
      await patience.close();
      const closed = queue.close();
      // A server that is gone answers no farewell either.
      await (patience.isLost ? Promise.race([closed, sleep(HANG_UP_MS, undefined, { ref: false })]) : closed);
      await service?.close();
      await engine.close();
    },
  };
}

/** Asks again while the server is ending or coming back: whoever asks at such a moment has done nothing wrong. */
async function patiently<T>(
  patienceMs: number,
  onProblem: IntakeOptions['onProblem'],
  ask: () => Promise<T>,
): Promise<T> {
  for (const endsMs = performance.now() + patienceMs; ; ) {
    try {
      return await ask();
    } catch (error) {
      if (!isServerAway(error) || performance.now() >= endsMs) throw error;
      onProblem('engine', error);
      await sleep(AWAY_POLL_MS);
    }
  }
}

/**
 * Whether another process runs the pipeline already. On your own servers we help with the lanes that are free; beside
 * an embedded engine's pipeline there is nothing to help with.
 */
async function isServed(engine: Engine): Promise<boolean> {
  const { lanes } = await createQueries(engine.pool).health();
  const owned = lanes.filter(({ isOwned }) => isOwned).length;
  return engine.kind === 'embedded' ? owned > 0 : owned === lanes.length;
}
