import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

const NEWLINE = 10;

/**
 * About how many events a file holds, for a progress bar: its lines. Undefined for stdin, for what is not a plain file,
 * and for gzip, which would have to be unpacked twice.
 */
export async function countLines(path: string): Promise<number | undefined> {
  if (path === '-' || path.endsWith('.gz')) return undefined;
  try {
    if (!(await stat(path)).isFile()) return undefined;
    let lines = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const bytes: Buffer = chunk;
      for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
    }
    return lines;
  } catch {
    // The reader itself will say what is wrong with the file, in better words.
    return undefined;
  }
}
