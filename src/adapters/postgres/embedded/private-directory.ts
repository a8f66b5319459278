import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { AppError } from '../../../errors.ts';
import { failureFromErrno, failureFromOutput } from './engine-failure.ts';
import { type RunUser, runProgram } from './run-user.ts';

/** The user a directory must belong to: the run user, or ourselves. */
export function ownerId(user: RunUser | undefined): number {
  return user?.uid ?? process.getuid?.() ?? 0;
}

/**
 * The folder under /var/tmp (kept over reboots, unlike /tmp) for what the run user cannot reach where it lies.
 * It is one folder per user, which only that user may enter.
 */
export async function reachableBase(user: RunUser | undefined): Promise<string> {
  const base = `/var/tmp/tollkeeper-${ownerId(user)}`;
  await makePrivateDirectory(base, user);
  return base;
}

/** A short name for a path that is the same at every start and different for every path. */
export function nameForPath(path: string): string {
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 16);
  // `.tollkeeper` alone would tell nobody whose data it is.
  const words = `${basename(dirname(path))}-${basename(path)}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  return `${words}-${digest}`;
}

/**
 * Makes a directory of mode 0700 for `user`, or accepts the one that is there. It is made with that user's own rights:
 * root never creates or changes owners inside a folder somebody else can write to, where a planted link could mislead it.
 */
export async function makePrivateDirectory(path: string, user: RunUser | undefined): Promise<void> {
  const doing = `Creating ${path}`;
  if (user === undefined) {
    await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw failureFromErrno(doing, cause);
    });
  } else {
    const made = await runProgram({ command: 'mkdir', args: ['-p', '-m', '700', path], user });
    if (made.exitCode !== 0) throw failureFromOutput(doing, made.output);
  }
  await assertOwned(path, user);
}

/** Refuses a directory that belongs to somebody else: they could read the data or plant programs in it. */
export async function assertOwned(path: string, user: RunUser | undefined): Promise<void> {
  const found = await lstat(path);
  if (found.isDirectory() && found.uid === ownerId(user)) return;
  throw new AppError('ENGINE_UNAVAILABLE', `${path} is not a directory of user ${user?.name ?? ownerId(user)}.`, {
    fix: 'Run as the user it belongs to, remove it, or use another TOLLKEEPER_DATA_DIR.',
  });
}
