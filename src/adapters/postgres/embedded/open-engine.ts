import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../errors.ts';
import { type EmbeddedPostgresOptions, startLockedPostgres } from './embedded-postgres.ts';
import { answers } from './engine-database.ts';
import { type EngineRecord, lockEngine, readEngineHolder } from './engine-lock.ts';

/** An engine that is running, whoever runs it. */
export interface OpenEngine {
  readonly status: 'started' | 'attached';
  readonly connectionString: string;
  readonly port: number;
  /** Stops the engine if this call started it; leaves another process's engine alone. */
  release(): Promise<void>;
}

const ANSWER_WAIT_MS = 60_000;
const POLL_MS = 50;

/**
 * Opens the engine of a data directory: attaches to the one that another process runs, or starts it. With `exclusive` a
 * running engine is refused instead, for commands such as `start` and `restore` that must be the one to run it.
 */
export async function openEngine(
  options: Omit<EmbeddedPostgresOptions, 'dataDir' | 'throwawayDir'> & {
    readonly dir: string;
    readonly exclusive?: boolean;
  },
): Promise<OpenEngine> {
  const { dir, exclusive = false, ...engineOptions } = options;
  for (let waitedMs = 0; waitedMs < ANSWER_WAIT_MS; waitedMs += POLL_MS) {
    const result = await lockEngine(dir);
    if (result.status === 'locked') {
      const engine = await startLockedPostgres({ ...engineOptions, dataDir: dir }, result.lock);
      return { status: 'started', connectionString: engine.connectionString, port: engine.port, release: engine.stop };
    }
    if (exclusive)
      throw new AppError('ENGINE_LOCKED', `Process ${result.holder.pid} already runs the engine of ${dir}.`);
    const attached = await attach(result.holder);
    if (attached !== undefined) return attached;
    // It is still starting, is restarting its server, or is on its way out: then the lock is ours at a later turn.
    await delay(POLL_MS);
  }
  const pid = (await readEngineHolder(dir))?.pid;
  throw new AppError(
    'ENGINE_UNAVAILABLE',
    `Process ${pid} runs the engine of ${dir}, but its database does not answer.`,
    {
      fix: `Stop process ${pid}; the next command starts the engine again.`,
    },
  );
}

async function attach(holder: EngineRecord): Promise<OpenEngine | undefined> {
  const { engine } = holder;
  if (engine === undefined || !(await answers(engine.connectionString))) return undefined;
  return {
    status: 'attached',
    connectionString: engine.connectionString,
    port: engine.port,
    release: () => Promise.resolve(),
  };
}
