import type { Config } from '../config.ts';
import type { EngineSettings } from './engine.ts';

/** Where the configuration says PostgreSQL and the queues are. */
export function engineSettings(config: Config): EngineSettings {
  return {
    databaseUrl: config.databaseUrl?.reveal(),
    redisUrl: config.redisUrl?.reveal(),
    queuePrefix: config.queuePrefix,
    dataDir: config.dataDir,
    port: config.port,
    lanes: config.lanes,
    jobLockMs: config.jobLockMs,
  };
}
