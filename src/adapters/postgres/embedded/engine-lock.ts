import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { makeDataDirectory } from './data-directory.ts';
import { errnoOf, failureFromErrno } from './engine-failure.ts';
import { processStart } from './process-identity.ts';

const recordSchema = z.object({
  pid: z.int().positive(),
  /** Tells this process from a later one with the same pid. */
  processStart: z.string(),
  startedAt: z.string(),
  /** Present once the engine accepts connections. */
  engine: z.object({ port: z.int(), postgresPid: z.int(), connectionString: z.string() }).optional(),
});

/** What `engine.json` says: who runs the engine of this data directory, and where it listens. */
export type EngineRecord = z.infer<typeof recordSchema>;

/** The right to run the engine of one data directory. */
export interface EngineLock {
  /** Writes down where the engine listens, for the commands that attach to it. */
  publish(engine: EngineRecord['engine']): Promise<void>;
  release(): Promise<void>;
}

/** Either the lock is ours, or this is the living process that has it. */
export type LockResult =
  | { readonly status: 'locked'; readonly lock: EngineLock }
  | { readonly status: 'held'; readonly holder: EngineRecord };

const TAKEOVER_TRIES_MAX = 200;
const TAKEOVER_PAUSE_MS = 25;

/**
 * Takes the lock `<dataDir>/engine.json`. A lock whose process is gone is taken over; of any number of processes that
 * try at once exactly one gets it.
 */
export async function lockEngine(dataDir: string): Promise<LockResult> {
  const path = join(dataDir, 'engine.json');
  await makeDataDirectory(dataDir);
  try {
    const own = await ownRecord();
    for (let tries = 0; tries < TAKEOVER_TRIES_MAX; tries += 1) {
      if (await createExclusively(path, own)) return { status: 'locked', lock: lockAt(path, own) };
      const found = await readLock(path);
      if (found.status === 'held') return found;
      if (found.status === 'stale') await removeStale(path, own);
    }
  } catch (error) {
    throw failureFromErrno(`Locking the data directory ${dataDir}`, error);
  }
  throw new AppError('ENGINE_LOCKED', `${path} cannot be locked: other processes keep taking it over.`);
}

/** The living process that runs the engine of `dataDir`, or undefined. */
export async function readEngineHolder(dataDir: string): Promise<EngineRecord | undefined> {
  const found = await readLock(join(dataDir, 'engine.json'));
  return found.status === 'held' ? found.holder : undefined;
}

function lockAt(path: string, own: EngineRecord): EngineLock {
  return {
    async publish(engine) {
      const draft = `${path}.${randomUUID()}`;
      // 0600: it holds the password. Renamed into place, so a reader never sees half a file.
      await writeFile(draft, serialise({ ...own, engine }), { mode: 0o600, flag: 'wx' });
      await rename(draft, path);
    },
    release: () => rm(path, { force: true }),
  };
}

/** Creates the file with its content in one step: `link` fails when the name is taken, and never shows an empty file. */
async function createExclusively(path: string, record: EngineRecord): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, serialise(record), { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Removes a lock whose owner is gone. Only the process that holds the takeover file may, and it looks again first: without
 * that, a slow process could remove the lock that a quick one has just taken.
 */
async function removeStale(path: string, own: EngineRecord): Promise<void> {
  const takeover = `${path}.takeover`;
  if (await createExclusively(takeover, own)) {
    try {
      if ((await readLock(path)).status === 'stale') await rm(path, { force: true });
    } finally {
      await rm(takeover, { force: true });
    }
    return;
  }
  // Held for a moment by another process, unless that one was killed in this very moment. Should two processes find such
  // a corpse together, PostgreSQL's own lock on the data still lets only one server run.
  if ((await readLock(takeover)).status === 'stale') await rm(takeover, { force: true });
  await delay(TAKEOVER_PAUSE_MS);
}

type LockState =
  | { readonly status: 'absent' }
  | { readonly status: 'stale' }
  | { readonly status: 'held'; readonly holder: EngineRecord };

async function readLock(path: string): Promise<LockState> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw failureFromErrno(`Reading ${path}`, error);
  });
  if (text === undefined) return { status: 'absent' };
  const holder = parseRecord(text);
  if (holder === undefined || (await processStart(holder.pid)) !== holder.processStart) return { status: 'stale' };
  return { status: 'held', holder };
}

/** A file that a power cut left empty or broken counts as stale: whoever wrote it is gone. */
function parseRecord(text: string): EngineRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function ownRecord(): Promise<EngineRecord> {
  const start = (await processStart(process.pid)) ?? '';
  return { pid: process.pid, processStart: start, startedAt: new Date().toISOString() };
}

function serialise(record: EngineRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
