import { AppError } from '../../errors.ts';

/** Fields of an event, as the queue knows them. */
export const EVENT_FIELDS = [
  'id',
  'source',
  'account',
  'meter',
  'quantity',
  'occurredAt',
  'sequence',
  'properties',
  'tenant',
] as const;

export type EventField = (typeof EVENT_FIELDS)[number];

/** Those without which no event is valid. */
export const REQUIRED_FIELDS: readonly EventField[] = ['id', 'source', 'account', 'meter', 'quantity', 'occurredAt'];

/** Names other systems use for a field; an event field of its own name wins. */
const ALIASES: Readonly<Record<string, EventField>> = { timestamp: 'occurredAt', seq: 'sequence' };

/** Event field by the name it has in the file. */
export type FieldMap = ReadonlyMap<string, EventField>;

export function isEventField(name: string): name is EventField {
  return EVENT_FIELDS.some((field) => field === name);
}

/** Reads `occurredAt=ts,account=customer`: event field on the left, the file's name on the right. */
export function parseMapping(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((pair) => {
    const at = pair.indexOf('=');
    const [field, name] = at === -1 ? [pair.trim(), ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    if (!isEventField(field) || name === '') {
      throw new AppError('CLI_USAGE', `--map cannot read ${JSON.stringify(pair)}.`, {
        fix: `Write field=name pairs such as occurredAt=ts,account=customer; fields are ${EVENT_FIELDS.join(', ')}.`,
      });
    }
    return [field, name] as const;
  });
  return Object.fromEntries(pairs);
}

/**
 * Which of a file's names means which event field. An explicit mapping comes first, then the event's own names, then
 * the aliases; a name that already has a meaning is not given a second one.
 */
export function fieldMap(names: readonly string[], mapping: Readonly<Record<string, string>> = {}): FieldMap {
  const map = new Map<string, EventField>();
  const taken = new Set<EventField>();
  const claim = (name: string, field: EventField) => {
    if (map.has(name) || taken.has(field)) return;
    map.set(name, field);
    taken.add(field);
  };
  for (const [field, name] of Object.entries(mapping)) {
    if (isEventField(field) && names.includes(name)) claim(name, field);
  }
  for (const name of names) if (isEventField(name)) claim(name, name);
  for (const name of names) {
    const field = Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
    if (field !== undefined) claim(name, field);
  }
  return map;
}
