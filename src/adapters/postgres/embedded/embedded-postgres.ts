import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../../errors.ts';
import { prepareCluster } from './cluster.ts';
import { prepareBinaries } from './engine-binaries.ts';
import { ensureDatabase } from './engine-database.ts';
import { findEngineHome } from './engine-home.ts';
import { type EngineLock, lockEngine } from './engine-lock.ts';
import { freePort } from './free-port.ts';
import { readLastPort, writeLastPort } from './last-port.ts';
import { findPlatformPackage } from './platform-package.ts';
import { pidFileIn, stopOrphan } from './postmaster.ts';
import { type EngineEvent, type SupervisedLaunch, type SupervisedServer, superviseServer } from './supervisor.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

/** What an embedded engine can be told. */
export interface EmbeddedPostgresOptions {
  /** The directory for local data (`.tollkeeper`); the cluster lies below it. Created when missing. */
  readonly dataDir: string;
  /** Default: the port of the last start while it is free, else any free one. */
  readonly port?: number;
  /** Receives the server's log, line by line. */
  readonly log?: (line: string) => void;
  /** Default true. False trades crash safety for speed, for data that is thrown away. */
  readonly durable?: boolean;
  /** Told when the server died on its own and when it is back; it is restarted either way. */
  readonly onEvent?: (event: EngineEvent) => void;
  /** Removed when the engine stops, and by the watchdog should we be killed; `startThrowawayPostgres` sets it. */
  readonly throwawayDir?: string;
}

/** A PostgreSQL server that this process runs. */
export interface EmbeddedPostgres {
  /** Superuser on the database `tollkeeper`; holds the password. */
  readonly connectionString: string;
  readonly port: number;
  /** The server's process id; another one after it was restarted. */
  readonly pid: number;
  /** The directory that holds the cluster, which is elsewhere when the run user cannot enter the one asked for. */
  readonly dataDir: string;
  readonly serverVersion: string;
  /** Fast shutdown; then the lock is free. Safe to call twice. */
  stop(): Promise<void>;
}

const PORT_TRIES_MAX = 5;

/** Starts the PostgreSQL that npm installed, initialising its data at the first start. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const result = await lockEngine(options.dataDir);
  if (result.status === 'locked') return startLockedPostgres(options, result.lock);
  throw new AppError('ENGINE_LOCKED', `Process ${result.holder.pid} already runs the engine of ${options.dataDir}.`);
}

/** As `startEmbeddedPostgres`, by a caller that holds the lock already. The lock is released when this fails. */
export async function startLockedPostgres(
  options: EmbeddedPostgresOptions,
  lock: EngineLock,
): Promise<EmbeddedPostgres> {
  try {
    return await start(options, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function start(options: EmbeddedPostgresOptions, lock: EngineLock): Promise<EmbeddedPostgres> {
  const { durable = true, log = () => undefined } = options;
  const platformPackage = await findPlatformPackage();
  const home = await findEngineHome(resolve(options.dataDir));
  if (home.relocated) log(`the PostgreSQL user cannot enter ${options.dataDir}; its data is in ${home.directory}`);
  const binaries = await prepareBinaries(platformPackage, home.user);
  const { serverMajor } = platformPackage;
  const { pgdata, password } = await prepareCluster({ home, binaries, serverMajor, durable });
  await stopOrphan(pgdata, log);

  const watchdog = startWatchdog({ user: home.user, pidFile: pidFileIn(pgdata), throwawayDir: options.throwawayDir });
  try {
    const launch = { binaries, pgdata, user: home.user, durable, log };
    const { server, port } = await superviseOnPort({ options, launch, watchdog });
    try {
      const { connectionString, serverVersion } = await ensureDatabase({ port, password });
      await writeLastPort(options.dataDir, port);
      await lock.publish({ port, postgresPid: server.pid, connectionString });
      const stop = once(async () => {
        await server.stop();
        watchdog.dismiss();
        await lock.release();
        if (options.throwawayDir !== undefined) await rm(options.throwawayDir, { recursive: true, force: true });
      });
      return {
        connectionString,
        port,
        get pid() {
          return server.pid;
        },
        dataDir: home.directory,
        serverVersion,
        stop,
      };
    } catch (error) {
      await server.stop();
      throw error;
    }
  } catch (error) {
    watchdog.dismiss();
    throw error;
  }
}

/**
 * Starts on the port asked for, or on that of the last start, which clients know, or on any free one. Between finding and
 * taking a free port another program can get it.
 */
async function superviseOnPort(request: {
  readonly options: EmbeddedPostgresOptions;
  readonly launch: Omit<SupervisedLaunch, 'port'>;
  readonly watchdog: Watchdog;
}): Promise<{ readonly server: SupervisedServer; readonly port: number }> {
  const { options, launch, watchdog } = request;
  const onEvent = options.onEvent ?? (() => undefined);
  const lastPort = await readLastPort(options.dataDir);
  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await freePort(tries === 1 ? lastPort : undefined));
    try {
      const server = await superviseServer({ launch: { ...launch, port }, onPid: watchdog.guard, onEvent });
      return { server, port };
    } catch (error) {
      watchdog.guard(undefined);
      const taken = error instanceof AppError && error.code === 'ENGINE_PORT_IN_USE';
      if (!taken) throw error;
      if (options.port !== undefined) {
        throw new AppError('ENGINE_PORT_IN_USE', `Port ${port} on 127.0.0.1 is taken by another program.`, {
          cause: error,
        });
      }
      if (tries === PORT_TRIES_MAX) throw error;
    }
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= action();
    return running;
  };
}
