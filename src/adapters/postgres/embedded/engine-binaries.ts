import { access, chmod, constants, lstat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { copyBinaries } from './binary-store.ts';
import { errnoOf, failureFromErrno } from './engine-failure.ts';
import { libraryLinks, type PlatformPackage } from './platform-package.ts';
import { type RunUser, userCan } from './run-user.ts';

/** The two programs the engine runs. */
export interface EngineBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const PROGRAMS = ['bin/initdb', 'bin/postgres'];

/**
 * The programs in a place where `user` can run them: where npm put them if possible, else in a copy that every checkout
 * with the same version shares.
 */
export async function prepareBinaries(pkg: PlatformPackage, user: RunUser | undefined): Promise<EngineBinaries> {
  const inPlace = (await isComplete(pkg.nativeDir)) && (await isRunnable(pkg.nativeDir, user));
  return binariesIn(inPlace ? pkg.nativeDir : await copyBinaries(pkg, user));
}

function binariesIn(nativeDir: string): EngineBinaries {
  return { initdb: join(nativeDir, 'bin/initdb'), postgres: join(nativeDir, 'bin/postgres') };
}

/**
 * Completes what the package's post-install script would have done: npm 11 does not run it, so the versionless library
 * links can be missing. False when this folder may not be written to.
 */
async function isComplete(nativeDir: string): Promise<boolean> {
  try {
    await createMissingLinks(nativeDir);
    for (const program of PROGRAMS) await makeExecutable(join(nativeDir, program));
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) return false;
    throw failureFromErrno(`Preparing ${nativeDir}`, error);
  }
}

async function createMissingLinks(nativeDir: string): Promise<void> {
  for (const { path, pointsTo } of await libraryLinks(nativeDir)) {
    await symlink(pointsTo, join(nativeDir, path)).catch((error: unknown) => {
      // It is there already, perhaps made by another process starting at this very moment.
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  }
}

async function makeExecutable(program: string): Promise<void> {
  const { mode } = await lstat(program);
  if ((mode & 0o100) === 0) await chmod(program, mode | 0o111);
}

async function isRunnable(nativeDir: string, user: RunUser | undefined): Promise<boolean> {
  const { initdb, postgres } = binariesIn(nativeDir);
  const data = join(nativeDir, 'share/postgresql/postgres.bki');
  if (user !== undefined) {
    const checks = [
      ['-x', initdb],
      ['-x', postgres],
      ['-r', postgres],
      ['-r', data],
    ] as const;
    return userCan(user, checks);
  }
  const checks = [access(initdb, constants.X_OK), access(postgres, constants.X_OK), access(data, constants.R_OK)];
  return (await Promise.allSettled(checks)).every(({ status }) => status === 'fulfilled');
}
