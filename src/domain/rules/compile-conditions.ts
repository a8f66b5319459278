import type { FeatureUnit } from '../features/feature-unit.ts';
import { compileCondition } from './conditions/compile-condition.ts';
import type { CompiledCondition, FeatureRead } from './conditions/condition.ts';
import type { ConditionContext } from './conditions/scope.ts';
import type { RuleList } from './lists.ts';
import type { PriceBook } from './price-book.ts';
import type { YamlSource } from './yaml-source.ts';

/** The lists of a ruleset, and which of them conditions have named. */
export interface KnownLists {
  readonly lists: ReadonlyMap<string, RuleList>;
  readonly broken: ReadonlySet<string>;
  readonly used: Set<string>;
}

/** Both conditions of a rule, and the features they read. */
export interface RuleConditions {
  readonly when: CompiledCondition | undefined;
  readonly unless: CompiledCondition | undefined;
  readonly reads: readonly FeatureRead[];
  /** Names the conditions use beside the reads. */
  readonly names: ReadonlySet<string>;
}

/** Compiles `when:` and `unless:` of a rule. Problems are reported at their place inside the text. */
export function compileConditions(
  source: YamlSource,
  document: { readonly when?: string | undefined; readonly unless?: string | undefined; readonly mode: string },
  { unit, pricing, known }: { readonly unit: FeatureUnit; readonly pricing: PriceBook; readonly known: KnownLists },
): RuleConditions {
  const reads: FeatureRead[] = [];
  const names = new Set<string>();
  const contextFor = (key: 'when' | 'unless'): ConditionContext => ({
    pricing,
    lists: known.lists,
    brokenLists: known.broken,
    ownUnit: unit,
    isLive: document.mode === 'live',
    reads,
    usedNames: names,
    usedLists: known.used,
    report: (offset, code, message, fix) => source.report(source.locateText([key], offset), code, message, fix),
  });
  const when = document.when === undefined ? undefined : compileCondition('when', document.when, contextFor('when'));
  const unless =
    document.unless === undefined ? undefined : compileCondition('unless', document.unless, contextFor('unless'));
  if (when !== undefined && unless?.conjuncts.every((part) => when.conjuncts.includes(part)) === true) {
    const message = 'Whenever when is true, unless is true as well: the rule can never fire.';
    source.report(['unless'], 'RULE-LOGIC-014', message, 'name the exception alone, or remove unless');
  }
  return { when: when?.condition, unless: unless?.condition, reads, names };
}
