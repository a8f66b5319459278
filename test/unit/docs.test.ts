import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { VARIABLES } from '../../src/config.ts';
import { cliContext, runCli } from '../support/cli.ts';
import { type Page, readPages, wordsOf } from '../support/markdown.ts';
import { readSources } from '../support/tidy/source-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = readPages(root);
const readme = pages.find(({ path }) => path === 'README.md');
if (readme === undefined) throw new Error('there is no README.md');

const output = { data: () => undefined, note: () => undefined, columns: undefined };
const program = createProgram({ ...cliContext({}), output, setExitCode: () => undefined });

const PROGRAM = /(?:^|[\s=])(?:tollkeeper|\S+\/tollkeeper\.mjs) (.+)$/;

/** The arguments of every `tollkeeper …` on a page. */
function invocations({ code }: Page): readonly (readonly string[])[] {
  return code.flatMap((line) => {
    // A chain of commands is looked at one by one.
    return line.split(/ && | \| /).flatMap((part) => {
      const rest = PROGRAM.exec(part)?.[1];
      return rest === undefined ? [] : [wordsOf(rest)];
    });
  });
}

/** What is wrong with a command line by the command's own help; undefined when nothing is. */
function faultOf(words: readonly string[]): string | undefined {
  let command: Command = program;
  for (const [index, word] of words.entries()) {
    // "-5.00 USD" is an amount.
    if (/^-\D/.test(word)) {
      const [name = '', inline] = word.split('=', 2);
      const option = command.options.find(({ long, short }) => long === name || short === name);
      if (option === undefined && name !== '--help') return `${command.name()} has no option ${name}`;
      const value = inline ?? words[index + 1];
      const { argChoices } = option ?? {};
      if (argChoices !== undefined && !argChoices.includes(value ?? '')) return `${name} takes no ${value}`;
      continue;
    }
    const child = command.commands.find((candidate) => candidate.name() === word);
    // A command may take an argument of its own beside its subcommands.
    const needsChild = command.commands.length > 0 && command.registeredArguments.length === 0;
    if (child === undefined && needsChild) return `${command.name()} has no command ${word}`;
    command = child ?? command;
  }
  return undefined;
}

function everyOption(command: Command): readonly string[] {
  return [...command.options.map(({ long }) => long ?? ''), ...command.commands.flatMap(everyOption)];
}

describe.each(pages.map((page) => [page.path, page] as const))('%s', (path, page) => {
  test('names only commands and options that exist', () => {
    expect(invocations(page).flatMap((words) => faultOf(words) ?? [])).toEqual([]);
    const options = everyOption(program);
    const alone = page.code.filter((line) => line.startsWith('--')).map((line) => wordsOf(line)[0] ?? '');
    expect(alone.filter((name) => !options.includes(name))).toEqual([]);
  });

  test('links only to what is there', () => {
    const broken = page.links.filter((target) => {
      const [file = '', anchor] = target.split('#', 2);
      const place = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(root, place))) return true;
      return anchor !== undefined && pages.find((other) => other.path === place)?.anchors.has(anchor) !== true;
    });
    expect(broken).toEqual([]);
  });

  test('names only files that exist', () => {
    const words = page.code.flatMap((line) => line.split(/\s+/));
    const paths = words.filter((word) => /^(?:\.ci|bench|docs|fixtures|jobs|rules|src|test)\/[\w./-]*$/.test(word));
    const named = paths.filter((word) => !/NAME|NNNN/.test(word));
    expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  test('names only variables and npm scripts that exist', () => {
    const variables = page.text.match(/\b(?:TOLLKEEPER_[A-Z_]+|DATABASE_URL|REDIS_URL|LOG_[A-Z]+)\b/g) ?? [];
    expect(variables.filter((name) => !Object.hasOwn(VARIABLES, name))).toEqual([]);
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const called = page.code.flatMap((line) =>
      [...line.matchAll(/\bnpm run (?:-s )?(\w+)/g)].map(([, name = '']) => name),
    );
    expect(called.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

describe('the README', () => {
  const commands = [...readme.text.matchAll(/^\| `tollkeeper ([^`]+)` \|/gm)].map(([, line = '']) => line);

  test('says on its first screen what is needed to see and to test it', () => {
    const lines = readme.text.split('\n').slice(0, 40);
    expect(lines).toContain('npm ci && npx tollkeeper demo');
    expect(lines).toContain('npm ci && npm test');
  });

  test('sets up the tests with the very commands of .ci/run', () => {
    const steps = read('.ci/run')
      .split('\n')
      .filter((line) => line.startsWith('npm '));
    expect(steps.join(' && ')).toBe('npm ci && npm test');
  });

  test('gives an example of every command', () => {
    const examples = commands.map((line) => wordsOf(line));
    const leaves = program.commands.flatMap((command) =>
      command.commands.length === 0
        ? [[command.name()]]
        : command.commands.map((child) => [command.name(), child.name()]),
    );
    const elsewhere = ['demo', 'start'];
    const missing = leaves.filter(
      (leaf) =>
        !elsewhere.includes(leaf.join(' ')) && !examples.some((words) => leaf.every((name, at) => words[at] === name)),
    );
    expect(missing).toEqual([]);
  });

  test.each(commands)('tollkeeper %s is understood', async (line) => {
    const { stderr, exitCode } = await runCli(wordsOf(line));
    // The test gives the command nothing to work on: it may fail, but not over its own words.
    expect(stderr).not.toContain('CLI_USAGE');
    expect(exitCode).not.toBe(0);
  });

  test('lists the figures that the benchmark prints, in its order', () => {
    const table = /bench:pipeline:begin(.*)bench:pipeline:end/s.exec(readme.text)?.[1] ?? '';
    const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    const printed = [...read('bench/pipeline.ts').matchAll(/\{ name: '(\w+)', value/g)].map(([, name]) => name);
    expect(rows).toEqual(printed);
  });
});

test('every decision that a comment mentions is on record', () => {
  const decisions = pages
    .filter(({ path }) => path.startsWith('docs/decisions/'))
    .map(({ path }) => path.slice(15, 19));
  expect(new Set(decisions).size).toBe(decisions.length);
  const texts = [
    ...readSources(root).map(({ text }) => text),
    read('src/adapters/postgres/migrations/0001-ledger.sql'),
  ];
  const mentioned = texts.flatMap((text) =>
    [...text.matchAll(/docs\/decisions\/(\d{4})/g)].map(([, number]) => number),
  );
  expect(mentioned.length).toBeGreaterThan(0);
  expect(mentioned.filter((number) => !decisions.includes(number ?? ''))).toEqual([]);
});
