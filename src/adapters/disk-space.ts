import { access, constants, statfs } from 'node:fs/promises';
import { dirname, parse } from 'node:path';
import { AppError } from '../errors.ts';

/** Bytes this user may still write under a directory, or under the nearest one above it that exists. */
export async function freeDiskBytes(directory: string): Promise<number> {
  for (let path = directory; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (cause) {
      const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
      if (!isMissing || path === parse(path).root) {
        throw new AppError('FILE_UNREADABLE', `The disk of ${directory} cannot be looked at`, { cause });
      }
    }
  }
}

/** Whether this user may write in a directory, or make it in the nearest one above it that exists. */
export async function isWritableDirectory(directory: string): Promise<boolean> {
  for (let path = directory; ; path = dirname(path)) {
    try {
      await access(path, constants.W_OK | constants.X_OK);
      return true;
    } catch (cause) {
      const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
      if (!isMissing || path === parse(path).root) return false;
    }
  }
}
