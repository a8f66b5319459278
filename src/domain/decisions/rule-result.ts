import type { Usual } from '../detectors/detector.ts';
import type { StreamEvidence } from '../detectors/stream-detector.ts';
import { unitName } from '../features/feature-unit.ts';
import { round6 } from '../math.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import type { ConditionPart } from '../rules/conditions/condition.ts';
import { renderSay, type SayRead } from '../rules/say.ts';
import type { RuleResult } from './judgement.ts';

interface Described {
  readonly observed: number;
  readonly usual: Usual;
  readonly status: RuleResult['status'];
  /** Why its conditions or a plan kept it from firing. */
  readonly reason?: string | undefined;
  readonly conditions?: readonly ConditionPart[] | undefined;
  /** Values of the rule's reads, for its sentence. */
  readonly reads?: readonly number[];
  /** Of a rule that is shown events: what its rarity was made from; its sentence speaks of these numbers. */
  readonly evidence?: StreamEvidence | undefined;
  /** How much busier the whole platform is; 1 where it does not matter to the rule. */
  readonly platformFactor?: number;
}

/** The evidence of one rule, with the numbers a reviewer needs. */
export function describeRule(
  rule: CompiledRule,
  { observed, usual, status, reason, conditions, reads, evidence, platformFactor = 1 }: Described,
): RuleResult {
  const hits = status === 'hit' || status === 'snoozed';
  const z = usual.missing === undefined ? usual.zOf(observed) : undefined;
  const times = evidence === undefined && usual.expected > 0 ? round6(observed / usual.expected) : undefined;
  const { expected, lower, upper, cutoff } = usual;
  const windowMs = rule.detector.windowMs;
  const why = reason ?? (status === 'inconclusive' ? usual.missing : undefined);
  const seen = { observed: evidence?.observed ?? observed, expected: evidence?.expected ?? expected };
  const values = { ...seen, lower, upper, threshold: cutoff, windowMs, times, z };
  return {
    ruleId: rule.id,
    title: rule.title,
    mode: rule.mode === 'live' ? 'live' : 'shadow',
    status,
    score: hits && rule.mode === 'live' ? rule.score : 0,
    kind: rule.kind,
    feature: rule.feature,
    unit: unitName(rule.unit),
    windowMs,
    observed,
    expected,
    lower,
    upper,
    threshold: Number.isFinite(cutoff) ? cutoff : null,
    ...(z === undefined ? {} : { z }),
    ...(times === undefined ? {} : { times }),
    points: usual.points,
    say: hits ? renderSay(rule.say, values, rule.unit, sayReads(rule, reads ?? [])) : '',
    ...(why === undefined ? {} : { reason: why }),
    ...(evidence === undefined ? {} : { evidence }),
    ...(platformFactor === 1 ? {} : { platformFactor }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}

// Reads are counts or money; nothing else can be asked of an account's features.
function sayReads({ reads }: CompiledRule, values: readonly number[]): readonly SayRead[] {
  return reads.map(({ unit }, index) => ({
    value: values[index] ?? Number.NaN,
    unit: unit.kind === 'money' ? unit : { kind: 'count', name: 'count' },
  }));
}
