import { isMap, isScalar, isSeq, type Node, parseDocument, stringify, type YAMLMap } from 'yaml';
import { assert } from '../assert.ts';
import type { YamlPath } from './yaml-source.ts';

/** A value a program may write into a file that people wrote. */
export type EditValue = string | number | boolean;

/**
 * Sets one value of a YAML file and leaves every other character as it is: comments, order, quotes and line breaks are
 * the work of people. A missing last key is added behind the others of its map. Throws RangeError when the path leads
 * nowhere, or does not lead to a single value.
 */
export function setYamlValue(text: string, at: YamlPath, value: EditValue): string {
  const root = parseDocument(text, { version: '1.2', schema: 'core' }).contents;
  const parent = nodeAt(root, at.slice(0, -1));
  const key = at.at(-1);
  if (key === undefined || parent === undefined) throw new RangeError(`the file has no ${at.join('.')}`);
  const target = nodeAt(parent, [key]);
  // The plain form first; where it would read as something else (in brackets, as a number), the quoted one.
  for (const written of [plain(value), JSON.stringify(value)]) {
    const edited =
      target === undefined ? withKey(text, parent, String(key), written) : withValue(text, target, at, written);
    if (isOnlyChange(text, edited, at, value)) return edited;
  }
  throw new RangeError(`${at.join('.')} cannot be set without changing something else`);
}

function plain(value: EditValue): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

function nodeAt(root: unknown, at: YamlPath): unknown {
  let node = root;
  for (const step of at) {
    if (isMap(node)) node = node.items.find(({ key }) => isScalar(key) && key.value === step)?.value ?? undefined;
    else if (isSeq(node) && typeof step === 'number') node = node.items[step];
    else return undefined;
  }
  return node;
}

function withValue(text: string, target: unknown, at: YamlPath, written: string): string {
  if (!isScalar(target) || target.range == null) throw new RangeError(`${at.join('.')} is not a single value`);
  const [start, end] = target.range;
  const length = text.slice(start, end).replace(/\s+$/, '').length;
  return text.slice(0, start) + written + text.slice(start + length);
}

function withKey(text: string, parent: unknown, key: string, written: string): string {
  if (!isMap(parent)) throw new RangeError(`there is no map to add ${key} to`);
  const last = parent.items.at(-1);
  const firstKey = parent.items[0]?.key;
  assert(isScalar(firstKey) && firstKey.range != null, 'a map of a rule file has keys');
  // A block ends with its line breaks, which belong to the layout.
  const end = text.slice(0, endOf(last?.value) ?? firstKey.range[1]).trimEnd().length;
  const pair = `${key}: ${written}`;
  if (isFlow(parent)) return `${text.slice(0, end)}, ${pair}${text.slice(end)}`;
  const lineStart = text.lastIndexOf('\n', firstKey.range[0] - 1) + 1;
  const indent = ' '.repeat(firstKey.range[0] - lineStart);
  // Behind a comment on the last line, which is about that line.
  const lineEnd = text.indexOf('\n', end);
  const place = lineEnd < 0 ? text.length : lineEnd;
  return `${text.slice(0, place)}\n${indent}${pair}${text.slice(place)}`;
}

function isFlow(map: YAMLMap): boolean {
  return map.flow === true;
}

function endOf(node: unknown): number | undefined {
  const range = isNode(node) ? node.range : undefined;
  return range?.[1];
}

function isNode(node: unknown): node is Node {
  return isScalar(node) || isMap(node) || isSeq(node);
}

function isOnlyChange(before: string, after: string, at: YamlPath, value: EditValue): boolean {
  const options = { version: '1.2', schema: 'core' } as const;
  const expected = parseDocument(before, options);
  const found = parseDocument(after, options);
  if (found.errors.length > 0) return false;
  expected.setIn(at, value);
  return JSON.stringify(sorted(expected.toJS())) === JSON.stringify(sorted(found.toJS()));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
