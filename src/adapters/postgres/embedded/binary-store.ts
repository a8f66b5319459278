import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { lstat, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf, failureFromErrno, failureFromOutput } from './engine-failure.ts';
import { libraryLinks, type PlatformPackage } from './platform-package.ts';
import { makePrivateDirectory, reachableBase } from './private-directory.ts';
import { processStart } from './process-identity.ts';
import { type RunUser, runProgram, spawnFailure, spawnRights } from './run-user.ts';

/** Copies the package's programs to where `user` can run them; every checkout of the same version shares the copy. */
export async function copyBinaries(pkg: PlatformPackage, user: RunUser | undefined): Promise<string> {
  const base = await reachableBase(user);
  const target = join(base, `binaries-${pkg.version}-${process.platform}-${process.arch}`);
  if (await exists(target)) return target;

  // Copied beside the target and renamed, so that the target is whole from the moment it exists. Of two processes
  // copying at once one rename fails, and that one uses what the other made.
  await removeAbandoned(base, `${basename(target)}.partial-`, user);
  const partial = `${target}.partial-${process.pid}-${randomUUID()}`;
  await makePrivateDirectory(partial, user);
  try {
    await copyTree({ from: pkg.nativeDir, to: partial, user });
    await completeCopy({ nativeDir: partial, pkg, user });
    await rename(partial, target);
    return target;
  } catch (error) {
    await remove(partial, user);
    if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) return target;
    throw failureFromErrno(`Copying the PostgreSQL programs to ${target}`, error);
  }
}

// Two tars and a pipe instead of a copy: the reader has our rights, since only we may enter the source, and the writer
// has the run user's, so that nothing changes hands afterwards and root never writes into a folder of somebody else.
async function copyTree(trees: {
  readonly from: string;
  readonly to: string;
  readonly user: RunUser | undefined;
}): Promise<void> {
  const { from, to, user } = trees;
  const exclude = ['--exclude=*.a', '--exclude=pkgconfig', '--exclude=pgxs'];
  const reader = spawn('tar', ['-cf', '-', ...exclude, '-C', from, '.'], {
    ...spawnRights(undefined),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const writer = spawn('tar', ['-xf', '-', '--no-same-owner', '-C', to], {
    ...spawnRights(user),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaints = '';
  for (const stream of [reader.stderr, writer.stderr]) stream.on('data', (chunk: Buffer) => (complaints += chunk));
  // A writer that gave up closes the pipe; its exit code tells the story, this event would only hide it. The reader must
  // then be emptied elsewhere, or it would wait for ever to be read.
  writer.stdin.on('error', () => reader.stdout.resume());
  reader.stdout.pipe(writer.stdin);
  const ends = [reader, writer].map(
    (child) =>
      new Promise<number>((resolve, reject) => {
        child.once('error', (cause) => reject(spawnFailure({ command: 'tar', user, cause })));
        child.once('close', (code) => resolve(code ?? 1));
      }),
  );
  const codes = await Promise.all(ends);
  if (codes.some((code) => code !== 0)) throw failureFromOutput(`Copying ${from} to ${to}`, complaints);
}

async function completeCopy(place: {
  readonly nativeDir: string;
  readonly pkg: PlatformPackage;
  readonly user: RunUser | undefined;
}): Promise<void> {
  const links = await libraryLinks(place.pkg.nativeDir);
  const pairs = links.flatMap(({ path, pointsTo }) => [pointsTo, join(place.nativeDir, path)]);
  // From a read-only node_modules come read-only folders, which could neither be completed nor ever be removed.
  const loop =
    'chmod -R u+w "$1" && shift && while [ $# -gt 1 ]; do [ -L "$2" ] || [ -e "$2" ] || ln -s "$1" "$2" || exit 1; shift 2; done';
  const made = await runProgram({
    command: 'sh',
    args: ['-c', loop, 'sh', place.nativeDir, ...pairs],
    user: place.user,
  });
  if (made.exitCode !== 0) throw failureFromOutput(`Completing ${place.nativeDir}`, made.output);
}

/** Removes what a process that was killed while copying left behind. */
async function removeAbandoned(base: string, prefix: string, user: RunUser | undefined): Promise<void> {
  for (const name of await readdir(base)) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if ((await processStart(pid)) === undefined) await remove(join(base, name), user);
  }
}

async function remove(path: string, user: RunUser | undefined): Promise<void> {
  await runProgram({ command: 'rm', args: ['-rf', '--', path], user });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
