import { type ASTNode, ParseError, parse } from '@marcbachmann/cel-js';
import { suggest } from '../did-you-mean.ts';
import { isListed } from '../lists.ts';
import {
  combine,
  compareNumbers,
  compareTexts,
  inverted,
  isComparison,
  memberOf,
  namedText,
  reportCertain,
  textPart,
} from './compile-bool.ts';
import { arithmetic, constantNumber, namedNumber, negated, readNumber } from './compile-number.ts';
import { type CompiledCondition, type ConditionInput, type ConditionPart, NO, UNKNOWN, YES } from './condition.ts';
import { maskMoney } from './money-literals.ts';
import {
  type BoolNode,
  type ConditionContext,
  type Frame,
  keyOf,
  type Node,
  nameOfNode,
  PARTS_MAX,
  type Scope,
  textOf,
} from './scope.ts';
import { FUNCTIONS, isFunctionName, isNumberName, isTextName, NUMBERS, readFor, TEXTS } from './vocabulary.ts';

const TEXT_MAX = 2_000;

/** A compiled condition, with what the loader wants to know about it. */
export interface ConditionResult {
  readonly condition: CompiledCondition;
  /** Its conjuncts, spelled alike: `unless` must not repeat one of `when`. */
  readonly conjuncts: readonly string[];
}

/** Compiles `when:` or `unless:`. Mistakes are reported at their place in the text; undefined when there are any. */
export function compileCondition(
  part: CompiledCondition['part'],
  text: string,
  context: ConditionContext,
): ConditionResult | undefined {
  if (text.length > TEXT_MAX) {
    const message = `${text.length} characters; a condition may have ${TEXT_MAX}.`;
    context.report(0, 'RULE-CEL-008', message, 'make two rules of it');
    return undefined;
  }
  const { masked, literals } = maskMoney(text, context.pricing.currency);
  const root = parseOrReport(masked, context);
  if (root === undefined) return undefined;
  const frame: Frame = {
    input: NO_INPUT,
    trouble: undefined,
    left: new Float64Array(PARTS_MAX),
    right: new Float64Array(PARTS_MAX),
    answers: new Int8Array(PARTS_MAX),
    leftText: [],
    rightText: [],
  };
  const scope: Scope = { context, text, literals, frame, parts: [] };
  const node = compileBool(scope, root);
  if (node === undefined) return undefined;
  if (scope.parts.length > PARTS_MAX) {
    const message = `${scope.parts.length} comparisons; a condition may have ${PARTS_MAX}.`;
    context.report(0, 'RULE-CEL-008', message, 'use a list, or make two rules of it');
    return undefined;
  }
  return { condition: finish(part, scope, node), conjuncts: conjunctsOf(scope, root) };
}

const NO_INPUT: ConditionInput = { read: () => Number.NaN, number: () => Number.NaN, text: () => undefined, nowMs: 0 };

function parseOrReport(masked: string, context: ConditionContext): ASTNode | undefined {
  try {
    return parse(masked).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const at = error.range?.start ?? error.node?.start ?? 0;
    const isDollar = masked[at] === '$';
    const fix = isDollar ? 'money as 20.00 USD' : "correct it here, such as spend('1h') > 20.00 USD && z > 4";
    context.report(at, 'RULE-CEL-001', `${error.summary}.`, fix);
    return undefined;
  }
}

function finish(part: CompiledCondition['part'], scope: Scope, node: BoolNode): CompiledCondition {
  const { frame, parts } = scope;
  const { evaluate } = node;
  const { left, right, answers, leftText, rightText } = frame;
  return {
    part,
    text: scope.text.replace(/\s+/g, ' ').trim(),
    evaluate(input) {
      frame.input = input;
      frame.trouble = undefined;
      return evaluate();
    },
    lastParts() {
      const traced = new Array<ConditionPart>(parts.length);
      for (let index = 0; index < parts.length; index++) {
        const info = parts[index];
        if (info === undefined) break;
        const { text, unit, constantRight } = info;
        const answer = ANSWERS[(answers[index] ?? UNKNOWN) + 1] ?? 'unknown';
        if (info.isText) {
          traced[index] = { part, text, left: leftText[index] ?? null, right: rightText[index] ?? null, unit, answer };
          continue;
        }
        const shownLeft = finiteOrNull(left[index]);
        const shownRight = constantRight === undefined ? finiteOrNull(right[index]) : constantRight;
        traced[index] = { part, text, left: shownLeft, right: shownRight, unit, answer };
      }
      return traced;
    },
    lastTrouble: () => frame.trouble,
  };
}

function finiteOrNull(value: number | undefined): number | null {
  const number = value ?? Number.NaN;
  // A number less itself is zero unless it is endless or not known: the cheapest test there is.
  return number - number === 0 ? number : null;
}

// By answer: UNKNOWN is −1, NO 0, YES 1.
const ANSWERS = ['unknown', 'false', 'true'] as const;

