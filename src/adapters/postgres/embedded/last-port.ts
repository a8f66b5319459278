import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, failureFromErrno } from './engine-failure.ts';

const PORT_MAX = 65_535;

// A file of its own: `engine.json` goes when the engine stops, and this is what must outlive it.
function pathIn(dataDir: string): string {
  return join(dataDir, 'engine.port');
}

/** The port that the last engine of this data directory listened on; undefined when none is known. */
export async function readLastPort(dataDir: string): Promise<number | undefined> {
  const path = pathIn(dataDir);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw failureFromErrno(`Reading ${path}`, error);
  });
  // What a power cut left of it is as good as nothing: any free port will do.
  const port = /^\d{1,5}\n$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= PORT_MAX ? port : undefined;
}

/** Notes the port for the next start, so that clients find the engine again where it was. */
export async function writeLastPort(dataDir: string, port: number): Promise<void> {
  const path = pathIn(dataDir);
  await writeFile(path, `${port}\n`).catch((error: unknown) => {
    throw failureFromErrno(`Writing ${path}`, error);
  });
}
