import type { ASTNode } from '@marcbachmann/cel-js';
import type { RuleList } from '../lists.ts';
import type { RuleErrorCode } from '../load-error-codes.ts';
import type { PriceBook } from '../price-book.ts';
import type { Bound } from './bounds.ts';
import type { Answer, ConditionInput, FeatureRead, NumberUnit } from './condition.ts';
import type { MoneyLiteral } from './money-literals.ts';

/** What conditions of a rule are compiled against. */
export interface ConditionContext {
  readonly pricing: PriceBook;
  readonly lists: ReadonlyMap<string, RuleList>;
  /** Lists that are there but did not load: using one is no second mistake. */
  readonly brokenLists: ReadonlySet<string>;
  /** Unit of the rule's own feature. */
  readonly ownUnit: NumberUnit;
  /** Whether a list that is missing takes protection away from customers now. */
  readonly isLive: boolean;
  /** Reads of both conditions of the rule; the same call is read once. */
  readonly reads: FeatureRead[];
  /** Names of either condition beside the reads. */
  readonly usedNames: Set<string>;
  readonly usedLists: Set<string>;
  /** A mistake at an offset of the condition's text. */
  readonly report: (offset: number, code: RuleErrorCode, message: string, fix: string) => void;
}

/** What the closures of one condition share while it is evaluated. */
export interface Frame {
  input: ConditionInput;
  trouble: string | undefined;
  /** By comparison: numbers in arrays of doubles, which need no box of their own for each value. */
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly answers: Int8Array;
  readonly leftText: (string | undefined)[];
  readonly rightText: (string | undefined)[];
}

/** A comparison as it is written, with the unit of its sides. */
export interface PartInfo {
  readonly text: string;
  readonly unit: string;
  readonly isText: boolean;
  /** The right side where it is a number known when the rule is loaded: it need not be stored with every evaluation. */
  readonly constantRight: number | undefined;
}

/** More comparisons than this are a program, not a condition; each costs every judgement. */
export const PARTS_MAX = 32;

/** State of one compilation. */
export interface Scope {
  readonly context: ConditionContext;
  /** The condition as written; money included. */
  readonly text: string;
  readonly literals: ReadonlyMap<number, MoneyLiteral>;
  readonly frame: Frame;
  readonly parts: PartInfo[];
}

/** A number that can be evaluated; the range is what it can be when it is known. */
export interface NumberNode {
  readonly type: 'number';
  readonly unit: NumberUnit;
  readonly low: number;
  readonly high: number;
  readonly evaluate: () => number;
  /** The feature it reads, when it does nothing else: its place among the rule's reads, and its name. */
  readonly read?: { readonly place: number; readonly name: string };
}

export interface TextNode {
  readonly type: 'text';
  /** Known when the rule is loaded. */
  readonly constant: string | undefined;
  readonly evaluate: () => string | undefined;
}

export interface ListNode {
  readonly type: 'list';
  readonly has: (value: string) => boolean;
}

export interface BoolNode {
  readonly type: 'bool';
  readonly evaluate: () => Answer;
  /** The same answer whatever the account does; already reported. */
  readonly constant: boolean | undefined;
  /** What bounds numbers while this holds: all of `all`, or one of `either`. */
  readonly all: readonly Bound[];
  readonly either: readonly Bound[] | undefined;
  /** Of `&&` and `||`: what is combined, in order. */
  readonly chain?: { readonly op: string; readonly links: readonly (() => Answer)[] };
}

export type Node = NumberNode | TextNode | ListNode | BoolNode;

/** A part of the condition as it is written, on one line. */
export function textOf(scope: Scope, node: ASTNode): string {
  return scope.text
    .slice(node.start, node.end)
    .replace(/\/\/[^\n]*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Two spellings of one expression give the same key: spaces and the kind of quotes do not matter. */
export function keyOf(scope: Scope, node: ASTNode): string {
  return spellingOf(textOf(scope, node));
}

/** Without spaces outside quotes, and with single quotes. */
export function spellingOf(text: string): string {
  return text.replace(/"([^"']*)"|'[^']*'|\s+/g, (token, inner: string | undefined) => {
    if (inner !== undefined) return `'${inner}'`;
    return token.startsWith("'") ? token : '';
  });
}

/** Notes why something cannot be said; the first reason is the one to tell. */
export function trouble(frame: Frame, reason: string): void {
  frame.trouble ??= reason;
}

/** The number, or NaN after noting that it is not known. */
export function knownNumber(frame: Frame, value: number, name: string): number {
  // A number less itself is zero unless it is endless or not known: the cheapest test there is.
  if (value - value === 0) return value;
  trouble(frame, `${name} is not known`);
  return Number.NaN;
}

/** What a node is called when another kind was needed. */
export function nameOfNode(node: Node): string {
  return { number: 'a number', text: 'text', list: 'a list', bool: 'true or false' }[node.type];
}
