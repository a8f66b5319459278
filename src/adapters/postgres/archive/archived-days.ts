import type pg from 'pg';
import { type ArchivedEntry, parseEntryLine } from '../../../domain/archive/archived-entry.ts';
import { AppError } from '../../../errors.ts';
import type { ArchivedFile, ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import { linesOf } from '../../../pipeline/archive/lines.ts';

/** A day whose entries are in a file. */
export interface ArchivedDay {
  /** `2026-03-02` */
  readonly day: string;
  /** Where the file is now; undefined when it is not here. */
  readonly path: string | undefined;
}

/** Archived days, oldest first, each with its file as far as it can be found. */
export async function archivedDays(
  client: pg.Pool | pg.PoolClient,
  files: ArchiveFiles,
): Promise<readonly ArchivedDay[]> {
  const { rows } = await client.query<ArchivedFile & { day: string }>(
    `select day::text, file as name, directory, sha256 from archived_day where state = 'archived' order by day`,
  );
  const days: ArchivedDay[] = [];
  for (const { day, ...file } of rows) days.push({ day, path: await files.find(file) });
  return days;
}

/** Entries of an archive file, one after another; `AppError(ARCHIVE_INVALID)` when a line is not one. */
export async function* readArchivedEntries(
  files: ArchiveFiles,
  path: string,
): AsyncGenerator<ArchivedEntry, void, undefined> {
  for await (const lines of linesOf(files.read(path))) {
    for (const line of lines) {
      const entry = parseEntryLine(line);
      if (entry === undefined) throw new AppError('ARCHIVE_INVALID', `${path} has a line that is not an entry`);
      yield entry;
    }
  }
}
