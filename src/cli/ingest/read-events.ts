import type { Readable } from 'node:stream';
import type { IngestLine } from './ingest-line.ts';
import { type Input, openInput } from './open-input.ts';
import { readCsv } from './read-csv.ts';
import { readNdjson } from './read-ndjson.ts';

export type { IngestLine } from './ingest-line.ts';

export interface ReadOptions {
  /** By the file's name, else by its first character, when absent. */
  readonly format?: 'ndjson' | 'csv';
  /** Event field → name in the file, as `parseMapping` reads it from `--map`. */
  readonly map?: Readonly<Record<string, string>>;
  /** What `-` reads; process.stdin unless a test says otherwise. */
  readonly stdin?: Readable;
}

/**
 * Streams the events of a file (`-` for stdin; NDJSON or CSV, gzip or not) with bounded memory. A line that cannot be
 * read is yielded as such and reading goes on; a file that is not there or no file throws FILE_UNREADABLE, a
 * damaged one FILE_DAMAGED after everything before the damage was yielded.
 */
export async function* readEvents(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<IngestLine, void, undefined> {
  const input = await openInput(path, options.stdin);
  const format = options.format ?? formatOf(input);
  yield* format === 'csv' ? readCsv(input, options.map) : readNdjson(input, options.map);
}

/** By the file's name, else by its first character. */
export function formatOf({ name, head }: Input): 'ndjson' | 'csv' {
  const plain = name.toLowerCase().replace(/\.gz$/, '');
  if (plain.endsWith('.csv')) return 'csv';
  if (/\.(ndjson|jsonl|json)$/.test(plain)) return 'ndjson';
  // A header of names never starts with a brace or bracket.
  return /^\ufeff?\s*[{[]/.test(head.subarray(0, 1024).toString('utf8')) ? 'ndjson' : 'csv';
}
