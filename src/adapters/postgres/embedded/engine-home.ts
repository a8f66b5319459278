import { chown, lstat, mkdir, readlink, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../../errors.ts';
import { makeDataDirectory } from './data-directory.ts';
import { errnoOf, failureFromErrno } from './engine-failure.ts';
import { assertOwned, makePrivateDirectory, nameForPath, reachableBase } from './private-directory.ts';
import { findRunUser, isRoot, type RunUser, userCan } from './run-user.ts';

/** Where one engine keeps its cluster, and as whom it runs. */
export interface EngineHome {
  /** A directory of mode 0700 that belongs to the run user. It holds `data/` and `password`. */
  readonly directory: string;
  /** Undefined: ourselves. */
  readonly user: RunUser | undefined;
  /** True when the run user cannot enter the directory that was asked for, so that the data lies elsewhere. */
  readonly relocated: boolean;
}

/**
 * Finds or makes the engine's home for `dataDir`: `<dataDir>/postgres`. When root asks for a directory that the run
 * user cannot enter, that name is a link to a directory under /var/tmp instead, named after the path.
 */
export async function findEngineHome(dataDir: string): Promise<EngineHome> {
  const root = await makeDataDirectory(dataDir);
  const local = join(root, 'postgres');
  const linkTarget = await readlink(local).catch(() => undefined);
  if (linkTarget !== undefined) return followLink(local, linkTarget);

  if (!isRoot()) {
    await makePrivateDirectory(local, undefined);
    return { directory: local, user: undefined, relocated: false };
  }
  const owner = await ownerOf(local);
  const user = owner ?? (await findRunUser());
  if (await userCan(user, [['-x', root]])) {
    if (owner === undefined) await makeForUser(local, user);
    return { directory: local, user, relocated: false };
  }
  if (owner !== undefined) {
    throw new AppError('ENGINE_UNAVAILABLE', `User ${user.name} owns ${local} and can no longer reach it.`, {
      fix: `Let that user enter every directory above it again (chmod o+x), or run Tollkeeper as that user.`,
    });
  }
  return relocate({ root, local, user });
}

async function relocate(place: {
  readonly root: string;
  readonly local: string;
  readonly user: RunUser;
}): Promise<EngineHome> {
  const directory = join(await reachableBase(place.user), `data-${nameForPath(place.root)}`);
  await makePrivateDirectory(directory, place.user);
  await symlink(directory, place.local).catch((cause: unknown) => {
    throw failureFromErrno(`Creating ${place.local}`, cause);
  });
  return { directory, user: place.user, relocated: true };
}

async function followLink(local: string, target: string): Promise<EngineHome> {
  const owner = await ownerOf(target);
  if (owner === undefined && !(await isOurs(target))) {
    throw new AppError('ENGINE_UNAVAILABLE', `The data directory ${target}, which ${local} points to, is gone.`, {
      fix: `Restore it, or remove ${local} to begin with an empty database.`,
    });
  }
  const user = isRoot() ? owner : undefined;
  await assertOwned(target, user);
  return { directory: target, user, relocated: true };
}

/** The user an existing home belongs to, so that data made as `nobody` stays usable after `postgres` appears. */
async function ownerOf(directory: string): Promise<RunUser | undefined> {
  const found = await statOrUndefined(directory);
  if (found === undefined || found.uid === 0) return undefined;
  return { name: `${found.uid}`, uid: found.uid, gid: found.gid };
}

async function isOurs(directory: string): Promise<boolean> {
  const found = await statOrUndefined(directory);
  return found !== undefined && found.uid === process.getuid?.();
}

async function statOrUndefined(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw failureFromErrno(`Reading ${path}`, error);
  });
}

async function makeForUser(local: string, user: RunUser): Promise<void> {
  if (await userCan(user, [['-w', dirname(local)]])) return makePrivateDirectory(local, user);
  try {
    // The run user may not write to the parent, so it cannot swap the new directory before it changes hands.
    await mkdir(local, { recursive: true, mode: 0o700 });
    await chown(local, user.uid, user.gid);
  } catch (cause) {
    throw failureFromErrno(`Creating ${local}`, cause);
  }
}
