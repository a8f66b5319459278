/** Nesting kept when a value is too deep to be written whole. */
const DEPTH_MAX = 64;
const CUT = '… nested deeper';

/**
 * JSON text of anything that came in. `JSON.parse` accepts nesting that `JSON.stringify` cannot write again (it recurses,
 * and the stack ends): such a value is cut, because a text with a gap in an error or a log beats an exception there.
 */
export function anyJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return JSON.stringify(cut(value, DEPTH_MAX));
  }
}

function cut(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return CUT;
  if (Array.isArray(value)) return value.map((item) => cut(item, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cut(item, depth - 1)]));
}
