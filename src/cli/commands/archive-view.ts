import { formatDay } from '../../domain/archive/day.ts';
import type { EntryDay } from '../../pipeline/archive/archive-store.ts';
import type { ExportedDay, ExportResult } from '../../pipeline/archive/export-days.ts';
import { type Column, table } from '../output/table.ts';
import { count } from '../output/words.ts';

const COLUMNS: readonly Column<EntryDay>[] = [
  { head: 'DAY', cell: ({ dayMs }) => formatDay(dayMs) },
  { head: 'STATE', cell: ({ state }) => state },
  {
    head: 'ROWS',
    align: 'right',
    cell: ({ rows, isEstimate }) => `${isEstimate ? '≈ ' : ''}${rows.toLocaleString('en-US')}`,
  },
  { head: 'BYTES', align: 'right', cell: ({ bytes }) => bytes.toLocaleString('en-US') },
  { head: 'IN QUARANTINE', align: 'right', cell: ({ quarantined }) => (quarantined === 0 ? '–' : `${quarantined}`) },
  { head: 'FILE', columnsMax: 120, cell: ({ file }) => (file === null ? '–' : `${file.directory}/${file.name}`) },
];

/** `archive list` for people. */
export function daysTable(days: readonly EntryDay[]): string {
  return days.length === 0 ? 'There are no entries yet.' : table(COLUMNS, days);
}

/** A day of `archive list` for programs. Counts are decimal text, as money is. */
export function dayJson({ dayMs, state, rows, isEstimate, bytes, quarantined, file }: EntryDay) {
  return {
    day: formatDay(dayMs),
    state,
    rows: rows.toString(),
    rowsEstimated: isEstimate,
    bytes: bytes.toString(),
    quarantined,
    file: file === null ? null : { directory: file.directory, name: file.name, sha256: file.sha256 },
  };
}

/** What an export did, for programs. */
export function exportedJson({ days, closing }: ExportResult) {
  return {
    takesEntriesFrom: formatDay(closing.beforeMs),
    heldBackByLane: closing.heldBackBy,
    days: days.map(({ rows, ...rest }) => ({ ...rest, rows: rows.toString() })),
  };
}

/** What an export did, for people. */
export function exportText({ days, closing }: ExportResult, dryRun: boolean): string {
  const lines = days.map((day) => line(day, dryRun));
  const by = closing.heldBackBy === null ? '' : ` by the clock of lane ${closing.heldBackBy}`;
  const exported = days.filter(({ what }) => what === 'exported').length;
  return [
    ...lines,
    `${count(exported, 'day')} ${dryRun ? 'would be exported' : 'exported'}. Usage is taken from ${formatDay(closing.beforeMs)} on${by}.`,
  ].join('\n');
}

function line({ day, what, rows, path, fileBytes }: ExportedDay, dryRun: boolean): string {
  const number = count(Number(rows), 'row');
  switch (what) {
    case 'exported':
      return `${day}  ${dryRun ? 'would go' : 'went'} to ${path}  ${number}${fileBytes === null ? '' : `, ${count(fileBytes, 'byte')}`}`;
    case 'closed':
      return `${day}  ${dryRun ? 'would be closed' : 'closed'}, kept in the database  ${number}`;
    case 'not_yet':
      return `${day}  not yet: late usage may still be posted to it  ${number}`;
    case 'quarantine_open':
      return `${day}  stays open: usage of that day is open in quarantine; post or void it first  ${number}`;
  }
}
