import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../errors.ts';
import type { EngineBinaries } from './engine-binaries.ts';
import { errnoOf, failureFromErrno, failureFromOutput } from './engine-failure.ts';
import type { EngineHome } from './engine-home.ts';
import { runProgram } from './run-user.ts';

/** The role that owns everything in an embedded engine. */
export const SUPERUSER = 'tollkeeper';

/** An initialised cluster: its PGDATA and the superuser's password. */
export interface Cluster {
  readonly pgdata: string;
  readonly password: string;
}

/**
 * Whether a data directory holds a cluster, without making one. What cannot be looked at counts as there: opening it says
 * why it cannot be used.
 */
export async function clusterExists(dataDir: string): Promise<boolean> {
  const pgdata = join(dataDir, 'postgres', 'data');
  return (await majorOf(pgdata).catch(() => 0)) !== undefined;
}

/** Opens the cluster in `home`, initialising it at the first start, and refuses one of another major version. */
export async function prepareCluster(options: {
  readonly home: EngineHome;
  readonly binaries: EngineBinaries;
  readonly serverMajor: number;
  readonly durable: boolean;
}): Promise<Cluster> {
  const { home, serverMajor } = options;
  const pgdata = join(home.directory, 'data');
  const password = await passwordIn(home);
  const dataMajor = await majorOf(pgdata);
  if (dataMajor === undefined) await initialise({ ...options, pgdata });
  else if (dataMajor !== serverMajor) throw otherMajor({ pgdata, dataMajor, serverMajor });
  return { pgdata, password };
}

async function initialise(options: {
  readonly home: EngineHome;
  readonly binaries: EngineBinaries;
  readonly durable: boolean;
  readonly pgdata: string;
}): Promise<void> {
  const { home, binaries, durable, pgdata } = options;
  // initdb works in a directory beside the final one, so that a start that was killed half-way leaves nothing that looks
  // like a cluster.
  const partial = `${pgdata}.partial`;
  await runProgram({ command: 'rm', args: ['-rf', '--', partial], user: home.user });
  const result = await runProgram({
    command: binaries.initdb,
    args: [
      `--pgdata=${partial}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile(home)}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // PostgreSQL's own C.UTF-8: sorts by code point on every operating system, whatever its C library thinks.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
      ...(durable ? [] : ['--no-sync']),
    ],
    user: home.user,
  });
  if (result.exitCode !== 0) {
    await runProgram({ command: 'rm', args: ['-rf', '--', partial], user: home.user });
    throw failureFromOutput('Initialising the database', result.output);
  }
  await rename(partial, pgdata);
}

/** The superuser's password, made at the first start and kept in a file that only the run user (and root) may read. */
async function passwordIn(home: EngineHome): Promise<string> {
  const path = passwordFile(home);
  try {
    // O_EXCL and O_NOFOLLOW: the directory is the run user's, so root must not be led elsewhere by a link.
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(24).toString('hex')}\n`);
      if (home.user !== undefined) await file.chown(home.user.uid, home.user.gid);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw failureFromErrno(`Writing ${path}`, error);
  }
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    throw failureFromErrno(`Reading ${path}`, error);
  });
  try {
    const password = (await file.readFile('utf8')).trim();
    if (password !== '') return password;
  } finally {
    await file.close();
  }
  throw new AppError('ENGINE_UNAVAILABLE', `${path} is empty, so the database cannot be opened.`, {
    fix: `Remove ${home.directory} if nothing in it is needed, or put the password back.`,
  });
}

function passwordFile(home: EngineHome): string {
  return join(home.directory, 'password');
}

async function majorOf(pgdata: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(join(pgdata, 'PG_VERSION'), 'utf8'), 10);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw failureFromErrno(`Reading ${pgdata}`, error);
  }
}

function otherMajor(found: {
  readonly pgdata: string;
  readonly dataMajor: number;
  readonly serverMajor: number;
}): AppError {
  const { pgdata, dataMajor, serverMajor } = found;
  return new AppError(
    'ENGINE_DATA_VERSION',
    `The data in ${pgdata} was written by PostgreSQL ${dataMajor}; this version brings PostgreSQL ${serverMajor}.`,
    {
      fix:
        `Run the Tollkeeper version that wrote it and dump its database with pg_dump ${dataMajor}; then start this version ` +
        'once with a new TOLLKEEPER_DATA_DIR and restore the dump into it with pg_restore.',
    },
  );
}
