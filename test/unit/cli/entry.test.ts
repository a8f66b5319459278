import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../support/poll.ts';

const run = promisify(execFile);
const ENTRY = fileURLToPath(new URL('../../../src/cli/tollkeeper.mjs', import.meta.url));

// Stands in for the compiler: notes that it ran, takes a moment, and emits a main that prints the source.
const COMPILER = `
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
appendFileSync('runs', 'x');
const source = readFileSync('src/app.ts', 'utf8');
if (source.includes('broken')) { console.log('src/app.ts(1,1): error'); process.exit(2); }
await new Promise((resolve) => setTimeout(resolve, 300));
mkdirSync('dist/src/cli', { recursive: true });
writeFileSync('dist/src/cli/main.js', 'export const main = async (args) => { console.log(' + JSON.stringify(source) + ', ...args); return 3; };');
`;

/** A checkout with the real entry and a pretended compiler. */
async function checkout(options: { readonly compiler: boolean } = { compiler: true }) {
  const root = await mkdtemp(join(tmpdir(), 'tollkeeper-entry-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'src/cli'), { recursive: true });
  await cp(ENTRY, join(root, 'src/cli/tollkeeper.mjs'));
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  await writeFile(join(root, 'tsconfig.json'), '{}');
  await writeFile(join(root, 'src/app.ts'), 'one');
  if (options.compiler) {
    await mkdir(join(root, 'node_modules/typescript/bin'), { recursive: true });
    await writeFile(join(root, 'node_modules/typescript/bin/tsc'), COMPILER);
    await writeFile(join(root, 'node_modules/typescript/package.json'), '{"type":"module"}');
  }
  return {
    root,
    builds: async () => (await readFile(join(root, 'runs'), 'utf8').catch(() => '')).length,
    start: (...args: readonly string[]) =>
      run(process.execPath, [join(root, 'src/cli/tollkeeper.mjs'), ...args]).then(
        () => ({ code: 0, stdout: '', stderr: '' }),
        (error: { code: number; stdout: string; stderr: string }) => error,
      ),
  };
}

test('the first run builds, the next does not, and the exit code is the command’s', async () => {
  const { start, builds } = await checkout();
  expect(await start('wallet', 'list')).toMatchObject({
    code: 3,
    stdout: 'one wallet list\n',
    stderr: 'building tollkeeper …\n',
  });
  expect(await start()).toMatchObject({ code: 3, stdout: 'one\n', stderr: '' });
  expect(await builds()).toBe(1);
});

test('a newer source is built before it runs', async () => {
  const { start, builds, root } = await checkout();
  await start();
  await writeFile(join(root, 'src/app.ts'), 'two');
  const later = new Date(Date.now() + 1_000);
  await utimes(join(root, 'src/app.ts'), later, later);
  expect(await start()).toMatchObject({ stdout: 'two\n' });
  expect(await builds()).toBe(2);
});

test('processes that start together build once and leave no lock', async () => {
  const { start, builds, root } = await checkout();
  const results = await Promise.all(Array.from({ length: 4 }, () => start()));
  expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 4 }, () => 'one\n'));
  expect(await builds()).toBe(1);
  expect(await readdir(join(root, 'dist'))).not.toContain('.building');
});

test('the lock of a builder that was killed holds up nobody', async () => {
  const { start, root } = await checkout();
  await mkdir(join(root, 'dist'));
  // A process id beyond the kernel's limit: nobody has it.
  await writeFile(join(root, 'dist/.building'), '99999999');
  expect(await start()).toMatchObject({ stdout: 'one\n' });
});

test('sources that do not compile are shown and nothing runs', async () => {
  const { start, root } = await checkout();
  await writeFile(join(root, 'src/app.ts'), 'broken');
  const result = await start();
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toContain('src/app.ts(1,1): error');
  expect(await readdir(join(root, 'dist'))).not.toContain('.building');
});

test('an installed package runs what it brought, and says so when that is missing', async () => {
  const { start, root } = await checkout({ compiler: false });
  expect(await start()).toMatchObject({ code: 1, stderr: expect.stringContaining('npm ci') });
  await mkdir(join(root, 'dist/src/cli'), { recursive: true });
  await writeFile(join(root, 'dist/src/cli/main.js'), 'export const main = async () => 4;');
  expect(await start()).toMatchObject({ code: 4 });
});

test('a command that has ended ends the process, whatever connection is left open', async () => {
  const { start, root } = await checkout({ compiler: false });
  await mkdir(join(root, 'dist/src/cli'), { recursive: true });
  const main = 'export const main = async () => { setInterval(() => undefined, 100); return 4; };';
  await writeFile(join(root, 'dist/src/cli/main.js'), main);
  expect(await start()).toMatchObject({ code: 4 });
});

test('npm run build is the same build: nothing runs, and a source changed meanwhile is built again', async () => {
  const manifest = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
  expect(manifest.scripts).toMatchObject({
    build: 'node src/cli/tollkeeper.mjs --build-only',
    prepare: 'npm run build',
  });

  const { start, builds, root } = await checkout();
  const building = start('--build-only');
  await until('the compiler runs', async () => (await builds()) === 1);
  await writeFile(join(root, 'src/app.ts'), 'two');
  expect(await building).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await start()).toMatchObject({ code: 3, stdout: 'two\n' });
  expect(await builds()).toBe(2);
  // Asked for, it compiles even what looks built.
  await start('--build-only');
  expect(await builds()).toBe(3);
});

test('a build that fails fails npm ci, and an installed package has nothing to build', async () => {
  const broken = await checkout();
  await writeFile(join(broken.root, 'src/app.ts'), 'broken');
  expect(await broken.start('--build-only')).toMatchObject({ code: 1, stderr: expect.stringContaining('error') });
  const installed = await checkout({ compiler: false });
  await mkdir(join(installed.root, 'dist/src/cli'), { recursive: true });
  await writeFile(join(installed.root, 'dist/src/cli/main.js'), 'export const main = async () => 4;');
  expect(await installed.start('--build-only')).toMatchObject({ code: 0 });
});