function conjunctsOf(scope: Scope, node: ASTNode): readonly string[] {
  if (node.op === '&&') return node.args.flatMap((side) => conjunctsOf(scope, side));
  return [keyOf(scope, node)];
}

function compileBool(scope: Scope, node: ASTNode): BoolNode | undefined {
  const compiled = compile(scope, node);
  if (compiled === undefined) return undefined;
  if (compiled.type === 'bool') return compiled;
  const message = `${textOf(scope, node)} is ${nameOfNode(compiled)}, not true or false.`;
  scope.context.report(node.start, 'RULE-CEL-005', message, 'compare it with something, such as >= 3');
  return undefined;
}

function compile(scope: Scope, node: ASTNode): Node | undefined {
  switch (node.op) {
    case 'value':
      return literal(scope, node, node.args);
    case 'id':
      return named(scope, node, node.args);
    case '.':
      return field(scope, node);
    case 'call':
      return call(scope, node, node.args[0], node.args[1]);
    case 'rcall':
      return method(scope, node, node.args);
    case '&&':
    case '||': {
      const left = compileBool(scope, node.args[0]);
      const right = compileBool(scope, node.args[1]);
      return left === undefined || right === undefined ? undefined : combine(scope, node, left, right);
    }
    case '!_': {
      const inner = compileBool(scope, node.args);
      return inner === undefined ? undefined : inverted(inner);
    }
    case '-_': {
      const inner = compile(scope, node.args);
      if (inner === undefined || inner.type === 'number') return inner === undefined ? undefined : negated(inner);
      return wrongKinds(scope, node, `- before ${nameOfNode(inner)}`);
    }
    case 'in':
      return membership(scope, node, node.args);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '==':
    case '!=':
      return binary(scope, node, node.args);
    default:
      return unsupported(scope, node);
  }
}

function literal(scope: Scope, node: ASTNode, value: unknown): Node | undefined {
  if (typeof value === 'string') return { type: 'text', constant: value, evaluate: () => value };
  if (typeof value === 'bigint' || typeof value === 'number') return constantNumber(Number(value), { kind: 'plain' });
  if (typeof value !== 'boolean') return unsupported(scope, node);
  reportCertain(scope, node, value);
  return { type: 'bool', evaluate: () => (value ? YES : NO), constant: value, all: [], either: undefined };
}

function named(scope: Scope, node: ASTNode, name: string): Node | undefined {
  const money = scope.literals.get(node.start);
  if (money !== undefined) {
    if (money.value.ok) {
      const currency = scope.context.pricing.currency;
      return constantNumber(Number(money.value.value), { kind: 'money', currency });
    }
    scope.context.report(node.start, money.value.code, money.value.message, money.value.fix);
    return undefined;
  }
  if (isNumberName(name)) return namedNumber(scope, name);
  if (isTextName(name)) return namedText(scope, name);
  return unknownName(scope, node.start, name);
}

function field(scope: Scope, node: ASTNode): Node | undefined {
  const path = textOf(scope, node).replace(/\s/g, '');
  if (isNumberName(path)) return namedNumber(scope, path);
  if (isTextName(path)) return namedText(scope, path);
  return unknownName(scope, node.start, path);
}

function unknownName(scope: Scope, offset: number, name: string): undefined {
  const known = [...Object.keys(NUMBERS), ...Object.keys(TEXTS)];
  const called = isFunctionName(name) ? `write ${FUNCTIONS[name]}` : undefined;
  const meter = scope.context.pricing.meters.has(name) ? `sum('${name}', '6h')` : undefined;
  const fix = called ?? meter ?? suggest(name, known);
  scope.context.report(offset, 'RULE-CEL-002', `${JSON.stringify(name)} is not known in a condition.`, fix);
}

function call(scope: Scope, node: ASTNode, name: string, args: readonly ASTNode[]): Node | undefined {
  const { context } = scope;
  if (!isFunctionName(name)) {
    const fix = suggest(name, Object.keys(FUNCTIONS));
    context.report(node.start, 'RULE-CEL-003', `${JSON.stringify(name)} is not a function of conditions.`, fix);
    return undefined;
  }
  const texts = args.map((arg) => (arg.op === 'value' && typeof arg.args === 'string' ? arg.args : undefined));
  const wanted = name === 'list' || name === 'spend' || name === 'events' || name === 'altered' ? 1 : 2;
  const wrong = texts.indexOf(undefined);
  if (texts.length !== wanted || wrong >= 0) {
    const message = `${textOf(scope, node)}: ${name} takes ${wanted === 1 ? 'one text' : 'two texts'} in quotes.`;
    const at = texts.length === wanted ? args[wrong]?.start : undefined;
    context.report(at ?? node.start, 'RULE-CEL-004', message, FUNCTIONS[name]);
    return undefined;
  }
  const words = texts.filter((text) => text !== undefined);
  if (name === 'list') return listNode(scope, args[0]?.start ?? node.start, words[0] ?? '');
  const result = readFor(name, words, context.pricing);
  if (!result.ok) {
    const { code, message, fix } = result.problem;
    context.report(args[result.argument]?.start ?? node.start, code, message, fix);
    return undefined;
  }
  const known = context.reads.findIndex((read) => read.name === result.read.name);
  if (known < 0) context.reads.push(result.read);
  return readNumber(scope, known < 0 ? context.reads.length - 1 : known);
}

