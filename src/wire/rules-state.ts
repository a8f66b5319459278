import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { processStart } from '../adapters/postgres/embedded/process-identity.ts';
import { shortHash } from '../domain/rules/rules-words.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { formatUtc } from '../domain/text/utc.ts';

/** Beside the engine's own file: what the service of this directory runs, for other commands to tell. */
const FILE = 'rules.json';

const stateSchema = z.object({
  pid: z.int(),
  /** Marks the process; a pid alone can be somebody else's by now. */
  started: z.string(),
  hash: z.string(),
  loadedAtMs: z.number(),
  directory: z.string(),
  onDisk: z.object({ hash: z.string(), sinceMs: z.number(), errors: z.int() }).optional(),
});

/** The rules a running service has in force. */
export type RunningRules = z.infer<typeof stateSchema>;

/** Writes down what this process has in force. */
export async function writeRunningRules(
  dataDir: string,
  state: { readonly ruleset: Ruleset; readonly loadedAtMs: number; readonly directory: string },
): Promise<void> {
  const { ruleset, loadedAtMs, directory } = state;
  const started = (await processStart(process.pid)) ?? '';
  const { hash, onDisk } = ruleset;
  const written: RunningRules = { pid: process.pid, started, hash, loadedAtMs, directory, ...(onDisk && { onDisk }) };
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // Renamed into place, so that nobody reads half of it.
  const temporary = join(dataDir, `${FILE}.${process.pid}`);
  await writeFile(temporary, `${JSON.stringify(written, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, join(dataDir, FILE));
}

export async function removeRunningRules(dataDir: string): Promise<void> {
  await rm(join(dataDir, FILE), { force: true });
}

/** What the running service of this data directory has in force; undefined when none runs. */
export async function readRunningRules(dataDir: string): Promise<RunningRules | undefined> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const state = stateSchema.safeParse(parseJson(text));
  if (!state.success) return undefined;
  return (await processStart(state.data.pid)) === state.data.started ? state.data : undefined;
}

/** `ruleset 9c41f2 (loaded 12 Mar 2026 09:12 UTC)`. */
export function runningWords({ hash, loadedAtMs }: Pick<RunningRules, 'hash' | 'loadedAtMs'>): string {
  return `ruleset ${shortHash(hash)} (loaded ${formatUtc(loadedAtMs, { year: true })})`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
