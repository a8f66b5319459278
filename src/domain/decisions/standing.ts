import type { Usual } from '../detectors/detector.ts';
import { FINE_MS } from '../features/feature-spec.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import { type ConditionInput, type ConditionPart, NO, UNKNOWN, YES } from '../rules/conditions/condition.ts';
import { ceilingFor, plannedAt } from '../rules/planned.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { formatAmount } from '../rules/say.ts';
import { formatUtc } from '../text/utc.ts';
import { HOUR_MS } from '../time.ts';
import { usualFor, windowEnd } from './cut-off-cache.ts';
import type { Moment } from './judgement.ts';
import { RuleInput } from './rule-input.ts';

/** What conditions and plans make of a rule whose window is over its cut-off. */
export interface Standing {
  readonly status: 'hit' | 'held_back' | 'planned' | 'inconclusive';
  /** Why it is not a hit. */
  readonly reason: string | undefined;
}

const HIT: Standing = { status: 'hit', reason: undefined };

/** Whether a rule over its cut-off fires. Something that cannot be said makes it inconclusive: neither a hit nor silence. */
export function standingOf(
  ruleset: Ruleset,
  features: AccountFeatures,
  { rule, observed, moment }: { readonly rule: CompiledRule; readonly observed: number; readonly moment: Moment },
): Standing {
  const plan = planFor(ruleset, features, { rule, observed, moment });
  if (plan !== undefined) return plan;
  if (rule.when === undefined && rule.unless === undefined) return HIT;
  const input = inputFor(features, { rule, observed, moment });
  return judgeConditions(rule, input);
}

/** The comparisons of a rule's conditions, each with its values now; undefined for a rule without. */
export function conditionParts(
  features: AccountFeatures,
  situation: { readonly rule: CompiledRule; readonly observed: number; readonly moment: Moment },
): readonly ConditionPart[] | undefined {
  const { when, unless } = situation.rule;
  if (when === undefined && unless === undefined) return undefined;
  const input = inputFor(features, situation);
  return [when, unless].flatMap((condition) => {
    if (condition === undefined) return [];
    condition.evaluate(input);
    return condition.lastParts();
  });
}

/** What a rule's conditions ask, answered for one account at one moment. */
export function inputFor(
  features: AccountFeatures,
  { rule, observed, moment }: { readonly rule: CompiledRule; readonly observed: number; readonly moment: Moment },
): RuleInput {
  let usual: Usual | undefined;
  return new RuleInput({
    features,
    rule,
    moment,
    observed,
    usual: () => {
      usual ??= usualFor(features, rule);
      return usual;
    },
  });
}

function judgeConditions({ when, unless }: CompiledRule, input: ConditionInput): Standing {
  const held = when?.evaluate(input) ?? YES;
  const excepted = unless?.evaluate(input) ?? NO;
  // A condition that says no decides alone, whatever cannot be said of the other.
  if (held === NO) return { status: 'held_back', reason: `when is false: ${failed(when?.lastParts() ?? [])}` };
  if (excepted === YES) return { status: 'held_back', reason: `unless is true: ${unless?.text ?? ''}` };
  if (held === UNKNOWN) return { status: 'inconclusive', reason: `when: ${when?.lastTrouble() ?? 'not known'}` };
  if (excepted === UNKNOWN)
    return { status: 'inconclusive', reason: `unless: ${unless?.lastTrouble() ?? 'not known'}` };
  return HIT;
}

function failed(parts: readonly ConditionPart[]): string {
  return parts
    .filter(({ answer }) => answer === 'false')
    .map(({ text }) => text)
    .join('; ');
}

/** The announced spike that explains what the rule sees. */
function planFor(
  { planned }: Ruleset,
  features: AccountFeatures,
  { rule, observed, moment }: { readonly rule: CompiledRule; readonly observed: number; readonly moment: Moment },
): Standing | undefined {
  const spikes = planned?.get(moment.account);
  if (spikes === undefined) return undefined;
  const atMs = windowEnd(features, rule) * (rule.detector.bucket === 'hour' ? HOUR_MS : FINE_MS);
  const spike = plannedAt(spikes, rule.feature, atMs);
  if (spike === undefined) return undefined;
  const ceiling = ceilingFor(spike, rule.detector.windowMs);
  if (observed > ceiling) return undefined;
  const reason = `planned until ${formatUtc(spike.toMs)}: up to ${formatAmount(ceiling, rule.unit)} in the window`;
  return { status: 'planned', reason };
}
