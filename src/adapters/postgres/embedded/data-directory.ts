import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from '../../../errors.ts';
import { errnoOf, failureFromErrno } from './engine-failure.ts';

const OTHER_PLACE = 'Point TOLLKEEPER_DATA_DIR at a directory this user may write to.';

/**
 * Makes the directory that everything local lies in, with those above it, and returns its path with no links left in it.
 * One level at a time: Node's recursive `mkdir` never ends under /proc, and calls a read-only file system a missing file.
 */
export async function makeDataDirectory(dataDir: string): Promise<string> {
  const path = resolve(dataDir);
  await makeLevel(path, path);
  return realpath(path).catch((cause: unknown) => {
    throw failureFromErrno(`Entering ${path}`, cause);
  });
}

async function makeLevel(path: string, asked: string): Promise<void> {
  if (await isDirectory(path, asked)) return;
  if (dirname(path) !== path) await makeLevel(dirname(path), asked);
  try {
    await mkdir(path);
  } catch (cause) {
    // Another process was quicker, or a link leads nowhere.
    if (errnoOf(cause) === 'EEXIST' && (await isDirectory(path, asked))) return;
    throw failureFromErrno(`Creating the data directory ${path}`, cause, OTHER_PLACE);
  }
}

/** Whether a directory is there; refuses whatever else has that name. */
async function isDirectory(path: string, asked: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (cause) {
    // ENOTDIR: something above it is a file, which is named when the walk gets there.
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return false;
    throw failureFromErrno(`Entering ${path}`, cause);
  }
  const below = path === asked ? 'the data directory is to be' : `the data directory ${asked} is to be made`;
  throw new AppError('ENGINE_UNAVAILABLE', `${path} is a file, and ${below} there.`, {
    fix: 'Point TOLLKEEPER_DATA_DIR at a directory, or move the file away.',
  });
}
