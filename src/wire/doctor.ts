import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { freeDiskBytes, isWritableDirectory } from '../adapters/disk-space.ts';
import { clusterExists } from '../adapters/postgres/embedded/cluster.ts';
import { createQueries } from '../adapters/postgres/queries/queries.ts';
import { readReplayCheck } from '../adapters/postgres/replay-check.ts';
import { createBullmqEngine, type QueueConnection } from '../adapters/queue/bullmq-engine.ts';
import { readRedisHealth } from '../adapters/queue/redis-health.ts';
import type { Config } from '../config.ts';
import { refusedWords, shortHash } from '../domain/rules/rules-words.ts';
import type { LoadResult } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import { type Finding, fail, ok, warn } from '../pipeline/doctor/finding.ts';
import { judgeDatabase } from '../pipeline/doctor/judge-database.ts';
import { judgeDisk } from '../pipeline/doctor/judge-disk.ts';
import { judgeLaneCount, judgeLanes, judgeNoWriter } from '../pipeline/doctor/judge-lanes.ts';
import { judgeQueue } from '../pipeline/doctor/judge-queue.ts';
import { judgeRedis } from '../pipeline/doctor/judge-redis.ts';
import { judgeReplay } from '../pipeline/doctor/judge-replay.ts';
import type { QueueCounts } from '../pipeline/ingest/queue-port.ts';
import type { LaneHealth } from '../pipeline/queries/database-health.ts';
import {
  HOLDS_QUEUE,
  INGEST_QUEUE,
  laneQueue,
  QUEUE_SCHEMA,
  type QueueDefinition,
  USAGE_QUEUE,
  WALLET_STATUS_QUEUE,
} from '../queues.ts';
import { openPool } from './books.ts';
import type { Server } from './engine.ts';
import { engineSettings } from './engine-settings.ts';
import { packageVersions } from './package-versions.ts';
import { readRules } from './rules.ts';
import { type RunningRules, readRunningRules, runningWords } from './rules-state.ts';

/** Looks everything over. What cannot be looked at is a finding too, never the end of the look. */
export async function diagnose(config: Config, nowMs: () => number): Promise<readonly Finding[]> {
  const redis = config.redisUrl === undefined ? undefined : await attempt('redis', () => lookAtRedis(config));
  // BullMQ waits for a Redis that is away for as long as it takes, which is right for a worker and wrong here.
  const hasQueues = redis?.every(({ area, status }) => !(area === 'redis' && status === 'fail')) ?? true;
  return [
    ...describeConfig(config),
    ...describeVersions(),
    ...(await attempt('rules', () => lookAtRules(config))),
    ...(await attempt('disk', () => lookAtDisk(config))),
    ...(redis ?? []),
    ...(await attempt('database', () => lookAtDatabase(config, nowMs, hasQueues))),
  ];
}

async function attempt(area: Finding['area'], look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    return [fail(area, `${error.message}${cause}`, error.fix)];
  }
}

function describeConfig(config: Config): readonly Finding[] {
  const { port, rulesDir } = config;
  const embedded = `embedded${port === undefined ? '' : ` on port ${port}`}, data in ${config.dataDir}`;
  return [
    ok('config', `PostgreSQL: ${config.databaseUrl === undefined ? embedded : hostOf(config.databaseUrl.reveal())}`),
    ok('config', `queues: ${config.redisUrl === undefined ? 'in PostgreSQL' : hostOf(config.redisUrl.reveal())}`),
    ok('config', `rules: ${rulesDir ?? 'the packaged ones'}`),
    ok('config', `${config.lanes} lanes for a new database, late window ${config.lateWindowMs / 86_400_000} days`),
  ];
}

/** Where an address points, without who goes there and how they prove it. */
function hostOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function describeVersions(): readonly Finding[] {
  const { tollkeeper, bullmq } = packageVersions();
  return [ok('versions', `Tollkeeper ${tollkeeper}, Node ${process.versions.node}, BullMQ ${bullmq}`)];
}

