import { ARCHIVE_COLUMNS } from '../../domain/archive/archived-entry.ts';
import { type ClosingTime, closingTime } from '../../domain/archive/closable-days.ts';
import { dayStartMs, formatDay } from '../../domain/archive/day.ts';
import { archiveFileName, type Manifest, manifestNameOf } from '../../domain/archive/manifest.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { ArchiveFiles, ArchiveStore, EntryDay } from './archive-store.ts';
import { checkFile, sumsText } from './check-file.ts';

export interface ExportRequest {
  readonly nowMs: number;
  readonly lateWindowMs: number;
  /** Days before this moment are exported; undefined for every day that may be. */
  readonly beforeMs: number | undefined;
  readonly directory: string;
  readonly dryRun: boolean;
}

/** What happened, or with a dry run would happen, to one day. */
export interface ExportedDay {
  readonly day: string;
  readonly what: 'exported' | 'closed' | 'not_yet' | 'quarantine_open';
  readonly rows: bigint;
  readonly path: string | null;
  readonly fileBytes: number | null;
}

export interface ExportResult {
  readonly days: readonly ExportedDay[];
  readonly closing: ClosingTime;
}

/**
 * Closes every day that can get no more entries and moves those before the given moment into files. Each step can be
 * repeated: a day's table is dropped, in one database transaction, only after its file was read back and agrees with
 * the table, so a crash at any point loses nothing and the next run goes on where this one stopped.
 */
export function exportDays(store: ArchiveStore, files: ArchiveFiles, request: ExportRequest): Promise<ExportResult> {
  const work = async () => {
    const closing = closingTime({ ...request, lanes: await store.laneClocks() });
    const days = (await store.days()).filter(({ state }) => state !== 'archived');
    const wanted = days.filter(({ dayMs }) => dayMs < (request.beforeMs ?? closing.beforeMs));
    const ripe = days.filter(({ dayMs, state }) => state === 'closed' || dayMs < closing.beforeMs);
    const closed = request.dryRun
      ? ripe.filter(({ quarantined }) => quarantined === 0).map(({ dayMs }) => dayMs)
      : await store.close(
          ripe.map(({ dayMs }) => dayMs),
          closing.beforeMs,
        );
    const result: ExportedDay[] = [];
    for (const day of days) {
      const isWanted = wanted.includes(day);
      const isClosed = closed.includes(day.dayMs);
      if (!isWanted && !isClosed) continue;
      if (isWanted && isClosed) result.push(await exportDay(store, files, request, day));
      else result.push(notExported(day, isClosed ? 'closed' : ripe.includes(day) ? 'quarantine_open' : 'not_yet'));
    }
    return { days: result, closing };
  };
  return request.dryRun ? work() : store.exclusively(work);
}

/** Default of the moment before which days are exported: so many whole days are kept in the database. */
export function keepDays(nowMs: number, days: number): number {
  return dayStartMs(nowMs) - days * DAY_MS;
}

function notExported({ dayMs, rows }: EntryDay, what: ExportedDay['what']): ExportedDay {
  return { day: formatDay(dayMs), what, rows, path: null, fileBytes: null };
}

async function exportDay(
  store: ArchiveStore,
  files: ArchiveFiles,
  request: ExportRequest,
  { dayMs, rows }: EntryDay,
): Promise<ExportedDay> {
  const day = formatDay(dayMs);
  const name = archiveFileName(day);
  const path = files.join(request.directory, name);
  if (request.dryRun) return { day, what: 'exported', rows, path, fileBytes: null };

  const figures = await store.recordFigures(dayMs);
  const written = await files.write(path, store.copyOut(dayMs));
  const manifest: Manifest = {
    format: 'tollkeeper-entries',
    version: 1,
    day,
    file: name,
    compression: 'gzip',
    encoding: 'postgresql-copy-text',
    columns: [...ARCHIVE_COLUMNS],
    order: ['lane', 'batch_no', 'wallet_id', 'seq'],
    ...figures,
    sha256: written.sha256,
    contentBytes: written.contentBytes,
    fileBytes: written.fileBytes,
    schema: await store.schema(),
    exportedAt: formatIso(request.nowMs),
  };
  const manifestPath = files.join(request.directory, manifestNameOf(name));
  await files.writeManifest(manifestPath, manifest);
  await readBack(store, files, { dayMs, path, manifestPath, written: manifest });
  const { rows: count, sha256 } = manifest;
  await store.drop(dayMs, { name, directory: request.directory, sha256, bytes: written.fileBytes, rows: count });
  return { day, what: 'exported', rows: BigInt(count), path, fileBytes: written.fileBytes };
}

/** What is on disk, not what was meant to be, against the table's own figures. */
async function readBack(
  store: ArchiveStore,
  files: ArchiveFiles,
  file: { readonly dayMs: number; readonly path: string; readonly manifestPath: string; readonly written: Manifest },
): Promise<void> {
  const manifest = await files.readManifest(file.manifestPath);
  const check = await checkFile(manifest, files.read(file.path), store.figures(file.dayMs));
  const faults = [...check.faults];
  if (manifest.sha256 !== file.written.sha256 || sumsText(manifest.sums) !== sumsText(file.written.sums)) {
    faults.push('the manifest is not the one that was written');
  }
  if (faults.length === 0) return;
  throw new AppError(
    'ARCHIVE_INVALID',
    `${file.path} does not hold what the ledger has of ${manifest.day}: ${faults.join('; ')}`,
    { fix: 'Nothing was dropped. Check the disk and run the export again.' },
  );
}
