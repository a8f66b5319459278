import type { ASTNode } from '@marcbachmann/cel-js';
import { type Bound, boundOf, certainAnswer, contradictionIn, coverIn, mirrored } from './bounds.ts';
import { type Answer, NO, type TextName, UNKNOWN, YES } from './condition.ts';
import { commonUnit, traceUnit } from './number-units.ts';
import {
  type BoolNode,
  type Frame,
  keyOf,
  knownNumber,
  type ListNode,
  type NumberNode,
  type PartInfo,
  type Scope,
  type TextNode,
  textOf,
  trouble,
} from './scope.ts';

// Not a number: one of the two sides is not known. Each operator is a function of its own, which engines then inline.
const OPERATORS: Readonly<Record<string, (left: number, right: number) => Answer>> = {
  '<': (left, right) => (left < right ? YES : left >= right ? NO : UNKNOWN),
  '<=': (left, right) => (left <= right ? YES : left > right ? NO : UNKNOWN),
  '>': (left, right) => (left > right ? YES : left <= right ? NO : UNKNOWN),
  '>=': (left, right) => (left >= right ? YES : left < right ? NO : UNKNOWN),
  '==': (left, right) => (left === right ? YES : left < right || left > right ? NO : UNKNOWN),
  '!=': (left, right) => (left === right ? NO : left < right || left > right ? YES : UNKNOWN),
};

export function isComparison(op: string): boolean {
  return Object.hasOwn(OPERATORS, op);
}

interface Sides<N> {
  readonly left: N;
  readonly right: N;
  readonly leftNode: ASTNode;
  readonly rightNode: ASTNode;
}

/** A comparison of two numbers; undefined after reporting that their units differ. */
export function compareNumbers(scope: Scope, node: ASTNode, sides: Sides<NumberNode>): BoolNode | undefined {
  const { left, right, leftNode, rightNode } = sides;
  const plainNode = left.unit.kind === 'plain' ? leftNode : rightNode;
  const unit = commonUnit(left.unit, right.unit, textOf(scope, plainNode));
  if (!unit.ok) {
    const at = unit.code === 'RULE-UNIT-001' ? plainNode.start : node.start;
    scope.context.report(at, unit.code, unit.message, unit.fix);
    return undefined;
  }
  const { op } = node;
  const test = OPERATORS[op];
  if (test === undefined) return undefined;
  const constant =
    keyOf(scope, leftNode) === keyOf(scope, rightNode) ? reportSame(scope, node) : certain(scope, node, sides);
  const index = addPart(scope, node, {
    unit: traceUnit(unit.unit),
    isText: false,
    constantRight: Number.isFinite(right.low) && right.low === right.high ? right.low : undefined,
  });
  const evaluate =
    right.low === right.high
      ? againstConstant(op, scope.frame, index, left, right.low)
      : againstNumber(test, scope.frame, index, left.evaluate, right.evaluate);
  const bound = constant === undefined ? boundFor(scope, op, sides) : undefined;
  const bounds = bound === undefined ? [] : [bound];
  return { type: 'bool', evaluate, constant, all: bounds, either: bound === undefined ? undefined : bounds };
}

function againstNumber(
  test: (left: number, right: number) => Answer,
  { left, right, answers }: Frame,
  index: number,
  a: () => number,
  b: () => number,
): () => Answer {
  return () => {
    const first = a();
    const second = b();
    left[index] = first;
    right[index] = second;
    const answer = test(first, second);
    answers[index] = answer;
    return answer;
  };
}

// The answer to `value op limit` where the value is below the limit, the same, and above it.
const AGAINST: Readonly<Record<string, readonly [below: Answer, same: Answer, above: Answer]>> = {
  '<': [YES, NO, NO],
  '<=': [YES, YES, NO],
  '>': [NO, NO, YES],
  '>=': [NO, YES, YES],
  '==': [NO, YES, NO],
  '!=': [YES, NO, YES],
};

// Most comparisons are of this kind. Engines do not inline closures that differ from rule to rule, so one that reads a
// feature does that itself: with `combine`'s chains a third more conditions a second.
function againstConstant(op: string, frame: Frame, index: number, number: NumberNode, limit: number): () => Answer {
  const { left, answers } = frame;
  const [below, same, above] = AGAINST[op] ?? [UNKNOWN, UNKNOWN, UNKNOWN];
  frame.right[index] = limit;
  const { read, evaluate } = number;
  if (read === undefined) {
    return () => {
      const value = evaluate();
      left[index] = value;
      const answer = value < limit ? below : value > limit ? above : value === limit ? same : UNKNOWN;
      answers[index] = answer;
      return answer;
    };
  }
  const { place, name } = read;
  return () => {
    const value = knownNumber(frame, frame.input.read(place), name);
    left[index] = value;
    const answer = value < limit ? below : value > limit ? above : value === limit ? same : UNKNOWN;
    answers[index] = answer;
    return answer;
  };
}

function boundFor(
  scope: Scope,
  op: string,
  { left, right, leftNode, rightNode }: Sides<NumberNode>,
): Bound | undefined {
  if (right.low === right.high) return boundOf(keyOf(scope, leftNode), op, right.low);
  if (left.low === left.high) return boundOf(keyOf(scope, rightNode), mirrored(op), left.low);
  return undefined;
}

function certain(scope: Scope, node: ASTNode, { left, right }: Sides<NumberNode>): boolean | undefined {
  const answer = certainAnswer(node.op, left, right);
  if (answer !== undefined) reportCertain(scope, node, answer);
  return answer;
}

