import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError } from '../../errors.ts';

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
/** Enough to tell gzip, UTF-16, and whether JSON or a header follows. */
const HEAD_BYTES_MIN = 16;
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/** An opened file or stdin: its plain bytes, and the first of them to guess the format by. */
export interface Input {
  readonly name: string;
  readonly head: Buffer;
  readonly chunks: AsyncIterable<Buffer>;
  /** How much of the file, as it lies on disk, has been read so far: for progress where the size is known. */
  readonly bytesRead?: () => number;
}

/** Opens a path, or stdin for `-`. Gzip is unpacked whatever the name says; everything is streamed. */
export async function openInput(path: string, stdin: Readable = process.stdin): Promise<Input> {
  const name = path === '-' ? 'stdin' : path;
  const file = path === '-' ? undefined : createReadStream(path, { highWaterMark: 256 * 1024 });
  const source = file ?? stdin;
  const bytesRead = file === undefined ? {} : { bytesRead: () => file.bytesRead };
  const plain = await peek(name, source);
  if (!plain.head.subarray(0, 2).equals(GZIP_MAGIC)) {
    if (name.endsWith('.gz')) {
      const what = plain.head.length === 0 ? 'is empty' : 'is not gzip data';
      throw new AppError('FILE_UNREADABLE', `${name} ${what}.`, {
        fix: 'Compress it again, or drop .gz from its name.',
      });
    }
    return checked({ name, ...plain, ...bytesRead });
  }
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  // The callback only keeps a failure from being unhandled: the same failure reaches whoever reads `gunzip`.
  pipeline(plain.chunks, gunzip, () => undefined);
  return checked({ name, ...(await peek(name, gunzip)), ...bytesRead });
}

function checked(input: Input): Input {
  if (UTF16_MARKS.some((mark) => input.head.subarray(0, 2).equals(mark))) {
    const fix = 'Convert it first: iconv -f UTF-16 -t UTF-8.';
    throw new AppError('FILE_UNREADABLE', `${input.name} is UTF-16, not UTF-8.`, { fix });
  }
  return input;
}

/** Reads the first bytes and gives them back in front of the others. */
async function peek(name: string, stream: Readable): Promise<{ head: Buffer; chunks: AsyncIterable<Buffer> }> {
  const iterator: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  try {
    // A pipe may hand over one byte at a time.
    while (head.length < HEAD_BYTES_MIN) {
      const next = await iterator.next();
      if (next.done === true) break;
      head = Buffer.concat([head, toBuffer(next.value)]);
    }
  } catch (error) {
    throw unreadableFile(name, error);
  }
  return { head, chunks: chunksOf(name, head, iterator) };
}

async function* chunksOf(name: string, head: Buffer, rest: AsyncIterator<unknown>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield toBuffer(next.value);
  } catch (error) {
    throw unreadableFile(name, error);
  } finally {
    await rest.return?.();
  }
}

function toBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  return Buffer.from(String(chunk));
}

/** The caller named something that is no readable file. Everything else is a fault of the file or of its disk. */
const MISTAKES: Readonly<Record<string, { readonly what: string; readonly fix?: string }>> = {
  ENOENT: { what: 'does not exist' },
  EACCES: { what: 'may not be read by this user' },
  EPERM: { what: 'may not be read by this user' },
  EISDIR: { what: 'is a directory', fix: 'Name one file; several files are several runs.' },
};

const DAMAGES: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: 'ends in the middle of its gzip data: the file is truncated',
  Z_DATA_ERROR: 'holds gzip data that is damaged',
};

function unreadableFile(name: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const mistake = MISTAKES[code];
  if (mistake === undefined) {
    return new AppError('FILE_DAMAGED', `${name} ${DAMAGES[code] ?? 'cannot be read to its end'}.`, { cause: error });
  }
  const { what, fix } = mistake;
  return new AppError('FILE_UNREADABLE', `${name} ${what}.`, { cause: error, ...(fix === undefined ? {} : { fix }) });
}
