import type { Config } from '../config.ts';
import type { EngineSettings } from './engine.ts';

/** How long a job belongs to a worker that has stopped renewing it. */
const JOB_LOCK_MS = 60_000;

/** Where the configuration says PostgreSQL and the queues are. */
export function engineSettings(config: Config): EngineSettings {
  return {
    databaseUrl: config.databaseUrl?.reveal(),
    redisUrl: config.redisUrl?.reveal(),
    queuePrefix: config.queuePrefix,
    dataDir: config.dataDir,
    port: config.port,
    lanes: config.lanes,
    jobLockMs: JOB_LOCK_MS,
  };
}
