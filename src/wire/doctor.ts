import { existsSync } from 'node:fs';
import { freeDiskBytes } from '../adapters/disk-space.ts';
import { createQueries } from '../adapters/postgres/queries/queries.ts';
import { createBullmqEngine } from '../adapters/queue/bullmq-engine.ts';
import { readRedisHealth } from '../adapters/queue/redis-health.ts';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { type Finding, fail, ok, warn } from '../pipeline/doctor/finding.ts';
import { judgeDatabase } from '../pipeline/doctor/judge-database.ts';
import { judgeDisk } from '../pipeline/doctor/judge-disk.ts';
import { judgeQueue } from '../pipeline/doctor/judge-queue.ts';
import { judgeRedis } from '../pipeline/doctor/judge-redis.ts';
import { INGEST_QUEUE, QUEUE_SCHEMA, USAGE_QUEUE, WALLET_STATUS_QUEUE } from '../queues.ts';
import { openPool } from './books.ts';
import { engineSettings } from './engine-settings.ts';
import { packageVersions } from './package-versions.ts';
import { readRules } from './rules.ts';

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
    ok('config', `${config.lanes} lanes, late window ${config.lateWindowMs / 86_400_000} days`),
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
  if (result.ok) {
    const { hash, rules } = result.ruleset;
    const found = ok('rules', `ruleset ${hash.slice(0, 12)} with ${rules.length} rules in ${directory}`);
    if (result.warnings.length === 0) return [found];
    return [found, warn('rules', `${result.warnings.length} warnings`, 'Run `tollkeeper rules check`.')];
  }
  const message = `${directory} does not load: ${result.errors.length} errors`;
  return [fail('rules', message, 'Run `tollkeeper rules check` and correct the listed places.')];
}

async function lookAtDisk(config: Config): Promise<readonly Finding[]> {
  return [judgeDisk({ directory: config.dataDir, freeBytes: await freeDiskBytes(config.dataDir) })];
}

async function lookAtRedis(config: Config): Promise<readonly Finding[]> {
  const url = config.redisUrl?.reveal();
  return url === undefined ? [] : judgeRedis(await readRedisHealth(url));
}

async function lookAtDatabase(config: Config, nowMs: () => number, hasQueues: boolean): Promise<readonly Finding[]> {
  // Looking must not lay out a new cluster: an embedded engine that was never started is simply not there yet.
  if (config.databaseUrl === undefined && !existsSync(config.dataDir)) {
    return [ok('database', `embedded PostgreSQL: not created yet, the first command that needs it does that`)];
  }
  const { pool, server, close } = await openPool(config, () => undefined);
  try {
    const health = await createQueries(pool).health();
    const how =
      server.kind === 'embedded'
        ? `embedded engine ${server.status === 'attached' ? 'runs' : 'can be started'}`
        : 'reachable';
    const findings = [ok('database', how), ...judgeDatabase(health, nowMs())];
    if (health.migrationsPending.length > 0 || !hasQueues) return findings;
    return [...findings, ...(await attempt('queues', () => lookAtQueues(config, server.connectionString)))];
  } finally {
    await close();
  }
}

async function lookAtQueues(config: Config, connectionString: string): Promise<readonly Finding[]> {
  const settings = engineSettings(config);
  const engine = createBullmqEngine(
    settings.redisUrl === undefined
      ? { kind: 'postgres', connectionString, schema: QUEUE_SCHEMA }
      : { kind: 'redis', url: settings.redisUrl, prefix: settings.queuePrefix },
    settings.jobLockMs,
    () => undefined,
  );
  const findings: Finding[] = [];
  for (const { name } of [USAGE_QUEUE, INGEST_QUEUE, WALLET_STATUS_QUEUE]) {
    const queue = engine.openQueue(name);
    try {
      findings.push(judgeQueue(name, await queue.counts()));
    } finally {
      await queue.close();
    }
  }
  return findings;
}
