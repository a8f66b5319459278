import { readRuleFiles } from '../../src/adapters/rule-files.ts';
import { loadRuleset, type Ruleset } from '../../src/domain/rules/ruleset.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import type { BatchRecord } from '../../src/pipeline/lane/batch-record.ts';
import { type Engine, openEngine } from '../../src/wire/engine.ts';
import { type Service, startService } from '../../src/wire/service.ts';
import { TEST_LANES } from './admin-database.ts';

/** The late window every test runs with. */
export const TEST_LATE_WINDOW_MS = 35 * DAY_MS;

/** The rules as shipped. */
export async function shippedRuleset(): Promise<Ruleset> {
  const loaded = loadRuleset(await readRuleFiles());
  if (!loaded.ok) throw new Error('the shipped rules do not load');
  return loaded.ruleset;
}

export interface TestService {
  readonly engine: Engine;
  readonly service: Service;
  readonly retries: string[];
  readonly close: () => Promise<void>;
}

/** The real pipeline in this process, on a test database and Redis (or, without a Redis, on PostgreSQL queues). */
export async function runService(options: {
  readonly databaseUrl: string;
  readonly redisUrl?: string;
  readonly prefix?: string;
  readonly lanes?: readonly number[];
  readonly batchEventsMax?: number;
  readonly now?: () => number;
  readonly jobLockMs?: number;
  readonly sweeps?: boolean;
  /** The shipped rules when left out. */
  readonly ruleset?: Ruleset;
  readonly onCommit?: (batch: BatchRecord) => void;
}): Promise<TestService> {
  const retries: string[] = [];
  const engine = await openEngine(
    {
      databaseUrl: options.databaseUrl,
      redisUrl: options.redisUrl,
      queuePrefix: options.prefix ?? 'bull',
      dataDir: '.tollkeeper',
      port: undefined,
      lanes: TEST_LANES,
      jobLockMs: options.jobLockMs ?? 5_000,
    },
    { mode: 'shared', onError: (error) => retries.push(error.message) },
  );
  const ruleset = options.ruleset ?? (await shippedRuleset());
  const service = await startService(engine, {
    ruleset: () => ruleset,
    lateWindowMs: TEST_LATE_WINDOW_MS,
    batchEventsMax: options.batchEventsMax ?? 500,
    gatherMs: 2,
    concurrency: 16,
    owner: 'test',
    now: options.now ?? Date.now,
    onRetry: (what, attempt, error) => retries.push(`${what} ${attempt} ${String(error)}`),
    ...(options.sweeps === undefined ? {} : { sweepsThaws: options.sweeps }),
    ...(options.lanes === undefined ? {} : { lanes: options.lanes }),
    ...(options.onCommit === undefined ? {} : { onCommit: options.onCommit }),
  });
  return {
    engine,
    service,
    retries,
    async close() {
      await service.close();
      await engine.close();
    },
  };
}

/** Waits until a condition holds; the message says what was waited for. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
