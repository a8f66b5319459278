import { invalidRequest } from '../stripe-fault.ts';

/** A parameter as it came: text in forms and queries, any JSON in v2 bodies. */
export type ParamValue =
  | string
  | number
  | boolean
  | null
  | readonly ParamValue[]
  | { readonly [name: string]: ParamValue };

const PAIRS_MAX = 2_000;
const DEPTH_MAX = 12;

interface Branch extends Map<string, Branch | string> {}

/** Decodes `a[b][0]=c`, the way the SDK writes forms and query strings. Bounded, since anybody may send anything. */
export function decodeForm(text: string): Readonly<Record<string, ParamValue>> {
  const root: Branch = new Map();
  let pairs = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    pairs += 1;
    if (pairs > PAIRS_MAX) throw invalidRequest(`More than ${PAIRS_MAX} parameters`);
    put(root, pathOf(name), value);
  }
  return Object.fromEntries([...root].map(([name, value]) => [name, settle(value)]));
}

function pathOf(name: string): readonly string[] {
  const bracket = name.indexOf('[');
  if (bracket === -1) return [name];
  const inside = [...name.slice(bracket).matchAll(/\[([^\]]*)\]/g)].map(([, part = '']) => part);
  if (inside.length > DEPTH_MAX) throw invalidRequest(`Parameters nest deeper than ${DEPTH_MAX} levels`);
  return [name.slice(0, bracket), ...inside];
}

function put(root: Branch, path: readonly string[], value: string): void {
  let branch = root;
  for (const [index, part] of path.entries()) {
    // `a[]=x` appends.
    const name = part === '' ? String(branch.size) : part;
    if (index === path.length - 1) {
      branch.set(name, value);
      return;
    }
    const below = branch.get(name);
    const next: Branch = below instanceof Map ? below : new Map();
    branch.set(name, next);
    branch = next;
  }
}

function settle(value: Branch | string): ParamValue {
  if (typeof value === 'string') return value;
  const entries = [...value];
  const isList = entries.every(([name], index) => name === String(index));
  if (isList) return entries.map(([, item]) => settle(item));
  return Object.fromEntries(entries.map(([name, item]) => [name, settle(item)]));
}
