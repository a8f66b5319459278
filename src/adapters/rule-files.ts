import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RuleFile } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';
import { packageRoot } from './package-root.ts';

/** Every YAML file of a rules directory (default: the shipped `rules/`), as text, in name order. */
export async function readRuleFiles(directory = join(packageRoot(), 'rules')): Promise<readonly RuleFile[]> {
  try {
    const names = (await readdir(directory)).filter((name) => /\.ya?ml$/.test(name)).sort();
    return await Promise.all(
      names.map(async (name) => ({ path: `rules/${name}`, text: await readFile(join(directory, name), 'utf8') })),
    );
  } catch (error) {
    throw new AppError('FILE_UNREADABLE', `the rules directory ${directory} cannot be read`, { cause: error });
  }
}
