import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type Manifest, manifestSchema } from '../domain/archive/manifest.ts';
import { AppError } from '../errors.ts';
import type { ArchiveFiles, WrittenFile } from '../pipeline/archive/archive-store.ts';

/** Archive files on a file system; `directories` are searched for files that are not where they were put. */
export function createArchiveFiles(directories: readonly string[]): ArchiveFiles {
  return {
    write: writeArchive,
    writeManifest: (path, manifest) => writeAtomically(path, `${JSON.stringify(manifest, null, 2)}\n`),
    readManifest,
    read: readArchive,
    find: async ({ directory, name }) => {
      for (const candidate of [directory, ...directories]) {
        const path = join(candidate, name);
        if (await isThere(path)) return path;
      }
      return undefined;
    },
    join,
    split: (path) => ({ directory: dirname(resolve(path)), name: basename(path) }),
  };
}

async function writeArchive(path: string, content: AsyncIterable<Buffer>): Promise<WrittenFile> {
  await makeDirectory(dirname(path));
  const hash = createHash('sha256');
  let contentBytes = 0;
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o640).catch((cause: unknown) => unwritable(temporary, cause));
  try {
    await pipeline(
      async function* () {
        for await (const chunk of content) {
          hash.update(chunk);
          contentBytes += chunk.length;
          yield chunk;
        }
      },
      createGzip(),
      async (compressed: AsyncIterable<Buffer>) => {
        // Unlike `write`, `appendFile` goes on until the whole chunk is written.
        for await (const chunk of compressed) await file.appendFile(chunk);
      },
    );
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  const { size } = await file.stat();
  await file.close();
  await rename(temporary, path);
  await syncDirectory(dirname(path));
  return { sha256: hash.digest('hex'), contentBytes, fileBytes: size };
}

/** A name means a whole file: it is written under another name, brought to the disk, then renamed. */
async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o640).catch((cause: unknown) => unwritable(temporary, cause));
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** A rename is on disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function readManifest(path: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new AppError('ARCHIVE_INVALID', `the manifest ${path} cannot be read`, { cause });
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError('ARCHIVE_INVALID', `the manifest ${path}: ${issue?.path.join('.')} ${issue?.message}`);
}

async function* readArchive(path: string): AsyncGenerator<Buffer, void, undefined> {
  const source = createReadStream(path);
  const content = source.pipe(createGunzip());
  // A pipe does not carry errors on, and one that nobody hears would end the process.
  source.on('error', (error) => content.destroy(error));
  try {
    for await (const chunk of content) {
      if (!Buffer.isBuffer(chunk)) throw new Error('a stream without encoding yields buffers');
      yield chunk;
    }
  } catch (cause) {
    throw new AppError('ARCHIVE_INVALID', `${path} cannot be read to its end`, { cause });
  } finally {
    source.destroy();
    content.destroy();
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o750 }).catch((cause: unknown) => unwritable(path, cause));
}

function unwritable(path: string, cause: unknown): never {
  throw new AppError('FILE_UNREADABLE', `${path} cannot be written`, { cause });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
