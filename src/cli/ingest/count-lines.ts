import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

const NEWLINE = 10;

/**
 * About how many events a file holds, for a progress bar: its lines that are not empty, without the header of a CSV file.
 * A CSV cell of several lines counts for each of them. Undefined for stdin, for what is not a plain file, and for gzip,
 * which would have to be unpacked twice.
 */
export async function countLines(path: string, format?: 'ndjson' | 'csv'): Promise<number | undefined> {
  if (path === '-' || path.endsWith('.gz')) return undefined;
  try {
    if (!(await stat(path)).isFile()) return undefined;
    const hasHeader = format === 'csv' || (format === undefined && path.toLowerCase().endsWith('.csv'));
    return Math.max(0, (await countFilled(path)) - (hasHeader ? 1 : 0));
  } catch {
    // The reader itself will say what is wrong with the file, in better words.
    return undefined;
  }
}

/** Lines with anything but white space in them. Only the first character that counts is looked for, the rest is skipped. */
async function countFilled(path: string): Promise<number> {
  let lines = 0;
  let isFilled = false;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes: Buffer = chunk;
    for (let at = 0; at < bytes.length; ) {
      if (isFilled) {
        const end = bytes.indexOf(NEWLINE, at);
        if (end === -1) break;
        isFilled = false;
        at = end + 1;
      } else {
        isFilled = !isSpace(bytes[at]);
        if (isFilled) lines++;
        at++;
      }
    }
  }
  return lines;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}