function listNode(scope: Scope, offset: number, name: string): Node | undefined {
  const { context, frame } = scope;
  context.usedLists.add(name);
  const list = context.lists.get(name);
  if (list !== undefined) return { type: 'list', has: (value) => isListed(list, value, frame.input.nowMs) };
  if (context.brokenLists.has(name)) return undefined;
  const isGone = context.isLive ? ' A live rule needs it.' : '';
  const known = [...context.lists.keys()];
  const fix = known.length === 0 ? `add lists/${name}.yaml` : suggest(name, known);
  context.report(offset, 'RULE-NAME-012', `There is no lists/${name}.yaml.${isGone}`, fix);
  return undefined;
}

const METHODS: Readonly<Record<string, (left: string, right: string) => boolean>> = {
  startsWith: (left, right) => left.startsWith(right),
  endsWith: (left, right) => left.endsWith(right),
  contains: (left, right) => left.includes(right),
};

function method(
  scope: Scope,
  node: ASTNode,
  [name, receiver, args]: readonly [string, ASTNode, ASTNode[]],
): Node | undefined {
  const test = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (test === undefined) return unsupported(scope, node);
  const left = compile(scope, receiver);
  const [first] = args;
  const right = first === undefined ? undefined : compile(scope, first);
  if (left === undefined) return undefined;
  if (args.length === 1 && left.type === 'text' && right?.type === 'text') {
    return textPart(scope, node, left, right, undefined, test);
  }
  if (args.length === 1 && right === undefined) return undefined;
  const message = `${textOf(scope, node)}: ${name} asks a text for one text in quotes.`;
  scope.context.report(node.start, 'RULE-CEL-004', message, `event.source.${name}('api-')`);
  return undefined;
}

function membership(scope: Scope, node: ASTNode, [leftNode, rightNode]: readonly [ASTNode, ASTNode]): Node | undefined {
  const left = compile(scope, leftNode);
  const right = rightNode.op === 'list' ? writtenList(scope, rightNode, rightNode.args) : compile(scope, rightNode);
  if (left === undefined || right === undefined) return undefined;
  if (left.type === 'text' && right.type === 'list') return memberOf(scope, node, left, right);
  return wrongKinds(scope, node, `${nameOfNode(left)} in ${nameOfNode(right)}`, "account in list('trusted')");
}

function writtenList(scope: Scope, node: ASTNode, items: readonly ASTNode[]): Node | undefined {
  const values = new Set<string>();
  for (const item of items) {
    if (item.op !== 'value' || typeof item.args !== 'string') {
      const message = `${textOf(scope, item)} is not a text in quotes.`;
      scope.context.report(item.start, 'RULE-CEL-006', message, "a list of texts, such as ['a', 'b']");
      return undefined;
    }
    values.add(item.args);
  }
  if (values.size === 0) {
    reportCertain(scope, node, false);
    return undefined;
  }
  return { type: 'list', has: (value) => values.has(value) };
}

function binary(scope: Scope, node: ASTNode, [leftNode, rightNode]: readonly [ASTNode, ASTNode]): Node | undefined {
  const left = compile(scope, leftNode);
  const right = compile(scope, rightNode);
  if (left === undefined || right === undefined) return undefined;
  const sides = { leftNode, rightNode };
  if (left.type === 'number' && right.type === 'number') {
    if (isComparison(node.op)) return compareNumbers(scope, node, { left, right, ...sides });
    return arithmetic(scope, node, { op: node.op, left, right, rightNode });
  }
  if (left.type === 'text' && right.type === 'text' && isComparison(node.op)) {
    return compareTexts(scope, node, { left, right, ...sides });
  }
  return wrongKinds(scope, node, `${nameOfNode(left)} ${node.op} ${nameOfNode(right)}`);
}

function wrongKinds(
  scope: Scope,
  node: ASTNode,
  what: string,
  fix = 'compare numbers with numbers and texts with texts',
): undefined {
  scope.context.report(node.start, 'RULE-CEL-006', `${textOf(scope, node)}: ${what} has no meaning.`, fix);
}

function unsupported(scope: Scope, node: ASTNode): undefined {
  const message = `${textOf(scope, node)} is CEL, but conditions do without it.`;
  const fix = 'use comparisons, + - * / %, in, startsWith, endsWith, contains, !, && and ||';
  scope.context.report(node.start, 'RULE-CEL-007', message, fix);
}
