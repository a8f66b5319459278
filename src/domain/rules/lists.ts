/** One value on a list, and the moment it stops being there. */
export interface ListEntry {
  readonly value: string;
  /** Infinity for an entry without end. */
  readonly untilMs: number;
}

/** A list of a ruleset: `lists/trusted.yaml` is `list('trusted')`. */
export interface RuleList {
  readonly name: string;
  /** Milliseconds until which a value is on the list. */
  readonly untilMs: ReadonlyMap<string, number>;
}

/** Whether a value is on the list at a moment; an entry ends when its date begins. */
export function isListed(list: RuleList, value: string, nowMs: number): boolean {
  const untilMs = list.untilMs.get(value);
  return untilMs !== undefined && nowMs < untilMs;
}
