import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { RuleLoadError } from './load-error.ts';
import type { RuleErrorCode } from './load-error-codes.ts';
import { findTextProblem } from './yaml-text-checks.ts';
import { checkTree } from './yaml-tree-checks.ts';

/** Keys and indexes from the top of a file to one value. */
export type YamlPath = readonly (string | number)[];

/** One file, parsed, with the way back from values to places. */
export interface YamlSource {
  readonly path: string;
  /** Plain JavaScript values. */
  readonly value: unknown;
  readonly errors: RuleLoadError[];
  readonly warnings: RuleLoadError[];
  /** Whether something is written at this path. */
  readonly has: (at: YamlPath) => boolean;
  /** Where the value at this path (or, when it is missing, the nearest thing around it) begins. */
  readonly locate: (at: YamlPath) => Place;
  /** Where a character of the text at this path is written, whatever its quoting. */
  readonly locateText: (at: YamlPath, offset: number) => Place;
  /** Where the last key of this path is written. */
  readonly locateKey: (at: YamlPath) => Place;
  readonly report: (at: YamlPath | Place, code: RuleErrorCode, message: string, fix: string) => void;
  readonly warn: (at: YamlPath, code: RuleErrorCode, message: string, fix: string) => void;
}

/** Counted from 1. */
export interface Place {
  readonly line: number;
  readonly col: number;
}

/**
 * Parses one file strictly. Problems are collected in `errors`; when the text cannot be trusted at all (size, depth,
 * syntax) `value` is undefined and nothing further should be read from it.
 */
export function parseYamlSource(path: string, text: string, bytesMax?: number): YamlSource {
  const errors: RuleLoadError[] = [];
  const warnings: RuleLoadError[] = [];
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => lines.linePos(offset);

  const textProblem = findTextProblem(text, bytesMax);
  if (textProblem !== undefined) {
    const { code, message, fix, line, col } = textProblem;
    errors.push({ code, path, line, col, message, fix });
    if (textProblem.isFatal) return emptySource(path, errors, warnings);
  }

  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    merge: false,
    stringKeys: true,
    version: '1.2',
    schema: 'core',
    // Not 'silent': the parser would keep a second document to itself.
    logLevel: 'error',
  });
  for (const problem of document.errors) {
    const isMultiple = problem.code === 'MULTIPLE_DOCS';
    const code = isMultiple ? 'RULE-SHAPE-015' : 'RULE-SHAPE-005';
    const fix = isMultiple
      ? 'one file per rule: move what follows --- to its own file'
      : 'correct the indentation or quoting here';
    errors.push({ code, path, ...placeOf(problem.pos[0]), message: firstLine(problem.message), fix });
  }
  if (document.errors.length > 0) return emptySource(path, errors, warnings);

  for (const { offset, ...problem } of checkTree(document)) errors.push({ path, ...placeOf(offset), ...problem });
  const isTrusted = !errors.some((error) => UNTRUSTED.has(error.code));
  const value: unknown = isTrusted ? document.toJS() : undefined;
  return sourceOf({ path, text, document, value, errors, warnings, placeOf });
}

// After these the tree does not mean what it looks like; more findings about it would be noise.
const UNTRUSTED = new Set<RuleErrorCode>(['RULE-SHAPE-010', 'RULE-SHAPE-012', 'RULE-SHAPE-016', 'RULE-SHAPE-017']);

interface SourceParts {
  readonly path: string;
  readonly text: string;
  readonly document: Document | undefined;
  readonly value: unknown;
  readonly errors: RuleLoadError[];
  readonly warnings: RuleLoadError[];
  readonly placeOf: (offset: number) => Place;
}

function emptySource(path: string, errors: RuleLoadError[], warnings: RuleLoadError[]): YamlSource {
  return sourceOf({
    path,
    text: '',
    document: undefined,
    value: undefined,
    errors,
    warnings,
    placeOf: () => ({ line: 1, col: 1 }),
  });
}

function sourceOf({ path, text, document, value, errors, warnings, placeOf }: SourceParts): YamlSource {
  const root = document?.contents ?? null;
  const offsetOf = (at: YamlPath) => find(root, at).offset;
  const locate = (at: YamlPath) => placeOf(offsetOf(at));
  const add = (list: RuleLoadError[], place: Place, finding: { code: RuleErrorCode; message: string; fix: string }) => {
    // A place that was already refused (an unquoted `no`, say) needs no second opinion about its type.
    if (list.some((known) => known.line === place.line && known.col === place.col && known.code <= finding.code))
      return;
    list.push({ ...finding, path, line: place.line, col: place.col });
  };
  return {
    path,
    value,
    errors,
    warnings,
    has: (at) => find(root, at).found,
    locate,
    locateText: (at, offset) => placeOf(offsetInScalar(text, find(root, at).node, offset) ?? offsetOf(at)),
    locateKey: (at) => placeOf(find(root, at).keyOffset),
    report: (at, code, message, fix) => add(errors, isPlace(at) ? at : locate(at), { code, message, fix }),
    warn: (at, code, message, fix) => add(warnings, locate(at), { code, message, fix }),
  };
}

function isPlace(at: YamlPath | Place): at is Place {
  return !Array.isArray(at);
}

interface Found {
  readonly found: boolean;
  readonly node?: unknown;
  readonly offset: number;
  readonly keyOffset: number;
}

function find(root: Node | null, at: YamlPath): Found {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  let keyOffset = offset;
  for (const step of at) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      if (pair === undefined) return { found: false, offset, keyOffset };
      const key = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      keyOffset = key ?? offset;
      node = pair.value;
      offset = rangeStart(node) ?? keyOffset;
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      offset = rangeStart(node) ?? offset;
      keyOffset = offset;
    } else return { found: false, offset, keyOffset };
  }
  return { found: true, node, offset, keyOffset };
}

/**
 * Where the character at `offset` of a scalar's value stands in the file. The two are walked side by side: what the file
 * has more (quotes, escapes, indentation, the header of a block) is stepped over.
 */
function offsetInScalar(text: string, node: unknown, offset: number): number | undefined {
  if (!isScalar(node) || typeof node.value !== 'string' || node.range == null) return undefined;
  const end = node.range[1];
  let at = node.range[0];
  if (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') at = text.indexOf('\n', at) + 1;
  else if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') at++;
  for (let index = 0; index < offset; index++) {
    const character = node.value[index] ?? '';
    const isBlank = character === ' ' || character === '\n';
    while (at < end && text[at] !== character && !(isBlank && /\s/.test(text[at] ?? ''))) at++;
    at++;
    // A folded line break is one blank of the value and all of the next line's indentation.
    if (isBlank && node.value[index + 1] !== ' ') while (at < end && /[\s]/.test(text[at] ?? '')) at++;
  }
  const wanted = node.value[offset] ?? '';
  while (at < end && wanted !== '' && text[at] !== wanted) at++;
  return Math.min(at, end);
}

function rangeStart(node: unknown): number | undefined {
  if (isScalar(node) || isMap(node) || isSeq(node)) return node.range?.[0];
  return undefined;
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message;
}