/** Reports a part that is always or never true. */
export function reportCertain(scope: Scope, node: ASTNode, answer: boolean): void {
  const shown = textOf(scope, node);
  const { report } = scope.context;
  if (answer) report(node.start, 'RULE-LOGIC-012', `${shown} is always true.`, 'remove it, or correct the number');
  else report(node.start, 'RULE-LOGIC-013', `${shown} can never be true.`, 'correct the number or the comparison');
}

function reportSame(scope: Scope, node: ASTNode): boolean {
  const message = `${textOf(scope, node)} compares a value with itself.`;
  scope.context.report(node.start, 'RULE-CEL-010', message, 'compare it with something else');
  return node.op === '==' || node.op === '<=' || node.op === '>=';
}

/** Texts are equal or they are not; they have no order here. */
export function compareTexts(scope: Scope, node: ASTNode, sides: Sides<TextNode>): BoolNode | undefined {
  const { left, right, leftNode, rightNode } = sides;
  if (node.op !== '==' && node.op !== '!=') {
    const fix = 'compare texts with == or !=';
    scope.context.report(node.start, 'RULE-CEL-006', `Texts have no order for ${node.op}.`, fix);
    return undefined;
  }
  const isSame = keyOf(scope, leftNode) === keyOf(scope, rightNode);
  const isWritten = left.constant !== undefined && right.constant !== undefined;
  const constant = isSame
    ? reportSame(scope, node)
    : isWritten
      ? (left.constant === right.constant) === (node.op === '==')
      : undefined;
  if (!isSame && constant !== undefined) reportCertain(scope, node, constant);
  const isEqual = node.op === '==';
  return textPart(scope, node, left, right, constant, (first, second) => (first === second) === isEqual);
}

/** `text in list('…')`, or in a written list. */
export function memberOf(scope: Scope, node: ASTNode, left: TextNode, list: ListNode): BoolNode {
  const none: TextNode = { type: 'text', constant: '', evaluate: () => '' };
  return textPart(scope, node, left, none, undefined, (value) => list.has(value));
}

/** A question about two texts, such as startsWith. */
export function textPart(
  scope: Scope,
  node: ASTNode,
  left: TextNode,
  right: TextNode,
  constant: boolean | undefined,
  test: (left: string, right: string) => boolean,
): BoolNode {
  const index = addPart(scope, node, { unit: 'text', isText: true, constantRight: undefined });
  const { frame } = scope;
  const [a, b] = [left.evaluate, right.evaluate];
  const isList = node.op === 'in';
  const evaluate = (): Answer => {
    const first = a();
    const second = b();
    frame.leftText[index] = first;
    frame.rightText[index] = isList ? undefined : second;
    const answer = first === undefined || second === undefined ? UNKNOWN : test(first, second) ? YES : NO;
    frame.answers[index] = answer;
    return answer;
  };
  return { type: 'bool', evaluate, constant, all: [], either: undefined };
}

function addPart(scope: Scope, node: ASTNode, kind: Omit<PartInfo, 'text'>): number {
  // Beyond the last place values are lost; such a condition is refused.
  return scope.parts.push({ text: textOf(scope, node), ...kind }) - 1;
}

/**
 * `&&` and `||`. Both sides are evaluated, so that evidence has all values; as in CEL, a side that decides alone does so
 * even when the other is not known.
 */
export function combine(scope: Scope, node: ASTNode, left: BoolNode, right: BoolNode): BoolNode {
  const isAnd = node.op === '&&';
  const chain = [...linksOf(node.op, left), ...linksOf(node.op, right)];
  const [decisive, other]: readonly [Answer, Answer] = isAnd ? [NO, YES] : [YES, NO];
  const evaluate = (): Answer => {
    let answer: Answer = other;
    for (let index = 0; index < chain.length; index++) {
      const link = chain[index]?.();
      if (link === decisive) answer = decisive;
      else if (link === UNKNOWN && answer !== decisive) answer = UNKNOWN;
    }
    return answer;
  };
  const all = isAnd ? [...left.all, ...right.all] : [];
  const either =
    !isAnd && left.either !== undefined && right.either !== undefined ? [...left.either, ...right.either] : undefined;
  let constant = combinedConstant(isAnd, left.constant, right.constant);
  if (constant === undefined) {
    const subject = isAnd ? contradictionIn(all) : either === undefined ? undefined : coverIn(either);
    if (subject !== undefined) {
      constant = !isAnd;
      reportCertain(scope, node, constant);
    }
  }
  return {
    type: 'bool',
    evaluate,
    constant,
    all: constant === undefined ? all : [],
    either,
    chain: { op: node.op, links: chain },
  };
}

// `a && b && c` is one chain, whichever way it is nested: its answer is the same, and so is the order of its links.
function linksOf(op: string, { chain, evaluate }: BoolNode): readonly (() => Answer)[] {
  return chain?.op === op ? chain.links : [evaluate];
}

function combinedConstant(isAnd: boolean, left: boolean | undefined, right: boolean | undefined): boolean | undefined {
  const decisive = !isAnd;
  if (left === decisive || right === decisive) return decisive;
  return left !== undefined && right !== undefined ? !decisive : undefined;
}

export function inverted(inner: BoolNode): BoolNode {
  const { evaluate } = inner;
  return {
    type: 'bool',
    evaluate: () => {
      const answer = evaluate();
      return answer === UNKNOWN ? UNKNOWN : answer === YES ? NO : YES;
    },
    constant: inner.constant === undefined ? undefined : !inner.constant,
    all: [],
    either: undefined,
  };
}

/** A text the condition may name. */
export function namedText({ frame, context }: Scope, name: TextName): TextNode {
  context.usedNames.add(name);
  const evaluate = () => {
    const value = frame.input.text(name);
    if (value === undefined) trouble(frame, `${name} is not known`);
    return value;
  };
  return { type: 'text', constant: undefined, evaluate };
}
