import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { startEmbeddedPostgres } from '../../src/adapters/postgres/embedded/embedded-postgres.ts';
import { answers } from '../../src/adapters/postgres/embedded/engine-database.ts';
import { lockEngine } from '../../src/adapters/postgres/embedded/engine-lock.ts';
import { openEngine } from '../../src/adapters/postgres/embedded/open-engine.ts';
import { stopOrphan } from '../../src/adapters/postgres/embedded/postmaster.ts';
import { type CompiledSources, compileSources } from '../support/compiled-sources.ts';
import { until } from '../support/poll.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const lineSchema = z.object({
  status: z.enum(['started', 'attached']).optional(),
  dataDir: z.string().default(''),
  connectionString: z.string(),
});

type Line = z.infer<typeof lineSchema>;

let compiled: CompiledSources;

beforeAll(async () => {
  compiled = await compileSources();
});

afterAll(async () => {
  await compiled.remove();
});

/** A process that holds an engine, once it has one. */
async function holder(...args: readonly string[]): Promise<Line & { readonly child: ChildProcess }> {
  const script = join(compiled.dir, 'test/support/engine-child.js');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGTERM'));
  for await (const line of createInterface({ input: child.stdout }))
    return { ...lineSchema.parse(JSON.parse(line)), child };
  throw new Error('the process ended before it had an engine');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

test('processes that open one directory at the same moment share one engine', async () => {
  const dir = await temporaryDirectory();
  const holders = await Promise.all(Array.from({ length: 6 }, () => holder('open', dir)));
  expect(holders.filter(({ status }) => status === 'started')).toHaveLength(1);
  expect(new Set(holders.map(({ connectionString }) => connectionString)).size).toBe(1);
  // Those who attached leave it running; the one that started it ends it.
  const ordered = holders.toSorted((a) => (a.status === 'started' ? 1 : -1));
  for (const { child, connectionString, status } of ordered) {
    child.stdin?.end();
    await ended(child);
    expect(await answers(connectionString)).toBe(status === 'attached');
  }
});

test('a command that must run the engine itself is refused while another process does', async () => {
  const dir = await temporaryDirectory();
  const { child } = await holder('open', dir);
  const refusal = { code: 'ENGINE_LOCKED', message: expect.stringContaining(`${child.pid}`) };
  await expect(openEngine({ dir, exclusive: true })).rejects.toMatchObject(refusal);
  await expect(startEmbeddedPostgres({ dataDir: dir })).rejects.toMatchObject(refusal);
});

test('a killed process takes its engine with it, and the next one takes over', async () => {
  const dir = await temporaryDirectory();
  const { child, connectionString } = await holder('open', dir);
  child.kill('SIGKILL');
  await ended(child);
  const next = await openEngine({ dir });
  onTestFinished(next.release);
  expect(next.status).toBe('started');
  expect(await answers(next.connectionString)).toBe(true);
  expect(next.connectionString === connectionString || !(await answers(connectionString))).toBe(true);
});

test('a server that was left behind is stopped cleanly', async () => {
  const dataDir = await temporaryDirectory();
  const exits: (number | null)[] = [];
  const engine = await startEmbeddedPostgres({
    dataDir,
    onEvent: (event) => event.kind === 'exited' && exits.push(event.exit.exitCode),
  });
  onTestFinished(engine.stop);
  await stopOrphan(join(engine.dataDir, 'data'), () => undefined);
  await until('its end is noticed', () => exits.length > 0);
  expect(exits).toEqual([0]);
});

test('a pid file whose number another program has by now does not prevent a start', async () => {
  const pgdata = join(await temporaryDirectory(), 'data');
  await mkdir(pgdata);
  const pidFile = join(pgdata, 'postmaster.pid');
  await writeFile(pidFile, `${process.pid}\n${pgdata}\n`);
  await stopOrphan(pgdata, () => undefined);
  expect(await exists(pidFile)).toBe(false);
});

test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'nothing is left of a throwaway engine after %s',
  async (signal) => {
    const { child, connectionString, dataDir } = await holder('throwaway');
    child.kill(signal);
    await ended(child);
    await until('its directory is gone', async () => !(await exists(join(dataDir, '..'))));
    expect(await answers(connectionString)).toBe(false);
  },
);

test('nothing is left of a throwaway engine that was stopped', async () => {
  const { child, dataDir } = await holder('throwaway');
  child.stdin?.end();
  await ended(child);
  expect(await exists(join(dataDir, '..'))).toBe(false);
});

test('of many that find the lock of a dead process exactly one takes it over', async () => {
  const dir = await temporaryDirectory();
  const dead = { pid: process.pid, processStart: 'before the reboot', startedAt: '2026-01-01T00:00:00.000Z' };
  await writeFile(join(dir, 'engine.json'), JSON.stringify(dead));
  const results = await Promise.all(Array.from({ length: 20 }, () => lockEngine(dir)));
  expect(results.filter(({ status }) => status === 'locked')).toHaveLength(1);
});

test('a lock file that a power cut left empty counts as free', async () => {
  const dir = await temporaryDirectory();
  await writeFile(join(dir, 'engine.json'), '');
  expect(await lockEngine(dir)).toMatchObject({ status: 'locked' });
});

test('a killed server that nobody has collected yet is waited for, or its pid file goes: PostgreSQL takes it for alive', async () => {
  const dir = await temporaryDirectory();
  // The shell becomes another program, which never collects the child it started.
  const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  const zombie = Number(line);
  await until('the child is a zombie', async () => (await readFile(`/proc/${zombie}/stat`, 'utf8')).includes(') Z '));
  const pidFile = join(dir, 'postmaster.pid');
  await writeFile(pidFile, `${zombie}\n${dir}\n`);
  const startedAtMs = performance.now();
  await stopOrphan(dir, () => undefined);
  expect(performance.now() - startedAtMs).toBeGreaterThan(1_000);
  expect(await exists(pidFile)).toBe(false);
}, 60_000);