async function lookAtRules(config: Config): Promise<readonly Finding[]> {
  const { directory, result } = await readRules(config.rulesDir);
  const running = await readRunningRules(config.dataDir);
  return [...describeRules(directory, result), ...(running === undefined ? [] : [judgeRunningRules(running, result)])];
}

function describeRules(directory: string, result: LoadResult): readonly Finding[] {
  if (result.ok) {
    const { hash, rules } = result.ruleset;
    const found = ok('rules', `ruleset ${hash.slice(0, 12)} with ${rules.length} rules in ${directory}`);
    if (result.warnings.length === 0) return [found];
    return [found, warn('rules', `${result.warnings.length} warnings`, 'Run `tollkeeper rules check`.')];
  }
  const message = `${directory} does not load: ${result.errors.length} errors`;
  return [fail('rules', message, 'Run `tollkeeper rules check` and correct the listed places.')];
}

/** Whether the running service has in force what lies on disk. */
function judgeRunningRules(running: RunningRules, result: LoadResult): Finding {
  const refused = refusedWords(running);
  if (refused !== undefined)
    return fail('rules', refused, 'Run `tollkeeper rules check` and correct the listed places.');
  if (result.ok && result.ruleset.hash !== running.hash) {
    const message = `running ${runningWords(running)}; on disk ${shortHash(result.ruleset.hash)} is not in force yet`;
    return warn('rules', message, 'Look again in a few seconds; if it stays, restart `tollkeeper start`.');
  }
  return ok('rules', `running ${runningWords(running)}`);
}

async function lookAtDisk(config: Config): Promise<readonly Finding[]> {
  const directory = config.dataDir;
  const freeBytes = await freeDiskBytes(directory);
  // With a server of your own nothing has to be kept here, and containers are often read-only.
  const isWritable = config.databaseUrl !== undefined || (await isWritableDirectory(directory));
  return [judgeDisk({ directory, freeBytes, isWritable })];
}

async function lookAtRedis(config: Config): Promise<readonly Finding[]> {
  const url = config.redisUrl?.reveal();
  return url === undefined ? [] : judgeRedis(await readRedisHealth(url));
}

async function lookAtDatabase(config: Config, nowMs: () => number, hasQueues: boolean): Promise<readonly Finding[]> {
  // Looking must not lay out a new cluster: an embedded engine that was never started is simply not there yet.
  if (config.databaseUrl === undefined && !(await clusterExists(config.dataDir))) {
    const absent = ok('database', 'no engine yet: `tollkeeper start` creates it');
    return [absent, ...(await lookAtQueuesWithoutEngine(config, hasQueues))];
  }
  const { pool, server, close } = await openPool(config, () => undefined);
  try {
    const health = await createQueries(pool).health();
    const how =
      server.kind === 'embedded'
        ? `embedded engine ${server.status === 'attached' ? 'runs' : 'can be started'}`
        : 'reachable';
    const findings = [ok('database', how), ...judgeDatabase(health, nowMs())];
    if (health.migrationsPending.length + health.migrationsNewer.length > 0) return findings;
    const settled = await settledLanes(health.lanes, {
      mayBeTaken: server.kind !== 'embedded' || server.status === 'attached',
      read: async () => (await createQueries(pool).health()).lanes,
    });
    const lanes = settled.map(({ lane }) => lane);
    const queues = hasQueues ? await attemptQueues(config, { pool, server, lanes }) : UNSEEN;
    return [
      ...findings,
      ...judgeLaneCount(lanes.length, config.lanes),
      ...judgeLanes(settled, queues.jobsWaiting),
      ...judgeReplay(await readReplayCheck(pool), nowMs()),
      ...queues.findings,
    ];
  } finally {
    await close();
  }
}

/** A process that has just started takes its lanes one after the other, and looks for orphaned ones every two seconds. */
const TAKING_MS = 2_500;
const TAKING_POLL_MS = 250;

