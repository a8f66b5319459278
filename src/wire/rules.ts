import { existsSync } from 'node:fs';
import { isGitPlace, readGitRuleFiles } from '../adapters/git-rules.ts';
import { readRuleFiles, shippedRules } from '../adapters/rule-files.ts';
import { type LoadOptions, type LoadResult, loadRuleset, type RuleFile } from '../domain/rules/ruleset.ts';
import { AppError } from '../errors.ts';

/** The rule files of a directory (default: the shipped ones), or of one in a git revision (`main:rules`), read and checked. */
export async function readRules(
  directory = shippedRules(),
  options: LoadOptions = {},
): Promise<{ readonly directory: string; readonly result: LoadResult }> {
  const { files } = await readRuleTexts(directory);
  return { directory, result: loadRuleset(files, options) };
}

/** The same files as text: for commands that try variants of them. */
export async function readRuleTexts(
  directory = shippedRules(),
): Promise<{ readonly directory: string; readonly files: readonly RuleFile[] }> {
  const isOnDisk = !isGitPlace(directory) || existsSync(directory);
  return { directory, files: isOnDisk ? await readRuleFiles(directory) : await readGitRuleFiles(directory) };
}

/**
 * The rules that the environment names (default: the shipped ones). A directory that is not there is then a mistake in the
 * configuration; on the command line the same would be wrong usage.
 */
export async function readConfiguredRules(
  directory: string | undefined,
  options: LoadOptions = {},
): Promise<{ readonly directory: string; readonly result: LoadResult }> {
  try {
    return await readRules(directory, options);
  } catch (error) {
    if (directory === undefined || !(error instanceof AppError) || error.code !== 'FILE_UNREADABLE') throw error;
    throw new AppError('CONFIG_INVALID', `TOLLKEEPER_RULES_DIR: ${error.message}`, { cause: error.cause });
  }
}
