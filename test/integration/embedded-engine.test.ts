import { chmod, cp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/adapters/postgres/embedded/embedded-postgres.ts';
import { prepareBinaries } from '../../src/adapters/postgres/embedded/engine-binaries.ts';
import { lockEngine } from '../../src/adapters/postgres/embedded/engine-lock.ts';
import { findPlatformPackage } from '../../src/adapters/postgres/embedded/platform-package.ts';
import { findRunUser, isRoot, runProgram } from '../../src/adapters/postgres/embedded/run-user.ts';
import type { EngineEvent } from '../../src/adapters/postgres/embedded/supervisor.ts';
import { until } from '../support/poll.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const engine = await startEmbeddedPostgres({ durable: false, ...options });
  onTestFinished(engine.stop);
  return engine;
}

async function query(connectionString: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  // A server that is killed on purpose ends our session with an event.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a second start finds the data of the first', async () => {
  const dataDir = await temporaryDirectory();
  const first = await start({ dataDir });
  await query(first.connectionString, 'create table kept as select 42 as answer');
  await first.stop();
  const second = await start({ dataDir });
  expect(await query(second.connectionString, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a durable engine syncs, checks pages, speaks UTF-8 and listens on loopback only', async () => {
  const engine = await start({ dataDir: await temporaryDirectory(), durable: true });
  const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'server_encoding'];
  const settings = [...names, 'listen_addresses', 'unix_socket_directories', 'jit'];
  const columns = settings.map((name) => `current_setting('${name}') as ${name}`).join(', ');
  expect(await query(engine.connectionString, `select ${columns}`)).toEqual([
    {
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      data_checksums: 'on',
      server_encoding: 'UTF8',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      jit: 'off',
    },
  ]);
});

test('nobody gets in without the password, and only the owner can read it', async () => {
  const engine = await start({ dataDir: await temporaryDirectory() });
  const guess = new URL(engine.connectionString);
  guess.password = 'guess';
  await expect(query(guess.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  expect((await stat(engine.dataDir)).mode & 0o777).toBe(0o700);
  expect((await stat(join(engine.dataDir, 'password'))).mode & 0o777).toBe(0o600);
});

test('a taken port is refused by name', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void blocker.close());
  const address = blocker.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const attempt = start({ dataDir: await temporaryDirectory(), port });
  await expect(attempt).rejects.toMatchObject({
    code: 'ENGINE_PORT_IN_USE',
    message: expect.stringContaining(`${port}`),
  });
});

test('data of another major version is refused with the way out', async () => {
  const dataDir = await temporaryDirectory();
  const engine = await start({ dataDir });
  await engine.stop();
  await writeFile(join(engine.dataDir, 'data/PG_VERSION'), '17\n');
  await expect(start({ dataDir })).rejects.toMatchObject({
    code: 'ENGINE_DATA_VERSION',
    fix: expect.stringContaining('pg_dump'),
  });
});

test('a killed server comes back on its port with what was committed, and its host is told', async () => {
  const events: EngineEvent[] = [];
  const dataDir = await temporaryDirectory();
  const engine = await start({ dataDir, durable: true, onEvent: (event) => events.push(event) });
  await query(engine.connectionString, 'create table kept as select 42 as answer');
  const killed = engine.pid;
  process.kill(killed, 'SIGKILL');
  await until('the server is back', () => events.some(({ kind }) => kind === 'restarted'));
  expect(await query(engine.connectionString, 'select answer from kept')).toEqual([{ answer: 42 }]);
  expect(engine.pid).not.toBe(killed);
  expect(events[0]).toMatchObject({ kind: 'exited', exit: { signal: 'SIGKILL' } });
});

