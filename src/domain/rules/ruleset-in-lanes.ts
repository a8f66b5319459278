import type { Ruleset } from './ruleset.ts';

/** One object per ruleset: accounts keep what they know of a ruleset by its identity. */
const made = new WeakMap<Ruleset, Ruleset>();

/** The ruleset as lanes run it: without the rules that the files leave to backtests. Its hash stays the same. */
export function rulesetInLanes(ruleset: Ruleset): Ruleset {
  const { inLanes } = ruleset;
  if (inLanes === undefined) return ruleset;
  const known = made.get(ruleset) ?? { ...ruleset, ...inLanes };
  made.set(ruleset, known);
  return known;
}