/** The lanes as they are when whoever starts right now has taken them, or could have. */
async function settledLanes(
  first: readonly LaneHealth[],
  { mayBeTaken, read }: { readonly mayBeTaken: boolean; readonly read: () => Promise<readonly LaneHealth[]> },
): Promise<readonly LaneHealth[]> {
  let lanes = first;
  for (const endsMs = performance.now() + TAKING_MS; mayBeTaken && performance.now() < endsMs; lanes = await read()) {
    if (lanes.every(({ isOwned }) => isOwned)) break;
    await sleep(TAKING_POLL_MS);
  }
  return lanes;
}

/** What waits in the queues, and how many jobs on their way to a lane nobody has finished (null: unknown). */
interface SeenQueues {
  readonly findings: readonly Finding[];
  readonly jobsWaiting: number | null;
}

const UNSEEN: SeenQueues = { findings: [], jobsWaiting: null };

/** Jobs may wait in Redis before Tollkeeper has ever been started. */
async function lookAtQueuesWithoutEngine(config: Config, hasQueues: boolean): Promise<readonly Finding[]> {
  const url = config.redisUrl?.reveal();
  if (url === undefined || !hasQueues) return [];
  const redis = { kind: 'redis', url, prefix: config.queuePrefix } as const;
  const { findings, jobsWaiting } = await seenOrFailed(() => lookAtQueues(config, redis, []));
  return [...(jobsWaiting === 0 ? [] : [judgeNoWriter(jobsWaiting)]), ...findings];
}

async function attemptQueues(
  config: Config,
  place: { readonly pool: pg.Pool; readonly server: Server; readonly lanes: readonly number[] },
): Promise<SeenQueues> {
  const url = config.redisUrl?.reveal();
  // Only processes that share a database hand events over to each other's lanes.
  const lanes = place.server.kind === 'embedded' ? [] : place.lanes;
  if (url !== undefined) {
    return seenOrFailed(() => lookAtQueues(config, { kind: 'redis', url, prefix: config.queuePrefix }, lanes));
  }
  // Opening a queue would make the schema, and doctor makes nothing.
  const { rowCount } = await place.pool.query('select from pg_namespace where nspname = $1', [QUEUE_SCHEMA]);
  if (rowCount === 0) {
    const absent = ok('queues', 'no queues yet: the first `tollkeeper start` or `tollkeeper ingest` creates them');
    return { findings: [absent], jobsWaiting: 0 };
  }
  const { connectionString } = place.server;
  return seenOrFailed(() => lookAtQueues(config, { kind: 'postgres', connectionString, schema: QUEUE_SCHEMA }, lanes));
}

async function seenOrFailed(look: () => Promise<SeenQueues>): Promise<SeenQueues> {
  let seen = UNSEEN;
  const failures = await attempt('queues', async () => {
    seen = await look();
    return [];
  });
  return { ...seen, findings: [...seen.findings, ...failures] };
}

async function lookAtQueues(
  config: Config,
  connection: QueueConnection,
  lanes: readonly number[],
): Promise<SeenQueues> {
  const engine = createBullmqEngine(connection, engineSettings(config).jobLockMs, () => undefined);
  const findings: Finding[] = [];
  let jobsWaiting = 0;
  const look = async ({ name }: QueueDefinition) => {
    const queue = engine.openQueue(name);
    try {
      return await queue.counts();
    } finally {
      await queue.close();
    }
  };
  for (const definition of [USAGE_QUEUE, INGEST_QUEUE, HOLDS_QUEUE, WALLET_STATUS_QUEUE]) {
    const counts = await look(definition);
    findings.push(judgeQueue(definition.name, counts));
    if (definition !== WALLET_STATUS_QUEUE) jobsWaiting += unfinished(counts);
  }
  for (const lane of lanes) {
    const definition = laneQueue(lane);
    const counts = await look(definition);
    // Mostly empty, and there can be many of them: only what is on its way is worth a line.
    if (unfinished(counts) > 0 || counts.failed > 0) findings.push(judgeQueue(definition.name, counts));
    jobsWaiting += unfinished(counts);
  }
  return { findings, jobsWaiting };
}

function unfinished({ waiting, active, delayed }: QueueCounts): number {
  return waiting + active + delayed;
}
