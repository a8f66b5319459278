import { spawn } from 'node:child_process';
import { AppError } from '../../../errors.ts';
import { errnoOf, failureFromErrno } from './engine-failure.ts';

/** The user whose rights PostgreSQL runs with, when that is not simply ourselves. */
export interface RunUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** What a short-lived program said and how it ended. */
export interface ProgramResult {
  readonly exitCode: number;
  readonly output: string;
}

// A fixed, tiny environment: the caller's PGDATA, PGOPTIONS or LC_* must not reach initdb or postgres.
const PROGRAM_ENV = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' };

/** Spawn options that make a child run as `user` (or as ourselves) and free it from our directory and environment. */
export function spawnRights(user: RunUser | undefined): {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly uid?: number;
  readonly gid?: number;
} {
  // The current directory may be one that only root can enter, and PostgreSQL refuses to start there.
  const common = { cwd: '/', env: PROGRAM_ENV };
  return user === undefined ? common : { ...common, uid: user.uid, gid: user.gid };
}

/** True when this process is root, which PostgreSQL refuses to run as. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The user root hands PostgreSQL to: `postgres`, else `nobody`. System users are never created. */
export async function findRunUser(): Promise<RunUser> {
  for (const name of ['postgres', 'nobody']) {
    const uid = await numericId('-u', name);
    const gid = await numericId('-g', name);
    if (uid !== undefined && gid !== undefined) return { name, uid, gid };
  }
  throw new AppError(
    'ENGINE_UNAVAILABLE',
    'PostgreSQL does not run as root, and no user `postgres` or `nobody` exists.',
    {
      fix: 'Run Tollkeeper as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
    },
  );
}

/** Runs a program to its end as `user`, with `input` on its stdin. Rejects only when it could not be started. */
export async function runProgram(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly user: RunUser | undefined;
}): Promise<ProgramResult> {
  const { command, args, user } = options;
  const child = spawn(command, args, { ...spawnRights(user), stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(spawnFailure({ command, user, cause })));
    child.once('close', (code) => resolve(code ?? 1));
  });
  return { exitCode, output: Buffer.concat(chunks).toString('utf8') };
}

/** The error for a child that could not even be started. */
export function spawnFailure(failed: {
  readonly command: string;
  readonly user: RunUser | undefined;
  readonly cause: unknown;
}): AppError {
  const { command, user, cause } = failed;
  if (user !== undefined && errnoOf(cause) === 'EPERM') {
    return new AppError('ENGINE_UNAVAILABLE', `This root may not start programs as user ${user.name}.`, {
      fix: 'Allow CAP_SETUID and CAP_SETGID, run as an ordinary user, or set DATABASE_URL.',
      cause,
    });
  }
  return failureFromErrno(`Starting ${command}`, cause);
}

/** Whether `user` passes every `test` primary, asked of the kernel as that user, so ACLs and umasks count too. */
export async function userCan(user: RunUser, checks: readonly (readonly [flag: '-r' | '-w' | '-x', path: string])[]) {
  const args = checks.flatMap(([flag, path], index) => [...(index === 0 ? [] : ['-a']), flag, path]);
  const { exitCode } = await runProgram({ command: 'test', args, user });
  return exitCode === 0;
}

async function numericId(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  const { exitCode, output } = await runProgram({ command: 'id', args: [flag, name], user: undefined });
  return exitCode === 0 ? Number.parseInt(output, 10) : undefined;
}
