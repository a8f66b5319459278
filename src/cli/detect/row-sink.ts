import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { type Duplex, PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { AppError } from '../../errors.ts';
import type { Output } from '../output/output.ts';

/** Where scored rows go. */
export interface RowSink {
  /** Takes bytes as latin1 text and resolves when more may come; false when nobody reads any longer. */
  readonly write: (text: string) => Promise<boolean>;
  /** Everything is written. */
  readonly close: () => Promise<void>;
  /** Something went wrong: leaves nothing half done behind. */
  readonly discard: () => Promise<void>;
}

/** Standard output. */
export function outputSink(output: Output): RowSink {
  return {
    write: async (text) => {
      const bytes = Buffer.from(text, 'latin1');
      if (output.bytes !== undefined) return output.bytes(bytes);
      output.data(bytes.toString('utf8'));
      return true;
    },
    close: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  };
}

/** Nowhere: only the summary is wanted. */
export function noSink(): RowSink {
  return { write: () => Promise.resolve(true), close: () => Promise.resolve(), discard: () => Promise.resolve() };
}

/**
 * A file, packed when its name ends in .gz. Nothing is created before the first rows come, and it appears under its name
 * when it is complete, never half written.
 */
export function fileSink(path: string): RowSink {
  let file: OpenFile | undefined;
  return {
    write: async (text) => {
      file ??= openFile(path);
      if (!file.head.write(Buffer.from(text, 'latin1'))) await drained(file);
      if (file.failure !== undefined) throw notWritable(path, file.failure);
      return true;
    },
    close: async () => {
      file ??= openFile(path);
      try {
        file.head.end();
        await file.done;
        await rename(file.draft, path);
      } catch (error) {
        throw notWritable(path, error);
      }
    },
    discard: async () => {
      if (file === undefined) return;
      file.head.destroy();
      await file.done.catch(() => undefined);
      await rm(file.draft, { force: true });
    },
  };
}

interface OpenFile {
  readonly draft: string;
  readonly head: Duplex;
  readonly done: Promise<void>;
  failure: unknown;
}

function openFile(path: string): OpenFile {
  const draft = `${path}.${randomUUID().slice(0, 8)}.partial`;
  const head: Duplex = path.endsWith('.gz') ? createGzip() : new PassThrough({ highWaterMark: 1 << 20 });
  const file: OpenFile = { draft, head, done: pipeline(head, createWriteStream(draft)), failure: undefined };
  file.done.catch((error: unknown) => {
    file.failure = error;
  });
  return file;
}

/** Waits until a stream takes more, or has failed. */
function drained({ head, done }: OpenFile): Promise<unknown> {
  return Promise.race([new Promise((resolve) => head.once('drain', resolve)), done.catch(() => undefined)]);
}

/** A file that cannot be written where it was asked for. */
export function notWritable(path: string, cause: unknown): AppError {
  return new AppError('FILE_UNREADABLE', `${path} cannot be written.`, {
    cause,
    fix: 'Name a file in a directory that exists and that this user may write to.',
  });
}
