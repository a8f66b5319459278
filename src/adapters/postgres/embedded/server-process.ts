import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { EngineBinaries } from './engine-binaries.ts';
import { failureFromOutput } from './engine-failure.ts';
import { type RunUser, spawnFailure, spawnRights } from './run-user.ts';
import { type ServerSettings, serverArguments } from './server-settings.ts';

/** How a server process ended. */
export interface ServerExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server that accepts connections. */
export interface ServerProcess {
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  /** Fast shutdown: ends sessions, writes a checkpoint, exits. Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** Everything needed to launch a server on an initialised cluster. */
export interface LaunchOptions extends ServerSettings {
  readonly binaries: EngineBinaries;
  readonly pgdata: string;
  readonly user: RunUser | undefined;
  readonly log: (line: string) => void;
  /** Told the pid as soon as the process exists, long before it is ready. */
  readonly onSpawn: (pid: number) => void;
  /** Gives the launch up. */
  readonly signal: AbortSignal;
}

const READY_SENTENCE = 'database system is ready to accept connections';
const LINES_KEPT = 50;
// A fast shutdown only waits for its checkpoint. After this long the disk is not keeping up, and the immediate shutdown
// that follows costs no data either, only a recovery at the next start.
const FAST_SHUTDOWN_MS = 60_000;

/** Starts `postgres` and resolves when it accepts connections; recovery after a crash may make that take minutes. */
export async function launchServer(options: LaunchOptions): Promise<ServerProcess> {
  const { binaries, pgdata, user, log, signal } = options;
  // In a process group of its own: a Ctrl-C in the terminal is for Node, which stops the server when its work is done.
  const child = spawn(binaries.postgres, ['-D', pgdata, ...serverArguments(options)], {
    ...spawnRights(user),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('close', (exitCode, exitSignal) => resolve({ exitCode, signal: exitSignal }));
  });
  const lastLines: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(spawnFailure({ command: binaries.postgres, user, cause })));
    createInterface({ input: child.stderr }).on('line', (line) => {
      log(line);
      lastLines.push(line);
      if (lastLines.length > LINES_KEPT) lastLines.shift();
      if (line.includes(READY_SENTENCE)) resolve();
    });
    void exited.then(() => reject(failureFromOutput('Starting PostgreSQL', lastLines.join('\n'))));
  });
  if (child.pid !== undefined) options.onSpawn(child.pid);
  const giveUp = () => void child.kill('SIGINT');
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    await ready;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  return { pid: child.pid ?? 0, exited, stop: () => stopServer(child, exited) };
}

async function stopServer(child: ChildProcess, exited: Promise<ServerExit>): Promise<void> {
  child.kill('SIGINT');
  const impatience = setTimeout(() => child.kill('SIGQUIT'), FAST_SHUTDOWN_MS);
  await exited;
  clearTimeout(impatience);
}
