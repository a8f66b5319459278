import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.ts';
import { failureFromErrno } from './engine-failure.ts';
import { findRunUser, isRoot, userCan } from './run-user.ts';

/**
 * Starts an engine in a new temporary directory on a free port. `stop()` removes everything, and so does the watchdog
 * moments after this process ended without calling it (SIGINT, SIGTERM, SIGKILL).
 */
export async function startThrowawayPostgres(
  options: Omit<EmbeddedPostgresOptions, 'dataDir' | 'throwawayDir'> = {},
): Promise<EmbeddedPostgres> {
  const directory = await makeDirectory();
  try {
    return await startEmbeddedPostgres({ durable: false, ...options, dataDir: directory, throwawayDir: directory });
  } catch (error) {
    await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    throw error;
  }
}

async function makeDirectory(): Promise<string> {
  try {
    if (!isRoot()) return await mkdtemp(join(tmpdir(), 'tollkeeper-'));
    // It belongs to the run user from the start, who must be able to enter it and, in the end, to remove it.
    const user = await findRunUser();
    const base = (await userCan(user, [['-x', tmpdir()]])) ? tmpdir() : '/var/tmp';
    const directory = await mkdtemp(join(base, 'tollkeeper-'));
    await chown(directory, user.uid, user.gid);
    return directory;
  } catch (cause) {
    throw failureFromErrno('Creating a temporary directory', cause);
  }
}
