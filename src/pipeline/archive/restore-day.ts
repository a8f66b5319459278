import { formatDay } from '../../domain/archive/day.ts';
import { manifestNameOf } from '../../domain/archive/manifest.ts';
import { AppError } from '../../errors.ts';
import type { ArchiveFiles, ArchiveStore } from './archive-store.ts';
import { checkFile, type FileCheck } from './check-file.ts';

/** Puts an archived day back into the database from its file, after checking every byte of it. The day stays closed. */
export function restoreDay(store: ArchiveStore, files: ArchiveFiles, dayMs: number): Promise<FileCheck> {
  return store.exclusively(async () => {
    const day = formatDay(dayMs);
    const known = (await store.days()).find((candidate) => candidate.dayMs === dayMs);
    if (known?.file === null || known === undefined) {
      const state = known === undefined ? 'there are no entries of it' : `it is ${known.state}`;
      throw new AppError('ARCHIVE_DAY', `${day} is not archived: ${state}.`);
    }
    const path = await files.find(known.file);
    if (path === undefined) {
      throw new AppError('ARCHIVE_INVALID', `${files.join(known.file.directory, known.file.name)} is not there.`, {
        fix: 'Bring the file and its manifest back, or name their directory with --dir.',
      });
    }
    const { directory, name } = files.split(path);
    const manifest = await files.readManifest(files.join(directory, manifestNameOf(name)));
    const check = await checkFile(manifest, files.read(path), store.figures(dayMs));
    const faults =
      manifest.sha256 === known.file.sha256 ? check.faults : ['its hash is not the ledger’s', ...check.faults];
    if (faults.length > 0) {
      throw new AppError('ARCHIVE_INVALID', `${path} is not what was archived: ${faults.join('; ')}`);
    }
    await store.restore(dayMs, files.read(path));
    return check;
  });
}