test('a directory that only root may enter keeps its data within reach of the run user', async () => {
  const dataDir = await temporaryDirectory();
  await chmod(dataDir, 0o700);
  const first = await start({ dataDir });
  onTestFinished(() => rm(first.dataDir, { recursive: true, force: true }));
  // An ordinary user can enter its own directories; only root hands the data to somebody who cannot.
  expect(first.dataDir.startsWith('/var/tmp/')).toBe(isRoot());
  await query(first.connectionString, 'create table kept as select 42 as answer');
  await first.stop();
  const second = await start({ dataDir });
  expect(second.dataDir).toBe(first.dataDir);
  expect(await query(second.connectionString, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('programs in a folder the run user cannot use are copied once, links included, by any number of starts', async () => {
  const real = await findPlatformPackage();
  const closed = await temporaryDirectory();
  const nativeDir = join(closed, 'native');
  const keep = (path: string) => !/\.(?:a|so|so\.\d+)$/.test(path) || !/lib(?:pq|ecpg|icu|pgtypes)/.test(path);
  await cp(real.nativeDir, nativeDir, { recursive: true, verbatimSymlinks: true, filter: keep });
  // Root may write to a read-only folder, an ordinary user may enter a closed one: close it for either.
  await chmod(closed, isRoot() ? 0o700 : 0o755);
  await chmod(join(nativeDir, 'lib'), 0o555);
  onTestFinished(() => chmod(join(nativeDir, 'lib'), 0o755));

  const user = isRoot() ? await findRunUser() : undefined;
  const pkg = { ...real, nativeDir, version: `${real.version}-test-${process.pid}` };
  const [first, second] = await Promise.all([prepareBinaries(pkg, user), prepareBinaries(pkg, user)]);
  onTestFinished(() => rm(join(first.postgres, '../..'), { recursive: true, force: true }));

  expect(first).toEqual(second);
  expect(first.postgres.startsWith(nativeDir)).toBe(false);
  // The loader finds no libpq without the links.
  const version = await runProgram({ command: first.initdb, args: ['--version'], user });
  expect(version.output).toContain('PostgreSQL');
});

test('an engine file names its port and is readable by its owner only', async () => {
  const dataDir = await temporaryDirectory();
  const engine = await start({ dataDir });
  const path = join(dataDir, 'engine.json');
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid, engine: { port: engine.port } });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await engine.stop();
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a restarted engine is found where it was, so that clients need no new address', async () => {
  const dataDir = await temporaryDirectory();
  const first = await start({ dataDir });
  await first.stop();
  const second = await start({ dataDir });
  expect(second.connectionString).toBe(first.connectionString);
});

test('when its port was taken meanwhile, a new one is found and kept from then on', async () => {
  const dataDir = await temporaryDirectory();
  const first = await start({ dataDir });
  await first.stop();
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(first.port, '127.0.0.1', resolve));
  onTestFinished(() => void blocker.close());
  const second = await start({ dataDir });
  expect(second.port).not.toBe(first.port);
  await second.stop();
  await new Promise((resolve) => blocker.close(resolve));
  const third = await start({ dataDir });
  expect(third.port).toBe(second.port);
});

test('a broken note of the last port is no reason not to start', async () => {
  const dataDir = await temporaryDirectory();
  await writeFile(join(dataDir, 'engine.port'), '99999\n');
  expect((await start({ dataDir })).port).toBeLessThan(65_536);
});

test.each([
  ['is a file', '', 'is a file, and the data directory is to be there'],
  ['lies below a file', 'a/b', 'is a file, and the data directory'],
])('a data directory that %s is refused by name, with what to do', async (_what, below, message) => {
  const file = join(await temporaryDirectory(), 'file');
  await writeFile(file, '');
  await expect(lockEngine(join(file, below))).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    message: expect.stringContaining(`${file} ${message}`),
    fix: 'Point TOLLKEEPER_DATA_DIR at a directory, or move the file away.',
  });
});

// /sys refuses everybody, root too, as a read-only file system does; under /proc a recursive mkdir would never end.
test.each(['/sys/tollkeeper', '/sys/tollkeeper/data', '/proc/tollkeeper/data'])(
  'a data directory that cannot be made (%s) is refused with what to do',
  async (dataDir) => {
    await expect(lockEngine(dataDir)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('Creating the data directory '),
      fix: expect.stringContaining('oint TOLLKEEPER_DATA_DIR at a directory this user may write to.'),
    });
  },
);
