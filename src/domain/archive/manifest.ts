import { z } from 'zod';
import { ARCHIVE_COLUMNS } from './archived-entry.ts';

const wholeNumber = z.string().regex(/^-?\d{1,30}$/);
// Not `uuid`: keys begin with a time and carry no version bits.
const key = z.guid().nullable();

/** What lies beside an archive file and says what is in it. Fields may be added; `version` counts other changes. */
export const manifestSchema = z.looseObject({
  format: z.literal('tollkeeper-entries'),
  version: z.literal(1),
  /** UTC day of the entries' event time. */
  day: z.iso.date(),
  file: z.string().regex(/^[\w.-]+$/),
  compression: z.literal('gzip'),
  encoding: z.literal('postgresql-copy-text'),
  columns: z.array(z.string()).refine((columns) => columns.join() === ARCHIVE_COLUMNS.join(), {
    error: `are not ${ARCHIVE_COLUMNS.join(', ')}`,
  }),
  order: z.array(z.string()),
  rows: z.int().nonnegative(),
  /** Sum of the amounts per currency, nano-units as decimal text: JSON numbers would lose digits. */
  sums: z.record(z.string(), wholeNumber),
  firstKey: key,
  lastKey: key,
  /** Of the content before compression. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  contentBytes: z.int().nonnegative(),
  fileBytes: z.int().nonnegative(),
  /** The newest migration of the database that the entries come from. */
  schema: z.string(),
  exportedAt: z.iso.datetime(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** `entry-2026-03-02.tsv.gz` */
export function archiveFileName(day: string): string {
  return `entry-${day}.tsv.gz`;
}

/** `entry-2026-03-02.json`, beside the file. */
export function manifestNameOf(file: string): string {
  return file.replace(/(?:\.tsv)?\.gz$/, '.json');
}
