import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../errors.ts';
import { errnoOf, failureFromErrno } from './engine-failure.ts';
import { commandLine, processStart } from './process-identity.ts';

const POLL_MS = 25;
const REAPED_MS_MAX = 10_000;
const FAST_SHUTDOWN_MS = 30_000;
const IMMEDIATE_SHUTDOWN_MS = 10_000;

/**
 * Makes sure that no server runs on `pgdata`. Called by the holder of the engine's lock, so a server found here belongs
 * to nobody: its Tollkeeper was killed. It is stopped and not adopted, because the new server must be our own child to be
 * watched, must log to us, and must have this version's settings.
 */
export async function stopOrphan(pgdata: string, log: (line: string) => void): Promise<void> {
  const pidFile = pidFileIn(pgdata);
  const pid = await pidIn(pidFile);
  // A pid file whose process is gone (power cut, kill -9) is PostgreSQL's own business: it also looks for left-over
  // backends that still hold the shared memory, which we could not see.
  if (pid === undefined) return;
  if ((await processStart(pid)) === undefined) {
    await waitUntilReaped(pid, pidFile);
    return;
  }

  if (!(await isPostmasterOf(pid, pgdata))) {
    // After a reboot any program can have the old pid, and PostgreSQL would refuse to start because of it.
    await rm(pidFile, { force: true });
    return;
  }
  log(`stopping the PostgreSQL server (pid ${pid}) that an earlier Tollkeeper left behind`);
  await stopProcess(pid);
}

/**
 * Dead, but not yet collected by its parent, a process still has its pid, and PostgreSQL would take it for alive. Where no
 * parent ever collects it, the file goes: long before that the server's own processes have noticed its death and ended.
 */
async function waitUntilReaped(pid: number, pidFile: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < REAPED_MS_MAX; waitedMs += POLL_MS) {
    if (!hasPid(pid)) return;
    await delay(POLL_MS);
  }
  await rm(pidFile, { force: true });
}

function hasPid(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

/** The file that a running server keeps in its data directory. */
export function pidFileIn(pgdata: string): string {
  return join(pgdata, 'postmaster.pid');
}

/** Stops a server we are not the parent of: fast shutdown first, immediate shutdown when that takes too long. */
async function stopProcess(pid: number): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', FAST_SHUTDOWN_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_MS],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errnoOf(error) === 'ESRCH') return;
      throw failureFromErrno(`Stopping the PostgreSQL server with pid ${pid}`, error);
    }
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += POLL_MS) {
      if ((await processStart(pid)) === undefined) return;
      await delay(POLL_MS);
    }
  }
  throw new AppError('ENGINE_LOCKED', `A PostgreSQL server (pid ${pid}) already runs on this data and does not stop.`);
}

async function pidIn(pidFile: string): Promise<number | undefined> {
  const text = await readFile(pidFile, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw failureFromErrno(`Reading ${pidFile}`, error);
  });
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

async function isPostmasterOf(pid: number, pgdata: string): Promise<boolean> {
  const words = await commandLine(pid);
  return words?.includes(`-D ${pgdata} `) ?? false;
}
