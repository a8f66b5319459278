import { setTimeout as delay } from 'node:timers/promises';
import type { LaunchOptions, ServerExit, ServerProcess } from './server-process.ts';
import { launchServer } from './server-process.ts';

/** What the engine tells its host about a server that died on its own. */
export type EngineEvent =
  | { readonly kind: 'exited'; readonly exit: ServerExit; readonly restartInMs: number }
  | { readonly kind: 'restart_failed'; readonly error: unknown; readonly retryInMs: number }
  | { readonly kind: 'restarted'; readonly pid: number };

/** A server that is brought back when it dies, on the same port, until it is stopped. */
export interface SupervisedServer {
  readonly pid: number;
  stop(): Promise<void>;
}

/** How to launch the server, without what the supervisor itself decides. */
export type SupervisedLaunch = Omit<LaunchOptions, 'onSpawn' | 'signal'>;

const BACKOFF_MS_MIN = 100;
// It never gives up: a full disk that someone clears, or memory that comes free, should not need a restart of the host.
const BACKOFF_MS_MAX = 10_000;
const HEALTHY_AFTER_MS = 60_000;

/** Launches a server and keeps it running. `onPid` learns of every process that appears and of its end. */
export async function superviseServer(options: {
  readonly launch: SupervisedLaunch;
  readonly onPid: (pid: number | undefined) => void;
  readonly onEvent: (event: EngineEvent) => void;
}): Promise<SupervisedServer> {
  const { onPid, onEvent } = options;
  const stopping = new AbortController();
  const launch = () => launchServer({ ...options.launch, onSpawn: onPid, signal: stopping.signal });

  let current: ServerProcess | undefined = await launch();
  let pid = current.pid;
  let backoffMs = BACKOFF_MS_MIN;

  const keepRunning = async () => {
    while (current !== undefined) {
      const readyAt = performance.now();
      const exit = await current.exited;
      current = undefined;
      onPid(undefined);
      if (stopping.signal.aborted) return;
      if (performance.now() - readyAt > HEALTHY_AFTER_MS) backoffMs = BACKOFF_MS_MIN;
      onEvent({ kind: 'exited', exit, restartInMs: backoffMs });
      current = await relaunch();
    }
  };
  const relaunch = async (): Promise<ServerProcess | undefined> => {
    while (await pause(backoffMs, stopping.signal)) {
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
      try {
        const server = await launch();
        pid = server.pid;
        onEvent({ kind: 'restarted', pid });
        if (!stopping.signal.aborted) return server;
        // Stopped by the very callback, when `stop` could not see this server yet.
        await server.stop();
        return undefined;
      } catch (error) {
        onPid(undefined);
        if (stopping.signal.aborted) return undefined;
        onEvent({ kind: 'restart_failed', error, retryInMs: backoffMs });
      }
    }
    return undefined;
  };

  const finished = keepRunning();
  return {
    get pid() {
      return pid;
    },
    async stop() {
      stopping.abort();
      await current?.stop();
      await finished;
    },
  };
}

/** Waits, and says whether the wait ended by itself. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, undefined, { signal }).then(
    () => true,
    () => false,
  );
}
