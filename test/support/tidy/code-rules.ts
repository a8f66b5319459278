import { importsOf } from './layering.ts';
import type { SourceFile } from './source-file.ts';

const LINES_MAX = 400;
const PURE_LAYERS = /^src\/(?:domain|actions|pipeline)\//;
const PRODUCT = /^(?:src|jobs)\//;
const CLOCK_AND_CHANCE = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bMath\.random\b|\bprocess\./;
// A stopwatch tells no time of day: the pipeline may pace itself with it, decisions may not see it.
const STOPWATCH = /\bperformance\.now\b/;
const STOPWATCH_FREE = /^src\/(?:domain|actions)\//;
const ANY = /(?<![.\w$])any\b(?!\s*[(:])/;
const SUPPRESSION = /@ts-(?:ignore|nocheck)\b/;
const LEFT_OUT = /\.(?:only|skip|skipIf|runIf|todo)\s*\(/;
// Spelled in two halves, so that these rules do not find themselves.
const LATER = /\b(?:TO(?:DO)|FIX(?:ME))\b/;
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|config|bench|d))?\.ts$/;

/** Line-based and whole-file rules that hold in every TypeScript file. */
export function codeFaults(file: SourceFile): readonly string[] {
  return [
    ...sizeFaults(file),
    ...nameFaults(file),
    ...importFaults(file),
    ...lineFaults(file, 'a default export', /^\s*export default\b|\bas default\b/, /\.config\.ts$/.test(file.path)),
    ...lineFaults(file, 'the type any', ANY),
    ...lineFaults(file, 'a test left out or singled out', LEFT_OUT, !file.path.startsWith('test/')),
    ...lineFaults(file, 'a clock, chance or the process in pure code', CLOCK_AND_CHANCE, !PURE_LAYERS.test(file.path)),
    ...lineFaults(file, 'a stopwatch in pure code', STOPWATCH, !STOPWATCH_FREE.test(file.path)),
    ...lineFaults(file, 'the environment outside config.ts', /\bprocess\.env\b/, !readsNoEnvironment(file.path)),
    ...textFaults(file, 'a compiler suppression', SUPPRESSION),
    ...textFaults(file, 'a note for later', LATER),
  ];
}

/** Titles used twice in one test file: a failure would not say which of the two it was. */
export function titleFaults(file: SourceFile): readonly string[] {
  const calls = file.text.matchAll(/^[ \t]*(?:test|it)(?:\.\w+\([^\n]*\)|\.\w+)?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gm);
  const seen = new Set<string>();
  return [...calls].flatMap(([, , title = '']) => {
    if (!seen.has(title)) {
      seen.add(title);
      return [];
    }
    return [`${file.path}: two tests are called "${title}"`];
  });
}

function readsNoEnvironment(path: string): boolean {
  return PRODUCT.test(path) && path !== 'src/config.ts';
}

function sizeFaults({ path, text }: SourceFile): readonly string[] {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return lines > LINES_MAX ? [`${path}: ${lines} lines, at most ${LINES_MAX}`] : [];
}

function nameFaults({ path }: SourceFile): readonly string[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return KEBAB.test(name) ? [] : [`${path}: the name is not in kebab-case`];
}

function importFaults({ path, text }: SourceFile): readonly string[] {
  const relative = importsOf(text).filter(({ target }) => target.startsWith('.'));
  const wrong = relative.filter(({ target }) => !/\.(?:ts|json)$/.test(target));
  return wrong.map(({ target }) => `${path}: the import ${target} does not end in .ts`);
}

function lineFaults(file: SourceFile, what: string, pattern: RegExp, exempt = false): readonly string[] {
  return exempt ? [] : faultsPerLine(file.path, file.code, what, pattern);
}

function textFaults(file: SourceFile, what: string, pattern: RegExp): readonly string[] {
  return faultsPerLine(file.path, file.text, what, pattern);
}

function faultsPerLine(path: string, text: string, what: string, pattern: RegExp): readonly string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${what}: ${line.trim()}`] : []));
}
