import { parse } from 'yaml';
import { z } from 'zod';
import { parseMoney } from '../../domain/money/nanos.ts';
import type { RuleFile } from '../../domain/rules/ruleset.ts';
import type { RuleEvidence } from '../queries/decision-evidence.ts';

/** One thing that must hold for a rule to fire, with its numbers. */
export interface Check {
  readonly part: 'detect' | 'when' | 'unless';
  /** As it is written, or what it stands for. */
  readonly text: string;
  readonly value: number | string | null;
  /** What the value is held against; null where it is a list, or was not kept. */
  readonly against: number | string | null;
  /** `nanos` for money, `times`, `spreads`, `rarity`, or what is counted. */
  readonly unit: string;
  /** Null: cannot be said. */
  readonly holds: boolean | null;
}

/** The parameters of `detect` that its checks are made of, in the feature's unit. */
export interface DetectParams {
  readonly threshold?: number;
  readonly times?: number;
  readonly limit?: number;
  readonly aboveExpected?: number;
  readonly timesRecord?: number;
}

const amount = z.union([z.number(), z.string()]).transform((value) => {
  if (typeof value === 'number') return value;
  const money = parseMoney(value);
  return money === undefined ? Number.NaN : Number(money.nanos);
});

const fileSchema = z.looseObject({
  id: z.string(),
  detect: z.looseObject({
    threshold: z.number().optional().catch(undefined),
    times: z.number().optional().catch(undefined),
    limit: amount.optional().catch(undefined),
    floor: z
      .looseObject({ above_expected: amount.optional(), times_record: z.number().optional() })
      .optional()
      .catch(undefined),
  }),
});

/** What each rule file said its `detect` needs, by rule; files that say nothing of the kind are left out. */
export function detectParams(files: readonly RuleFile[]): ReadonlyMap<string, DetectParams> {
  const found = new Map<string, DetectParams>();
  for (const { text } of files) {
    const file = fileSchema.safeParse(readYaml(text));
    if (!file.success) continue;
    const { threshold, times, limit, floor } = file.data.detect;
    const params = { threshold, times, limit, aboveExpected: floor?.above_expected, timesRecord: floor?.times_record };
    found.set(
      file.data.id,
      Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined && !Number.isNaN(value))),
    );
  }
  return found;
}

// The files were loaded once, so what cannot be read now is of no use, and no reason to explain nothing.
function readYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** What `detect` compares, one by one. Without the rule's file there is the threshold as a whole alone. */
export function detectChecks(rule: RuleEvidence, params: DetectParams | undefined): readonly Check[] {
  const { observed, threshold, unit, status, evidence } = rule;
  if (evidence !== undefined || (rule.windowMs === 0 && threshold !== null)) return rarityChecks(rule);
  const isKnown = threshold !== null && observed !== null;
  const whole: Check = {
    part: 'detect',
    text: 'observed',
    value: observed,
    against: threshold,
    unit,
    holds: isKnown ? observed >= threshold : null,
  };
  if (params === undefined || !isKnown || (status === 'inconclusive' && rule.reason?.startsWith('when') !== true))
    return [whole];
  return [whole, ...partsOf(rule, params, { observed, threshold })];
}

function rarityChecks({ observed, threshold, evidence, status }: RuleEvidence): readonly Check[] {
  const isSaid = observed !== null && threshold !== null && (status !== 'inconclusive' || observed > 0);
  const holds = isSaid ? (observed ?? 0) >= (threshold ?? 0) : null;
  const rarity: Check = { part: 'detect', text: 'rarity', value: observed, against: threshold, unit: 'rarity', holds };
  if (evidence === undefined) return [rarity];
  const seen = { part: 'detect', unit: '', holds: null } as const;
  return [
    rarity,
    { ...seen, text: 'seen, and what is usual', value: evidence.observed, against: evidence.expected },
    ...Object.entries(evidence.parts).map(([text, value]) => ({ ...seen, text, value, against: null })),
  ];
}

function partsOf(
  { kind, expected, upper, unit, z: spreads, times }: RuleEvidence,
  params: DetectParams,
  { observed, threshold }: { readonly observed: number; readonly threshold: number },
): readonly Check[] {
  const checks: Check[] = [];
  // The highest window is kept of bursts only; of others it is known where nothing else asks for as much.
  const recordNeeded = (others: readonly Check[]) => {
    if (kind === 'burst') return upper === null ? null : upper * (params.timesRecord ?? 0);
    return observed < threshold && others.every(({ holds }) => holds === true) ? threshold : null;
  };
  const recordHolds = (others: readonly Check[]) => {
    const needed = recordNeeded(others);
    if (needed !== null) return observed >= needed;
    return observed >= threshold ? true : null;
  };
  const add = (check: Omit<Check, 'part' | 'holds'>, holds: boolean | null) =>
    checks.push({ part: 'detect', ...check, holds });
  if (kind === 'z_score' && params.threshold !== undefined && spreads !== undefined) {
    const check = { text: 'spreads above the usual', value: spreads, against: params.threshold, unit: 'spreads' };
    add(check, spreads >= params.threshold);
  }
  if (kind === 'burst' && params.times !== undefined && times !== undefined) {
    const check = { text: 'times the busy hour', value: times, against: params.times, unit: 'times' };
    add(check, times >= params.times);
  }
  if (params.aboveExpected !== undefined && expected !== null && params.aboveExpected > 0) {
    const excess = observed - expected;
    add(
      { text: 'above the usual', value: excess, against: params.aboveExpected, unit },
      excess >= params.aboveExpected,
    );
  }
  if (params.timesRecord !== undefined && params.timesRecord > 0) {
    const text = `${params.timesRecord} × the highest so far`;
    add({ text, value: observed, against: recordNeeded(checks), unit }, recordHolds(checks));
  }
  if (kind === 'burst' && params.limit !== undefined) {
    const text = checks.length === 0 ? 'limit' : 'or, whatever is usual, the limit';
    add({ text, value: observed, against: params.limit, unit }, observed >= params.limit);
  }
  return checks;
}
