import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileCondition } from '../../src/domain/rules/conditions/compile-condition.ts';
import { type Answer, type FeatureRead, NO, UNKNOWN, YES } from '../../src/domain/rules/conditions/condition.ts';
import type { ConditionContext } from '../../src/domain/rules/conditions/scope.ts';
import type { PriceBook } from '../../src/domain/rules/price-book.ts';

const METERS = 12;
const OPERATORS = ['<', '<=', '>', '>=', '==', '!='] as const;

/** A condition as a tree; every comparison reads a meter of its own, so that no two contradict each other. */
type Tree =
  | {
      readonly kind: 'compare';
      readonly op: (typeof OPERATORS)[number];
      readonly limit: number;
      readonly swapped: boolean;
    }
  | { readonly kind: '&&' | '||'; readonly left: Tree; readonly right: Tree }
  | { readonly kind: '!'; readonly inner: Tree };

const leaf = fc.record({
  kind: fc.constant('compare' as const),
  op: fc.constantFrom(...OPERATORS),
  limit: fc.integer({ min: 1, max: 3 }),
  swapped: fc.boolean(),
});
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ kind: fc.constantFrom('&&' as const, '||' as const), left: tie('tree'), right: tie('tree') }),
    fc.record({ kind: fc.constant('!' as const), inner: tie('tree') }),
  ),
}));

interface Written {
  readonly text: string;
  readonly answer: (values: readonly number[]) => Answer;
}

/** Spells a tree, and answers it by three-valued logic as it is written in a book. */
function write(node: Tree, next: { meter: number }): Written {
  switch (node.kind) {
    case 'compare': {
      const place = next.meter++;
      const read = `sum('f${place}', '1h')`;
      const text = node.swapped ? `${node.limit} ${node.op} ${read}` : `${read} ${node.op} ${node.limit}`;
      return {
        text,
        answer: (values) => {
          const value = values[place] ?? Number.NaN;
          if (Number.isNaN(value)) return UNKNOWN;
          const [a, b] = node.swapped ? [node.limit, value] : [value, node.limit];
          const held = { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b, '==': a === b, '!=': a !== b }[node.op];
          return held ? YES : NO;
        },
      };
    }
    case '!': {
      const inner = write(node.inner, next);
      return {
        text: `!(${inner.text})`,
        answer: (values) => {
          const answer = inner.answer(values);
          return answer === UNKNOWN ? UNKNOWN : answer === YES ? NO : YES;
        },
      };
    }
    default: {
      const left = write(node.left, next);
      const right = write(node.right, next);
      const decisive = node.kind === '&&' ? NO : YES;
      return {
        text: `(${left.text}) ${node.kind} (${right.text})`,
        answer: (values) => {
          const answers = [left.answer(values), right.answer(values)];
          if (answers.includes(decisive)) return decisive;
          return answers.includes(UNKNOWN) ? UNKNOWN : decisive === NO ? YES : NO;
        },
      };
    }
  }
}

function compile(text: string) {
  const prices = [{ fromMs: 0, coefficient: 1n, decimals: 0 }];
  const meters = Array.from({ length: METERS }, (_, index) => {
    return [`f${index}`, { name: `f${index}`, unit: 'thing', kind: 'usage', prices }] as const;
  });
  const pricing: PriceBook = { currency: 'USD', meters: new Map(meters), overrides: new Map() };
  const reads: FeatureRead[] = [];
  const context: ConditionContext = {
    pricing,
    lists: new Map(),
    brokenLists: new Set(),
    ownUnit: { kind: 'count', name: 'count' },
    isLive: false,
    reads,
    usedNames: new Set(),
    usedLists: new Set(),
    report: (_offset, _code, message) => {
      throw new Error(message);
    },
  };
  const condition = compileCondition('when', text, context)?.condition;
  if (condition === undefined) throw new Error(`${text} does not compile`);
  return { condition, reads };
}

it('answers any nesting of && || and ! by three-valued logic, with every comparison in its evidence', () => {
  const value = fc.constantFrom(0, 1, 2, 3, 4, Number.NaN, Number.POSITIVE_INFINITY);
  const values = fc.array(value, { minLength: METERS, maxLength: METERS });
  fc.assert(
    fc.property(tree, fc.array(values, { minLength: 1, maxLength: 4 }), (drawn, rounds) => {
      const next = { meter: 0 };
      const { text, answer } = write(drawn, next);
      const { condition, reads } = compile(text);
      for (const round of rounds) {
        // Endless is as little known as nothing.
        const known = round.map((number) => (Number.isFinite(number) ? number : Number.NaN));
        const got = condition.evaluate({
          read: (index) => round[Number(/f(\d+)/.exec(reads[index]?.name ?? '')?.[1])] ?? Number.NaN,
          number: () => Number.NaN,
          text: () => undefined,
          nowMs: 0,
        });
        expect(got).toBe(answer(known));
        const parts = condition.lastParts();
        expect(parts).toHaveLength(next.meter);
        for (const [place, part] of parts.entries()) {
          const seen = Number.isNaN(known[place]) ? null : known[place];
          const limit = Number(/(?:^|[<>=] )(\d)(?:$| [<>=!])/.exec(part.text)?.[1]);
          expect(new Set([part.left, part.right])).toEqual(new Set([seen, limit]));
          expect(part.answer === 'unknown').toBe(seen === null);
        }
        const isMissing = known.slice(0, next.meter).some(Number.isNaN);
        expect(condition.lastTrouble() !== undefined).toBe(isMissing);
      }
    }),
  );
});
