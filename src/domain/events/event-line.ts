import { jsonFields } from '../text/json-fields.ts';
import { ID_BYTES_MAX, NAME_BYTES_MAX, type ParsedEvent, parseUsageEvent, printable, shorten } from './parse-event.ts';

/** Marks an event that our own commands send as the text of a line. The public queue refuses it like any other field. */
const LINE = 'tollkeeper:line';

/** A line of a file that a queue's JSON cannot carry as an event: it is no JSON, or holds a number beyond a double. */
export interface EventLine {
  readonly text: string;
  /** Why it cannot be read; absent when it is JSON. */
  readonly fault?: LineFault;
}

/** What is wrong with a line as a whole, and the names that could still be read in it. */
export interface LineFault {
  readonly code: 'JOB_NOT_JSON' | 'EVENT_NOT_OBJECT';
  readonly reason: string;
  readonly id?: string;
  readonly source?: string;
}

/** The line as an event of a job on a trusted queue. */
export function eventOfLine({ text, fault }: EventLine): Readonly<Record<string, unknown>> {
  return fault === undefined ? { [LINE]: text } : { [LINE]: text, ...fault };
}

/** The line that such an event stands for; undefined for any other. */
export function lineOfEvent(raw: unknown): EventLine | undefined {
  if (typeof raw !== 'object' || raw === null || !(LINE in raw)) return undefined;
  const text = raw[LINE];
  if (typeof text !== 'string') return undefined;
  if (!('reason' in raw) || typeof raw.reason !== 'string') return { text };
  const code = 'code' in raw && raw.code === 'EVENT_NOT_OBJECT' ? raw.code : 'JOB_NOT_JSON';
  const id = 'id' in raw && typeof raw.id === 'string' ? { id: raw.id } : {};
  const source = 'source' in raw && typeof raw.source === 'string' ? { source: raw.source } : {};
  return { text, fault: { code, reason: raw.reason, ...id, ...source } };
}

/** Reads a line on a trusted queue, with the event as it came: its text where that says more than the parsed event. */
export function parseEventLine({ text, fault }: EventLine): { readonly parsed: ParsedEvent; readonly raw: unknown } {
  if (fault !== undefined) return { parsed: refuse(text, fault), raw: text };
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return { parsed: refuse(text, { code: 'JOB_NOT_JSON', reason: 'not valid JSON' }), raw: text };
  }
  const parsed = parseUsageEvent(raw, true);
  if (parsed.ok) return { parsed, raw };
  const fields = jsonFields(text);
  const source = textOfField(raw, 'source');
  return {
    parsed: {
      ...parsed,
      ...(source === undefined ? {} : { source }),
      rejection: { ...parsed.rejection, value: asWritten(raw, parsed.rejection, fields) },
    },
    raw: text,
  };
}

function refuse(text: string, { code, reason, id, source }: LineFault): ParsedEvent {
  return {
    ok: false,
    id: id === undefined ? null : shorten(id, ID_BYTES_MAX),
    ...(source === undefined ? {} : { source: shorten(source, NAME_BYTES_MAX) }),
    rejection: {
      code,
      field: '(line)',
      value: printable(text),
      fix: `The line cannot be read: ${shorten(reason, 200)}. Correct it and send it again.`,
    },
  };
}

/** A number that became Infinity is shown as it stands in the file. */
function asWritten(
  raw: unknown,
  { field, value }: { readonly field: string; readonly value: string },
  fields: ReadonlyMap<string, string>,
): string {
  const read = fieldOf(raw, field);
  const written = fields.get(field);
  return typeof read === 'number' && !Number.isFinite(read) && written !== undefined ? shorten(written, 80) : value;
}

function textOfField(raw: unknown, field: string): string | undefined {
  const value = fieldOf(raw, field);
  return typeof value === 'string' ? value : undefined;
}

function fieldOf(raw: unknown, field: string): unknown {
  if (typeof raw !== 'object' || raw === null) return undefined;
  return Object.entries(raw).find(([name]) => name === field)?.[1];
}
