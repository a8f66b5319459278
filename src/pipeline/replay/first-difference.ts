/** Where two JSON values differ first, and what stands there; undefined when they are the same. */
export interface Difference {
  /** Path from the top: `results[2].observed`. */
  readonly field: string;
  readonly stored: unknown;
  readonly replayed: unknown;
}

/** Compares what was stored with what comes out now, in the order the stored value has its fields. */
export function firstDifference(stored: unknown, replayed: unknown, field = ''): Difference | undefined {
  if (Array.isArray(stored) && Array.isArray(replayed)) {
    for (let index = 0; index < Math.max(stored.length, replayed.length); index++) {
      const found = firstDifference(stored[index], replayed[index], `${field}[${index}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(stored) && isObject(replayed)) {
    for (const key of new Set([...Object.keys(stored), ...Object.keys(replayed)])) {
      const found = firstDifference(stored[key], replayed[key], field === '' ? key : `${field}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return Object.is(stored, replayed) ? undefined : { field, stored, replayed };
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
