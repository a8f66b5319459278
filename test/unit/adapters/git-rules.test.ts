import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readGitRuleFiles } from '../../../src/adapters/git-rules.ts';
import { readRuleFiles, signRuleFiles } from '../../../src/adapters/rule-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** A directory with a rule, a list, and what is neither. */
async function rulesDirectory(): Promise<string> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, 'lists'));
  await mkdir(join(directory, 'drafts'));
  for (const name of ['slow.yaml', 'lists/trusted.yaml', 'drafts/later.yaml', 'notes.md']) {
    await writeFile(join(directory, name), `# ${name}\n`);
  }
  return directory;
}

const EXPECTED = [
  { path: 'rules/lists/trusted.yaml', text: '# lists/trusted.yaml\n' },
  { path: 'rules/slow.yaml', text: '# slow.yaml\n' },
];

test('rules and lists are read from a directory, whose signature changes with any of them', async () => {
  const directory = await rulesDirectory();
  expect(await readRuleFiles(directory)).toEqual(EXPECTED);
  const before = await signRuleFiles(directory);
  expect(await signRuleFiles(directory)).toBe(before);
  await writeFile(join(directory, 'lists/trusted.yaml'), '# changed\n');
  expect(await signRuleFiles(directory)).not.toBe(before);
});

test('a git revision gives the same files as its directory did', async () => {
  const directory = await rulesDirectory();
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', directory, ...args], { stdio: 'pipe' })
      .toString()
      .trim();
  git('init', '--quiet');
  git('add', '.');
  // A tree needs no author, and no checkout to stand in.
  const tree = git('write-tree');
  const before = process.cwd();
  process.chdir(directory);
  try {
    expect(await readGitRuleFiles(`${tree}:`)).toEqual(EXPECTED);
  } finally {
    process.chdir(before);
  }
});
