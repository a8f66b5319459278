import type { Band, Ruleset } from '../../domain/rules/ruleset.ts';
import type { ConditionEvidence, DecisionEvidence, RuleEvidence } from '../queries/decision-evidence.ts';
import { type Check, detectChecks, detectParams } from './detect-checks.ts';
import { chanceFrom, type RiskParts, riskParts } from './money-parts.ts';

/** What one rule came to. `held_back`: over its threshold, but its conditions or a plan kept it from firing. */
export type RuleVerdict = 'fires' | 'fires_told_before' | 'held_back' | 'quiet' | 'inconclusive';

/** One rule with everything its verdict rests on. */
export interface RuleExplanation {
  readonly evidence: RuleEvidence;
  readonly verdict: RuleVerdict;
  readonly checks: readonly Check[];
  /** From which observed value it fires; null when that cannot be said. */
  readonly firesFrom: number | null;
  /** Checks of which each, had it come out otherwise, would have changed the verdict by itself. */
  readonly decisive: readonly Check[];
  /** The outcome of all other rules together, had this one not fired; undefined when it added nothing. */
  readonly without?: { readonly score: number; readonly outcome: string };
}

/** A decision taken apart. */
export interface DecisionExplanation {
  readonly rules: readonly RuleExplanation[];
  readonly band: Band | undefined;
  /** Harsher bands, and how many more points each needs. */
  readonly harsher: readonly { readonly outcome: string; readonly from: number; readonly missing: number }[];
  readonly risk: RiskParts | undefined;
  /** The chance of abuse from which the outcome that the points allow would have been chosen. */
  readonly harsherFromChance: number | undefined;
}

const SCORE_MAX = 100;

/**
 * Explains a decision from what was stored with it. The rules that were in force add what `detect` is made of and what the
 * points mean; without them the explanation holds what the evidence alone says.
 */
export function explainDecision(
  decision: { readonly score: number; readonly evidence: DecisionEvidence },
  ruleset: Pick<Ruleset, 'bands' | 'files'> | undefined,
  reactionHours: number,
): DecisionExplanation {
  const { score, evidence } = decision;
  const params = detectParams(ruleset?.files ?? []);
  const bands = ruleset?.bands ?? [];
  const rules = evidence.results
    .map((rule) => explainRule(rule, { params: params.get(rule.ruleId), results: evidence.results, bands }))
    .sort(byWeight);
  return {
    rules,
    band: bandAt(bands, score),
    harsher: bands
      .filter(({ from }) => from > score)
      .map(({ outcome, from }) => ({ outcome, from, missing: from - score })),
    risk: riskParts(evidence, reactionHours),
    harsherFromChance: evidence.choice === undefined ? undefined : chanceFrom(evidence.choice),
  };
}

function explainRule(
  rule: RuleEvidence,
  {
    params,
    results,
    bands,
  }: {
    readonly params: ReturnType<ReturnType<typeof detectParams>['get']>;
    readonly results: readonly RuleEvidence[];
    readonly bands: readonly Band[];
  },
): RuleExplanation {
  const detect = detectChecks(rule, params);
  const conditions = rule.conditions.map(conditionCheck);
  const verdict = verdictOf(rule);
  const others = results.filter((other) => other !== rule).reduce((sum, other) => sum + other.score, 0);
  const without = Math.min(SCORE_MAX, others);
  return {
    evidence: rule,
    verdict,
    checks: [...detect, ...conditions],
    firesFrom: rule.threshold,
    decisive: decisiveOf(verdict, detect[0], conditions),
    ...(rule.score > 0 ? { without: { score: without, outcome: bandAt(bands, without)?.outcome ?? '' } } : {}),
  };
}

function verdictOf({ status, reason }: RuleEvidence): RuleVerdict {
  if (status === 'hit') return 'fires';
  if (status === 'snoozed') return 'fires_told_before';
  if (status === 'inconclusive') return 'inconclusive';
  return reason === undefined ? 'quiet' : 'held_back';
}

function conditionCheck({ part, text, left, right, unit, answer }: ConditionEvidence): Check {
  const holds = answer === 'true' ? true : answer === 'false' ? false : null;
  return { part: part === 'unless' ? 'unless' : 'when', text, value: left, against: right, unit, holds };
}

/** What decided: of a rule that fires each thing it needs, of one that does not, the one thing that is missing. */
function decisiveOf(verdict: RuleVerdict, whole: Check | undefined, conditions: readonly Check[]): readonly Check[] {
  // Comparisons may be joined by || and !, so single ones are named only where they are the only one.
  const [only, ...more] = conditions;
  const single = only !== undefined && more.length === 0 ? [only] : [];
  if (verdict === 'fires' || verdict === 'fires_told_before')
    return [...(whole === undefined ? [] : [whole]), ...single];
  if (verdict === 'held_back') return single;
  if (verdict === 'quiet') return whole?.holds === false ? [whole] : [];
  return [];
}

function bandAt(bands: readonly Band[], score: number): Band | undefined {
  return bands.find(({ to }) => score <= to);
}

const ORDER: readonly RuleVerdict[] = ['fires', 'fires_told_before', 'held_back', 'inconclusive', 'quiet'];

function byWeight(a: RuleExplanation, b: RuleExplanation): number {
  const shadow = Number(a.evidence.mode !== 'live') - Number(b.evidence.mode !== 'live');
  return (
    ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict) ||
    shadow ||
    b.evidence.score - a.evidence.score ||
    (a.evidence.ruleId < b.evidence.ruleId ? -1 : 1)
  );
}
