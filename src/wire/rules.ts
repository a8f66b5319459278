import { join } from 'node:path';
import { packageRoot } from '../adapters/package-root.ts';
import { readRuleFiles } from '../adapters/rule-files.ts';
import { type LoadOptions, type LoadResult, loadRuleset } from '../domain/rules/ruleset.ts';

/** The rule files of a directory (default: the shipped ones), read and checked. */
export async function readRules(
  directory = join(packageRoot(), 'rules'),
  options: LoadOptions = {},
): Promise<{ readonly directory: string; readonly result: LoadResult }> {
  return { directory, result: loadRuleset(await readRuleFiles(directory), options) };
}
