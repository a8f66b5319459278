import type pg from 'pg';
import { openEngine as openEmbedded } from '../adapters/postgres/embedded/open-engine.ts';
import { startThrowawayPostgres } from '../adapters/postgres/embedded/throwaway-postgres.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import { createPool } from '../adapters/postgres/pool.ts';
import { createBullmqEngine } from '../adapters/queue/bullmq-engine.ts';
import { requireRedis } from '../adapters/queue/redis-health.ts';
import { openTelemetry } from '../adapters/queue/telemetry.ts';
import { AppError } from '../errors.ts';
import type { QueueEngine } from '../pipeline/ingest/queue-port.ts';
import { QUEUE_SCHEMA } from '../queues.ts';

/** Where PostgreSQL and the queues are; everything the composition root needs to know about the machine. */
export interface EngineSettings {
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly queuePrefix: string;
  readonly dataDir: string;
  readonly port: number | undefined;
  readonly lanes: number;
  /** How long a job belongs to a worker that has stopped renewing it. */
  readonly jobLockMs: number;
}

export interface EngineOptions {
  /** `throwaway` starts an embedded engine in a temporary directory that is removed on close. */
  readonly mode: 'shared' | 'exclusive' | 'throwaway';
  readonly onError: (error: Error) => void;
  readonly onServerLog?: (line: string) => void;
  readonly poolMax?: number;
  /** A throwaway engine skips fsync unless this is set. */
  readonly durable?: boolean;
}

/** PostgreSQL and the queues, opened and migrated. */
export interface Engine {
  readonly kind: 'embedded' | 'external';
  readonly status: 'started' | 'attached';
  readonly connectionString: string;
  readonly pool: pg.Pool;
  readonly queues: QueueEngine;
  readonly close: () => Promise<void>;
  /** Stops a server of ours without waiting for connections to end. */
  readonly abandon: () => Promise<void>;
}

/** Opens PostgreSQL (embedded, or DATABASE_URL) and the queues (the same database, or REDIS_URL), and migrates. */
export async function openEngine(settings: EngineSettings, options: EngineOptions): Promise<Engine> {
  // Before anything is started: without its queues a service would look well and do nothing.
  if (settings.redisUrl !== undefined) await requireRedis(settings.redisUrl);
  const server = await openServer(settings, options);
  let closing = false;
  // Connections that the server drops while we are stopping it are no news.
  const onError = (error: Error) => {
    if (!closing) options.onError(error);
  };
  const pool = createPool(server.connectionString, { name: 'pool', max: options.poolMax ?? 10, onError });
  try {
    await migrate(pool, { lanes: settings.lanes });
  } catch (error) {
    await pool.end();
    await server.close();
    if (error instanceof AppError || server.kind === 'embedded') throw error;
    throw new AppError('DATABASE_UNREACHABLE', 'PostgreSQL at DATABASE_URL cannot be used', { cause: error });
  }
  const { redisUrl, queuePrefix } = settings;
  const queues = createBullmqEngine(
    redisUrl !== undefined
      ? { kind: 'redis', url: redisUrl, prefix: queuePrefix }
      : { kind: 'postgres', connectionString: server.connectionString, schema: QUEUE_SCHEMA },
    settings.jobLockMs,
    onError,
    await openTelemetry(),
  );
  return {
    kind: server.kind,
    status: server.status,
    connectionString: server.connectionString,
    pool,
    queues,
    async close() {
      closing = true;
      await pool.end();
      await server.close();
    },
    async abandon() {
      closing = true;
      await server.close();
    },
  };
}

export interface Server {
  readonly kind: Engine['kind'];
  readonly status: Engine['status'];
  readonly connectionString: string;
  readonly close: () => Promise<void>;
}

export async function openServer(settings: EngineSettings, options: EngineOptions): Promise<Server> {
  const log = options.onServerLog === undefined ? {} : { log: options.onServerLog };
  if (options.mode === 'throwaway') {
    const engine = await startThrowawayPostgres({ ...log, durable: options.durable ?? false });
    return {
      kind: 'embedded',
      status: 'started',
      connectionString: engine.connectionString,
      close: () => engine.stop(),
    };
  }
  if (settings.databaseUrl !== undefined) {
    return {
      kind: 'external',
      status: 'attached',
      connectionString: settings.databaseUrl,
      close: async () => undefined,
    };
  }
  const engine = await openEmbedded({
    dir: settings.dataDir,
    exclusive: options.mode === 'exclusive',
    ...(settings.port === undefined ? {} : { port: settings.port }),
    ...log,
  });
  return {
    kind: 'embedded',
    status: engine.status,
    connectionString: engine.connectionString,
    close: () => engine.release(),
  };
}
