import { type Document, isAlias, isMap, isScalar, isSeq, type Scalar } from 'yaml';
import type { RuleErrorCode } from './load-error-codes.ts';
import { DEPTH_MAX } from './yaml-text-checks.ts';

interface TreeProblem {
  readonly code: RuleErrorCode;
  readonly message: string;
  readonly fix: string;
  readonly offset: number;
}

/** What is wrong with a parsed file before its meaning is looked at: all findings, in the order of the file. */
export function checkTree(document: Document): TreeProblem[] {
  const problems: TreeProblem[] = [];
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    problems.push({
      code: 'RULE-SHAPE-016',
      message: 'There is nothing in it.',
      fix: 'delete the file, or write a rule',
      offset: 0,
    });
    return problems;
  }
  walk(document.contents, 0, problems);
  return problems;
}

function walk(node: unknown, depth: number, problems: TreeProblem[]): void {
  if (isAlias(node)) {
    const offset = node.range?.[0] ?? 0;
    problems.push({
      code: 'RULE-SHAPE-010',
      message: `*${node.source} is an alias.`,
      fix: 'write the value out',
      offset,
    });
    return;
  }
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return;
  const offset = node.range?.[0] ?? 0;
  if (depth > DEPTH_MAX) {
    problems.push({ code: 'RULE-SHAPE-012', message: `more than ${DEPTH_MAX} levels.`, fix: 'flatten it', offset });
    return;
  }
  if (node.anchor !== undefined) {
    problems.push({
      code: 'RULE-SHAPE-010',
      message: `&${node.anchor} is an anchor.`,
      fix: 'write the value out',
      offset,
    });
  }
  // The parser fills in `tag` only for tags that are written in the file.
  if (node.tag !== undefined) {
    problems.push({ code: 'RULE-SHAPE-017', message: `${node.tag} is a tag.`, fix: 'remove it', offset });
  }
  if (isScalar(node)) checkScalar(node, problems);
  else if (isSeq(node)) for (const item of node.items) walk(item, depth + 1, problems);
  else walkMap(node.items, depth, problems);
}

function walkMap(items: readonly { key: unknown; value: unknown }[], depth: number, problems: TreeProblem[]): void {
  const seen = new Set<unknown>();
  for (const { key, value } of items) {
    if (isScalar(key)) {
      const offset = key.range?.[0] ?? 0;
      if (key.value === '<<') {
        problems.push({
          code: 'RULE-SHAPE-023',
          message: '<< merges other values in.',
          fix: 'write the values out',
          offset,
        });
      } else if (seen.has(key.value)) {
        const message = `${String(key.value)} is already written above; one of the two would be ignored.`;
        problems.push({ code: 'RULE-SHAPE-004', message, fix: 'keep one', offset });
      }
      seen.add(key.value);
    } else walk(key, depth + 1, problems);
    walk(value, depth + 1, problems);
  }
}

const TRAPS: readonly {
  readonly pattern: RegExp;
  readonly code: RuleErrorCode;
  readonly why: string;
  readonly fix: string;
}[] = [
  {
    pattern: /^(?:y|yes|n|no|on|off)$/i,
    code: 'RULE-SHAPE-006',
    why: 'is true or false to some YAML readers and text to others.',
    fix: 'write true or false, or quote it',
  },
  {
    pattern: /^[-+]?\d+(?::[0-5]?\d)+(?:\.\d*)?$/,
    code: 'RULE-SHAPE-007',
    why: 'is a number in base 60 to some YAML readers and text to others.',
    fix: 'quote it, or write a duration such as 90min',
  },
  {
    pattern: /^[-+]?0\d+$/,
    code: 'RULE-SHAPE-008',
    why: 'is octal to some YAML readers and decimal to others.',
    fix: 'remove the leading zero',
  },
  {
    pattern: /^[-+]?(?:0[xob][\da-f]+|\d[\d_]*(?:\.\d*)?e[-+]?\d+|\d+_[\d_]*)$/i,
    code: 'RULE-SHAPE-009',
    why: 'is not a plain decimal: YAML readers disagree about it.',
    fix: 'write the number out, such as 1000',
  },
];

function checkScalar(node: Scalar, problems: TreeProblem[]): void {
  const { source } = node;
  if (node.type !== 'PLAIN' || source === undefined) return;
  const trap = TRAPS.find(({ pattern }) => pattern.test(source));
  if (trap === undefined) return;
  problems.push({ code: trap.code, message: `${source} ${trap.why}`, fix: trap.fix, offset: node.range?.[0] ?? 0 });
}
