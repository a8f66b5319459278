import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { runCommand } from './run-command.ts';

/** A redis-server that can be started, with what its environment needs besides ours. */
export interface RedisBinary {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

// The benchmarks run this file from the build, a folder deeper.
const CHECKOUT = packageRoot();
const HELP =
  'No Redis found. Do one of: set REDIS_URL; install it (`apt-get install redis-server`, `brew install redis`) so that ' +
  'redis-server or valkey-server is on the PATH; or run on Debian or Ubuntu with network access, where it is unpacked ' +
  'into .tollkeeper/redis without root.';

/** Finds a redis-server or valkey-server on the PATH, else unpacks Debian's own packages, which needs no root. */
export async function findRedisBinary(): Promise<RedisBinary> {
  for (const name of ['redis-server', 'valkey-server']) {
    const path = await findOnPath(name);
    if (path !== undefined) return { path, env: {} };
  }
  const store = await writableStore();
  const root = join(store, 'redis');
  const unpacked = await binaryIn(root);
  if (unpacked !== undefined) return unpacked;
  try {
    await unpackDebianRedis(store, root);
  } catch (cause) {
    throw new Error(HELP, { cause });
  }
  const binary = await binaryIn(root);
  if (binary === undefined) throw new Error(HELP, { cause: new Error(`nothing usable was unpacked into ${root}`) });
  return binary;
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  return undefined;
}

/** Where unpacked tools are kept: the checkout's `.tollkeeper`, or a folder of this user's when the checkout belongs to somebody else. */
export async function writableStore(): Promise<string> {
  const local = join(CHECKOUT, '.tollkeeper');
  try {
    await mkdir(local, { recursive: true });
    await access(local, constants.W_OK);
    return local;
  } catch {
    const own = join(tmpdir(), `tollkeeper-tools-${process.getuid?.() ?? 'user'}`);
    await mkdir(own, { recursive: true, mode: 0o700 });
    return own;
  }
}

async function binaryIn(root: string): Promise<RedisBinary | undefined> {
  const path = join(root, 'usr/bin/redis-server');
  if (!(await isExecutable(path))) return undefined;
  return { path, env: { LD_LIBRARY_PATH: (await libraryFolders(root)).join(delimiter) } };
}

async function libraryFolders(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true });
  const folders = entries.filter((entry) => /\.so(\.\d+)*$/.test(entry)).map((entry) => join(root, dirname(entry)));
  return [...new Set(folders)];
}

async function unpackDebianRedis(store: string, root: string): Promise<void> {
  // Unpacked beside the final place and renamed, so that a second test run never sees half a Redis.
  const work = await mkdtemp(join(store, 'redis-unpack-'));
  try {
    const apt = await privateApt(work);
    // A failing third-party list must not matter; whether Debian's was fetched shows in the next step.
    await runCommand('apt-get', [...apt, 'update', '-qq']).catch(() => undefined);
    const plan = await runCommand('apt-get', [...apt, '-s', '--no-install-recommends', 'install', 'redis-server']);
    // The packages that are not installed here: Redis itself and whichever of its libraries are missing.
    const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
    await runCommand('apt-get', [...apt, 'download', '-qq', ...packages], work);
    const unpacked = join(work, 'root');
    for (const name of (await readdir(work)).filter((entry) => entry.endsWith('.deb'))) {
      await runCommand('dpkg-deb', ['-x', join(work, name), unpacked]);
    }
    await rename(unpacked, root).catch((error: unknown) => acceptOther(root, error));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Options that keep apt away from the system's own state, which needs root and is not ours to touch. */
async function privateApt(work: string): Promise<readonly string[]> {
  const [state, cache] = [join(work, 'state'), join(work, 'cache')];
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(cache, 'archives/partial'), { recursive: true });
  const settings = {
    'Dir::State': state,
    'Dir::Cache': cache,
    'Dir::State::status': '/var/lib/dpkg/status',
    'Debug::NoLocking': '1',
    // As root, apt would download as user _apt, who cannot enter a checkout under /root.
    'APT::Sandbox::User': '',
    'Acquire::http::Timeout': '20',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function acceptOther(root: string, error: unknown): Promise<void> {
  if ((await binaryIn(root)) === undefined) throw error;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
