import { LINE_BYTES_MAX } from './ingest-line.ts';

/** A line without its line break. `bytesTotal` exceeds `bytes.length` when the line was too long to keep. */
export interface ByteLine {
  readonly line: number;
  readonly bytes: Buffer;
  readonly bytesTotal: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const HEAD_BYTES = 4_096;

/**
 * Splits a stream of bytes into lines, one array per chunk so that a million lines are not a million promises. Memory
 * is bounded by one chunk and one line: of a line longer than the limit only the start is kept.
 */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  bytesMax: number = LINE_BYTES_MAX,
): AsyncGenerator<readonly ByteLine[], void, undefined> {
  let line = 1;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let bytesTotal = 0;

  const keep = (bytes: Buffer) => {
    bytesTotal += bytes.length;
    if (bytesTotal <= bytesMax) {
      pending.push(bytes);
      pendingBytes += bytes.length;
    } else if (pendingBytes !== HEAD_BYTES) {
      const head = Buffer.concat([...pending, bytes.subarray(0, HEAD_BYTES)]).subarray(0, HEAD_BYTES);
      pending = [Buffer.from(head)];
      pendingBytes = HEAD_BYTES;
    }
  };
  const take = (): ByteLine => {
    const bytes = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending);
    const isWhole = bytesTotal <= bytesMax;
    const taken = { line, bytes: isWhole ? trim(bytes, line) : bytes, bytesTotal };
    line += 1;
    pending = [];
    pendingBytes = 0;
    bytesTotal = 0;
    return taken;
  };

  for await (const chunk of chunks) {
    const lines: ByteLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED, start); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, end));
      lines.push(take());
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (bytesTotal > 0) yield [take()];
}

function trim(bytes: Buffer, line: number): Buffer {
  const start = line === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(Math.min(start, end), end);
}
