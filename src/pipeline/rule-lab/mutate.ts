import { loadRuleset, type RuleFile } from '../../domain/rules/ruleset.ts';
import { runRuleTests } from '../../domain/rules/run-rule-tests.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

/** What became of one mutant. */
export interface MutantResult extends Omit<Mutant, 'text'> {
  readonly rule: string;
  readonly path: string;
  /** `noticed` by a test, `refused` when the rules no longer load, `survived` when nobody noticed. */
  readonly fate: 'noticed' | 'refused' | 'survived';
  /** The test that noticed, or the code it was refused with; empty for a survivor. */
  readonly by: string;
}

/** Files that are no rules. */
const SETTINGS = new Set(['ruleset.yaml', 'pricing.yaml', 'planned.yaml']);

/**
 * Moves every threshold, operator and window of the rules a step, one at a time, and runs the rule's own tests. A test that
 * passes with the wrong number guards nothing.
 *
 * @param only ids of the rules to try; every one when it is empty.
 */
export function* mutateRules(files: readonly RuleFile[], only: readonly string[]): Generator<MutantResult> {
  const rules = files.filter(({ path }) => isRule(path) && (only.length === 0 || only.includes(idOf(path))));
  for (const file of rules) {
    const others = files.filter(({ path }) => path !== file.path && !isRule(path));
    for (const mutant of mutantsOf(file.text)) yield tryMutant(file, mutant, others);
  }
}

/** Ids of the rules among the files. */
export function ruleIdsOf(files: readonly RuleFile[]): readonly string[] {
  return files.filter(({ path }) => isRule(path)).map(({ path }) => idOf(path));
}

function tryMutant({ path }: RuleFile, mutant: Mutant, others: readonly RuleFile[]): MutantResult {
  const { place, from, to, text } = mutant;
  const named = { rule: idOf(path), path, place, from, to };
  const result = loadRuleset([...others, { path, text }], { runTests: false });
  if (!result.ok) return { ...named, fate: 'refused', by: result.errors[0]?.code ?? '' };
  const failed = runRuleTests(result.ruleset).find(({ ok }) => !ok);
  return failed === undefined ? { ...named, fate: 'survived', by: '' } : { ...named, fate: 'noticed', by: failed.name };
}

function isRule(path: string): boolean {
  return path.endsWith('.yaml') && !SETTINGS.has(nameOf(path)) && !path.includes('/lists/');
}

function idOf(path: string): string {
  return nameOf(path).replace(/\.yaml$/, '');
}

function nameOf(path: string): string {
  return path.split('/').at(-1) ?? path;
}
