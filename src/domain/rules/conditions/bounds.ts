/** The numbers an expression can be while a comparison holds: `key` is the expression as it is written. */
export interface Bound {
  readonly key: string;
  readonly low: number;
  readonly high: number;
  /** Whether the end itself is out. */
  readonly lowOpen: boolean;
  readonly highOpen: boolean;
}

/** The bound of `key op value`; undefined for `!=`, which bounds nothing. */
export function boundOf(key: string, op: string, value: number): Bound | undefined {
  const all = { key, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, lowOpen: false, highOpen: false };
  switch (op) {
    case '<':
      return { ...all, high: value, highOpen: true };
    case '<=':
      return { ...all, high: value };
    case '>':
      return { ...all, low: value, lowOpen: true };
    case '>=':
      return { ...all, low: value };
    case '==':
      return { ...all, low: value, high: value };
    default:
      return undefined;
  }
}

/** `3 < x` as `x > 3`. */
export function mirrored(op: string): string {
  const mirror: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
  return mirror[op] ?? op;
}

/** An expression for which no number satisfies all of these at once; undefined when there is none. */
export function contradictionIn(all: readonly Bound[]): string | undefined {
  const met = new Map<string, Bound>();
  for (const bound of all) {
    const known = met.get(bound.key);
    if (known === undefined) {
      met.set(bound.key, bound);
      continue;
    }
    const low = Math.max(known.low, bound.low);
    const high = Math.min(known.high, bound.high);
    const lowOpen = [known, bound].some((side) => side.low === low && side.lowOpen);
    const highOpen = [known, bound].some((side) => side.high === high && side.highOpen);
    if (low > high || (low === high && (lowOpen || highOpen))) return bound.key;
    met.set(bound.key, { key: bound.key, low, high, lowOpen, highOpen });
  }
  return undefined;
}

/** An expression of which every number satisfies one of these; undefined when there is none. */
export function coverIn(alternatives: readonly Bound[]): string | undefined {
  for (const upper of alternatives) {
    if (upper.low !== Number.NEGATIVE_INFINITY) continue;
    for (const lower of alternatives) {
      if (lower.key !== upper.key || lower.high !== Number.POSITIVE_INFINITY) continue;
      if (lower.low < upper.high || (lower.low === upper.high && !(lower.lowOpen && upper.highOpen))) return upper.key;
    }
  }
  return undefined;
}

/** What a comparison of two ranges always is; undefined when both answers are possible. */
export function certainAnswer(
  op: string,
  left: { readonly low: number; readonly high: number },
  right: { readonly low: number; readonly high: number },
): boolean | undefined {
  switch (op) {
    case '<':
      return left.high < right.low ? true : left.low >= right.high ? false : undefined;
    case '<=':
      return left.high <= right.low ? true : left.low > right.high ? false : undefined;
    case '>':
      return certainAnswer('<', right, left);
    case '>=':
      return certainAnswer('<=', right, left);
    default: {
      const isApart = left.high < right.low || left.low > right.high;
      if (isApart) return op === '!=';
      const isOnePoint = left.low === left.high && right.low === right.high && left.low === right.low;
      return isOnePoint ? op === '==' : undefined;
    }
  }
}
