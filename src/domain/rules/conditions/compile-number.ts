import type { ASTNode } from '@marcbachmann/cel-js';
import { DISTINCT_MAX } from '../../features/distinct-values.ts';
import type { NumberName, NumberUnit } from './condition.ts';
import { commonUnit, productUnit, quotientUnit, type UnitResult } from './number-units.ts';
import { knownNumber, type NumberNode, type Scope, textOf, trouble } from './scope.ts';
import { NUMBERS } from './vocabulary.ts';

/** A number as it is written. */
export function constantNumber(value: number, unit: NumberUnit): NumberNode {
  return { type: 'number', unit, low: value, high: value, evaluate: () => value };
}

/** A number the condition may name. */
export function namedNumber({ frame, context }: Scope, name: NumberName): NumberNode {
  const { unit, low, high } = NUMBERS[name];
  context.usedNames.add(name);
  const evaluate = () => knownNumber(frame, frame.input.number(name), name);
  return { type: 'number', unit: unitOf(unit, scopeUnits(context)), low, high, evaluate };
}

function scopeUnits({ ownUnit, pricing }: Scope['context']) {
  return { own: ownUnit, currency: pricing.currency };
}

function unitOf(
  unit: (typeof NUMBERS)[NumberName]['unit'],
  { own, currency }: { readonly own: NumberUnit; readonly currency: string },
): NumberUnit {
  if (unit === 'own') return own;
  return unit === 'money' ? { kind: 'money', currency } : { kind: unit };
}

/** A number over a window, from the account's features. */
export function readNumber({ frame, context }: Scope, index: number): NumberNode | undefined {
  const read = context.reads[index];
  if (read === undefined) return undefined;
  const { name } = read;
  const evaluate = () => knownNumber(frame, frame.input.read(index), name);
  // Beyond its limit a count of different values says "at least": a condition that asks for more can never hold.
  const high = read.source.kind === 'distinct' ? DISTINCT_MAX : Number.POSITIVE_INFINITY;
  return { type: 'number', unit: read.unit, low: 0, high, evaluate, read: { place: index, name } };
}

export function negated(inner: NumberNode): NumberNode {
  const { evaluate } = inner;
  return { type: 'number', unit: inner.unit, low: -inner.high, high: -inner.low, evaluate: () => -evaluate() };
}

/** `left op right`; undefined after reporting that it has no unit, or divides by nothing. */
export function arithmetic(
  scope: Scope,
  node: ASTNode,
  { op, left, right, rightNode }: { op: string; left: NumberNode; right: NumberNode; rightNode: ASTNode },
): NumberNode | undefined {
  const unit = unitFor(op, left.unit, right.unit, textOf(scope, left.unit.kind === 'plain' ? node : rightNode));
  if (!unit.ok) {
    scope.context.report(node.start, unit.code, unit.message, unit.fix);
    return undefined;
  }
  const { frame } = scope;
  const isDivision = op === '/' || op === '%';
  if (isDivision && right.low === 0 && right.high === 0) {
    const fix = 'divide by something that is not zero';
    scope.context.report(rightNode.start, 'RULE-CEL-009', `${textOf(scope, node)} divides by zero.`, fix);
    return undefined;
  }
  const shown = textOf(scope, rightNode);
  const [a, b] = [left.evaluate, right.evaluate];
  const compute: Readonly<Record<string, () => number>> = {
    '+': () => finite(a() + b()),
    '-': () => finite(a() - b()),
    '*': () => finite(a() * b()),
    '/': () => divided(a(), b()),
    '%': () => divided(a(), b(), true),
  };
  const finite = (value: number) => {
    if (Number.isFinite(value)) return value;
    trouble(frame, 'a number is too large');
    return Number.NaN;
  };
  const divided = (value: number, by: number, isRest = false) => {
    if (by === 0) {
      trouble(frame, `${shown} is zero, and nothing can be divided by zero`);
      return Number.NaN;
    }
    return finite(isRest ? value % by : value / by);
  };
  const evaluate = compute[op];
  if (evaluate === undefined) return undefined;
  return { type: 'number', unit: unit.unit, ...rangeOf(op, left, right), evaluate };
}

function unitFor(op: string, left: NumberUnit, right: NumberUnit, plainText: string): UnitResult {
  if (op === '*') return productUnit(left, right);
  if (op === '/') return quotientUnit(left, right);
  return commonUnit(left, right, plainText);
}

interface Range {
  readonly low: number;
  readonly high: number;
}

const EVERYTHING: Range = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

function rangeOf(op: string, left: Range, right: Range): Range {
  switch (op) {
    case '+':
      return known(left.low + right.low, left.high + right.high);
    case '-':
      return known(left.low - right.high, left.high - right.low);
    case '*':
      return spanOf(left, right, (a, b) => (a === 0 || b === 0 ? 0 : a * b));
    case '/':
      return right.low > 0 || right.high < 0 ? spanOf(left, right, (a, b) => a / b) : signOnly(left, right);
    default:
      return EVERYTHING;
  }
}

// A divisor that may be near zero makes the quotient as large as it likes, but not negative.
function signOnly(left: Range, right: Range): Range {
  return left.low >= 0 && right.low >= 0 ? { low: 0, high: Number.POSITIVE_INFINITY } : EVERYTHING;
}

function spanOf(left: Range, right: Range, combine: (a: number, b: number) => number): Range {
  const ends = [left.low, left.high].flatMap((a) => [right.low, right.high].map((b) => combine(a, b)));
  return ends.some(Number.isNaN) ? EVERYTHING : known(Math.min(...ends), Math.max(...ends));
}

function known(low: number, high: number): Range {
  return Number.isNaN(low) || Number.isNaN(high) ? EVERYTHING : { low, high };
}
