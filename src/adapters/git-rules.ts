import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RuleFile } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';

const run = promisify(execFile);

/** A revision and a directory in it, such as `main:rules` or `HEAD~1:rules`. */
const REVISION = /^(?<revision>[^:-][^:]*):(?<directory>[^:]*)$/;

/** Whether a place names a directory of a git revision rather than one on disk. */
export function isGitPlace(place: string): boolean {
  return REVISION.test(place);
}

/** Every YAML file of a directory, and of its `lists/`, as it was in a git revision, in name order. */
export async function readGitRuleFiles(place: string): Promise<readonly RuleFile[]> {
  try {
    const listed = await git(['ls-tree', '--name-only', '-z', place]);
    const names = listed
      .split('\0')
      .filter((name) => /\.ya?ml$/.test(name))
      .sort();
    const directory = place.replace(/\/$/, '');
    const path = (name: string) => (directory.endsWith(':') ? `${directory}${name}` : `${directory}/${name}`);
    return await Promise.all(
      names.map(async (name) => ({ path: `rules/${name}`, text: await git(['show', path(name)]) })),
    );
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n')[0] : undefined;
    throw new AppError('FILE_UNREADABLE', `${place} cannot be read from git${said === undefined ? '' : `: ${said}`}.`, {
      cause: error,
      fix: 'Name a directory, or a revision and a directory such as main:rules, inside a git checkout.',
    });
  }
}

async function git(args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', [...args], { maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}
