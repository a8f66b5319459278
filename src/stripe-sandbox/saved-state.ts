import { MeterStore, type StoredMeterEvent } from './meters/meter-store.ts';
import { Table } from './table.ts';
import type { World } from './world.ts';

const FORMAT = 1;

/** Fields that are no memory: settings, who listens, and what the request in hand is. */
const NOT_KEPT = new Set(['settings', 'ids', 'sinks', 'thinSinks', 'request']);

type Dump = { readonly rows: readonly never[]; readonly gone: readonly string[] };

interface SavedMeters {
  readonly meters: Dump;
  readonly events: readonly StoredMeterEvent[];
}

/** Everything a sandbox has in memory, as JSON, so that a restart finds the same Stripe. */
export function saveWorld(world: World, more: object): string {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(world)) {
    if (!NOT_KEPT.has(name)) fields[name] = toJson(value);
  }
  return JSON.stringify({ format: FORMAT, fields, ...more });
}

/** Puts saved memory into a new world. Returns what was saved beside it; undefined when the text is of another format. */
export function restoreWorld(world: World, text: string): Readonly<Record<string, unknown>> | undefined {
  const saved = JSON.parse(text) as { readonly format?: unknown; readonly fields: Record<string, unknown> };
  if (saved.format !== FORMAT) return undefined;
  for (const [name, value] of Object.entries(world)) {
    const before = saved.fields[name];
    if (!NOT_KEPT.has(name) && before !== undefined) fill(world, name, value, before);
  }
  return { ...saved };
}

function toJson(value: unknown): unknown {
  if (value instanceof Table) return value.dump();
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof MeterStore) return { meters: value.meters.dump(), events: value.events };
  return value;
}

/** `before` is what `toJson` made of the same field, so its shape is known by what the field is now. */
function fill(world: World, name: string, value: unknown, before: unknown): void {
  if (value instanceof Table) value.restore(before as Dump);
  else if (value instanceof Map) for (const [key, item] of before as [unknown, unknown][]) value.set(key, item);
  else if (value instanceof Set) for (const item of before as unknown[]) value.add(item);
  else if (Array.isArray(value)) value.push(...(before as unknown[]));
  else if (value instanceof MeterStore) {
    const { meters, events } = before as SavedMeters;
    value.meters.restore(meters);
    for (const event of events) value.readd(event);
  } else Reflect.set(world, name, before);
}
