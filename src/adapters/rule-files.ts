import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RuleFile } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import { packageRoot } from './package-root.ts';

/** Where lists stand, beside the rules. */
const LISTS = 'lists';

/** More bytes than this no check reads: the file is refused for its size, and its content does not matter. */
const READ_BYTES_MAX = 2 * 1024 * 1024;

/** Longer texts do not fit a string everywhere. */
const LENGTH_MAX = 64 * 1024 * 1024;

/** Ten thousand open files are more than most systems allow. */
const FILES_AT_ONCE = 64;

/** Every YAML file of a rules directory (default: the shipped `rules/`) and of its `lists/`, as text, in name order. */
export async function readRuleFiles(directory = shippedRules()): Promise<readonly RuleFile[]> {
  try {
    const names = await namesIn(directory);
    const files: RuleFile[] = [];
    for (let from = 0; from < names.length; from += FILES_AT_ONCE) {
      const some = names.slice(from, from + FILES_AT_ONCE);
      files.push(
        ...(await Promise.all(
          some.map(async (name) => ({ path: `rules/${name}`, text: await readText(join(directory, name)) })),
        )),
      );
    }
    return files;
  } catch (error) {
    throw new AppError('FILE_UNREADABLE', `the rules directory ${directory} cannot be read`, { cause: error });
  }
}

/**
 * A text that changes whenever a file of the directory does: names, sizes and times. Cheap enough to ask every second;
 * notifications of the file system do not reach every mount.
 */
export async function signRuleFiles(directory: string): Promise<string> {
  try {
    const names = await namesIn(directory);
    const lines = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeNs, ctimeNs, ino } = await stat(join(directory, name), { bigint: true });
        return `${name} ${size} ${mtimeNs} ${ctimeNs} ${ino}`;
      }),
    );
    return lines.join('\n');
  } catch (error) {
    throw new AppError('FILE_UNREADABLE', `the rules directory ${directory} cannot be read`, { cause: error });
  }
}

/** The rules that come with the program. */
export function shippedRules(): string {
  return join(packageRoot(), 'rules');
}

async function namesIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const rules = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const hasLists = entries.some((entry) => entry.name === LISTS && !entry.isFile());
  const lists = hasLists ? (await readdir(join(directory, LISTS))).map((name) => `${LISTS}/${name}`) : [];
  return [...rules, ...lists].filter((name) => /\.ya?ml$/.test(name)).sort();
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size <= READ_BYTES_MAX) return readFile(path, 'utf8');
  // Its size is all that will be said of it.
  return ' '.repeat(Math.min(size, LENGTH_MAX));
}
