import type { Usual } from '../detectors/detector.ts';
import { unitName } from '../features/feature-unit.ts';
import { round6 } from '../math.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import { renderSay } from '../rules/say.ts';
import type { RuleResult } from './judgement.ts';

/** The evidence of one rule, with the numbers a reviewer needs. */
export function describeRule(
  rule: CompiledRule,
  { observed, usual, status }: { observed: number; usual: Usual; status: RuleResult['status'] },
): RuleResult {
  const hits = status === 'hit' || status === 'snoozed';
  const z = usual.missing === undefined ? usual.zOf(observed) : undefined;
  const times = usual.expected > 0 ? round6(observed / usual.expected) : undefined;
  const { expected, lower, upper, cutoff } = usual;
  const windowMs = rule.detector.windowMs;
  const values = { observed, expected, lower, upper, threshold: cutoff, windowMs, times, z };
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
    say: hits ? renderSay(rule.say, values, rule.unit) : '',
    ...(status === 'inconclusive' && usual.missing !== undefined ? { reason: usual.missing } : {}),
  };
}
