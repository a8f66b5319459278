import { resolve } from 'node:path';
import { createArchiveFiles } from '../adapters/archive-files.ts';
import { createArchiveStore } from '../adapters/postgres/archive/archive-store.ts';
import type { Config } from '../config.ts';
import type { ArchiveFiles, ArchiveStore } from '../pipeline/archive/archive-store.ts';
import { openMigrated } from './books.ts';

/** The ledger's days and their files, for commands. */
export interface OpenArchive {
  readonly store: ArchiveStore;
  readonly files: ArchiveFiles;
  readonly directory: string;
  readonly lateWindowMs: number;
  readonly close: () => Promise<void>;
}

/** Opens the database with the archive directory: the configured one, or the one given. */
export async function openArchive(
  config: Config,
  directory: string | undefined,
  onError: (error: Error) => void,
): Promise<OpenArchive> {
  const place = resolve(directory ?? config.archiveDir);
  const { pool, close } = await openMigrated(config, onError);
  return {
    store: createArchiveStore(pool),
    files: createArchiveFiles([place]),
    directory: place,
    lateWindowMs: config.lateWindowMs,
    close,
  };
}

/** Archive files without a database. */
export function archiveFiles(): ArchiveFiles {
  return createArchiveFiles([]);
}
