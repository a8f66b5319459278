import { hourOfFine } from '../features/feature-spec.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import type { CompiledRule } from '../rules/compiled-rule.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { canReach, isOverCutoff, noteObserved, observedBy, refreshCache, windowEnd } from './cut-off-cache.ts';

/** Which rules an event can put over their cut-off, by the features it touched. */
interface Places {
  /** Places of window rules among the judged rules, by the place of their feature. */
  readonly windows: readonly (readonly number[])[];
  /** Places of stream rules. */
  readonly streams: readonly number[];
}

const places = new WeakMap<Ruleset, Places>();

function placesOf(ruleset: Ruleset): Places {
  const known = places.get(ruleset);
  if (known !== undefined) return known;
  const { judgedRules } = ruleset;
  const all = [...judgedRules.keys()];
  const made = {
    windows: ruleset.features.features.map((_, feature) =>
      all.filter((at) => judgedRules[at]?.shown === undefined && judgedRules[at]?.featureIndex === feature),
    ),
    streams: all.filter((at) => judgedRules[at]?.shown?.kind === 'stream'),
  };
  places.set(ruleset, made);
  return made;
}

// The ruleset asked for last: nearly always the one asked for now.
let latest: Ruleset | undefined;
let latestPlaces: Places = { windows: [], streams: [] };

function currentPlaces(ruleset: Ruleset): Places {
  if (latest !== ruleset) {
    latestPlaces = placesOf(ruleset);
    latest = ruleset;
  }
  return latestPlaces;
}

const found: number[] = [];

/**
 * Places of the window rules that the latest folds gave evidence and that are over their cut-off, ascending. Valid until the
 * next call. Remembers for `judge` when there are none.
 */
export function overWindows(features: AccountFeatures, ruleset: Ruleset): readonly number[] {
  found.length = 0;
  const { transient } = features;
  refreshCache(features, ruleset);
  const { windows } = currentPlaces(ruleset);
  for (let rest = transient.touched; rest !== 0; rest &= rest - 1) {
    const rules = windows[31 - Math.clz32(rest & -rest)];
    if (rules === undefined) continue;
    for (let index = 0; index < rules.length; index++) {
      const at = rules[index] ?? 0;
      const rule = ruleset.judgedRules[at];
      if (rule !== undefined && isOver(features, rule, at)) found.push(at);
    }
  }
  if (found.length > 1) found.sort((a, b) => a - b);
  transient.isUnder = found.length === 0;
  return found;
}

/** Whether a stream rule that the latest event raised is over its cut-off. */
export function hasRisenStream(features: AccountFeatures, ruleset: Ruleset): boolean {
  const { streams } = features;
  if (streams === null || !streams.rose) return false;
  for (const at of currentPlaces(ruleset).streams) {
    const rule = ruleset.judgedRules[at];
    if (rule?.shown?.kind !== 'stream' || streams.slots[rule.shown.index]?.rose !== true) continue;
    if (isOverCutoff(features, rule, at, observedBy(features, rule, at))) return true;
  }
  return false;
}

function isOver(features: AccountFeatures, rule: CompiledRule, at: number): boolean {
  if (!isInWindow(features, rule, features.transient.touchedFine) || !canReach(features, rule, at)) return false;
  const observed = observedBy(features, rule, at);
  noteObserved(features, rule, at, observed);
  return isOverCutoff(features, rule, at, observed);
}

/** Whether a five-minute bucket lies in the rule's window, which ends with the account's newest bucket. */
export function isInWindow(features: AccountFeatures, rule: CompiledRule, fine: number): boolean {
  const bucket = rule.detector.bucket === 'hour' ? hourOfFine(fine) : fine;
  return bucket > windowEnd(features, rule) - rule.detector.windowBuckets;
}
