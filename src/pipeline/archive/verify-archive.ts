import { formatDay } from '../../domain/archive/day.ts';
import { manifestNameOf } from '../../domain/archive/manifest.ts';
import { AppError } from '../../errors.ts';
import type { ArchiveFiles, ArchiveStore } from './archive-store.ts';
import { checkFile, type FileCheck } from './check-file.ts';

/** A checked file with its place; a file that cannot be read at all has that as its only fault. */
export interface VerifiedFile extends FileCheck {
  readonly path: string;
}

/** Checks one file against the manifest beside it; needs no database. */
export async function verifyFile(files: ArchiveFiles, path: string): Promise<VerifiedFile> {
  const { directory, name } = files.split(path);
  const manifest = await files.readManifest(files.join(directory, manifestNameOf(name)));
  const check = await checkFile(manifest, files.read(path));
  const faults = manifest.file === name ? check.faults : [`the manifest is of ${manifest.file}`, ...check.faults];
  return { ...check, faults, path };
}

/** Checks the file of every archived day against its manifest and against what the ledger keeps of the day. */
export async function verifyAll(store: ArchiveStore, files: ArchiveFiles): Promise<readonly VerifiedFile[]> {
  const results: VerifiedFile[] = [];
  for (const { dayMs, file, rows } of await store.days()) {
    if (file === null) continue;
    const day = formatDay(dayMs);
    const nothing = { day, rows: 0, sums: {}, path: files.join(file.directory, file.name) };
    const path = await files.find(file);
    if (path === undefined) {
      results.push({ ...nothing, faults: ['the file is not there'] });
      continue;
    }
    try {
      const { directory, name } = files.split(path);
      const manifest = await files.readManifest(files.join(directory, manifestNameOf(name)));
      const check = await checkFile(manifest, files.read(path), store.figures(dayMs));
      const told = manifest.sha256 === file.sha256 && BigInt(manifest.rows) === rows && manifest.day === day;
      const faults = told ? check.faults : ['the manifest is not the one of this day in the ledger', ...check.faults];
      results.push({ ...check, faults, path });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      results.push({ ...nothing, path, faults: [error.message] });
    }
  }
  return results;
}
