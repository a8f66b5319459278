import { isUtf8 } from 'node:buffer';
import { jsonFields, textOf } from '../../domain/text/json-fields.ts';
import { AppError } from '../../errors.ts';
import { type ByteLine, splitLines } from './byte-lines.ts';
import { fieldMap, isEventField } from './field-map.ts';
import { type IngestLine, LINE_BYTES_MAX, tooLong, type UnreadableLine, unreadable } from './ingest-line.ts';
import type { Input } from './open-input.ts';
import { keepWrittenNumbers } from './written-number.ts';

/** Deeper JSON cannot be written back by JSON.stringify, and no event is nested like that. */
const DEPTH_MAX = 64;

/**
 * One event per line. With a mapping the file is somebody else's format, so fields that are no event fields move into
 * properties; without one they stay where they are, and the event is rejected with the field's name.
 */
export async function* readNdjson(
  input: Input,
  mapping: Readonly<Record<string, string>> | undefined,
): AsyncGenerator<IngestLine, void, undefined> {
  let isFirst = true;
  for await (const lines of splitLines(input.chunks)) {
    for (const byteLine of lines) {
      const read = readLine(byteLine);
      if (read === undefined) continue;
      if (isFirst && 'unreadable' in read && read.unreadable.trim() === '[') throw isArrayFile(input.name);
      isFirst = false;
      yield 'raw' in read ? { line: read.line, raw: rename(read.raw, mapping) } : withNames(read, mapping);
    }
  }
}

/** Undefined for an empty line. */
function readLine({ line, bytes, bytesTotal }: ByteLine): IngestLine | undefined {
  const text = bytes.toString('utf8');
  if (bytesTotal > LINE_BYTES_MAX) return tooLong(line, bytes, bytesTotal);
  if (!isUtf8(bytes)) return unreadable(line, text, 'not valid UTF-8', 'JOB_NOT_JSON');
  if (text.trim() === '') return undefined;
  if (text.length > DEPTH_MAX && isTooDeep(text))
    return unreadable(line, text, `nested deeper than ${DEPTH_MAX} levels`);
  try {
    const raw: unknown = JSON.parse(text);
    return { line, raw: keepWrittenNumbers(raw, text) };
  } catch {
    return unreadable(line, text, 'not valid JSON', 'JOB_NOT_JSON');
  }
}

/** With the id and source before the break: by them the rejection of a line that was cut off is found again. */
function withNames(line: UnreadableLine, mapping: Readonly<Record<string, string>> | undefined): UnreadableLine {
  const written = jsonFields(line.unreadable);
  const map = fieldMap([...written.keys()], mapping);
  const named = (field: string) => {
    const name = [...map].find(([, meaning]) => meaning === field)?.[0];
    const text = name === undefined ? undefined : textOf(written.get(name));
    return text === undefined ? {} : { [field]: text };
  };
  return { ...line, ...named('id'), ...named('source') };
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > DEPTH_MAX) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}

/** The event's own names in the place of the file's. */
export function rename(raw: unknown, mapping: Readonly<Record<string, string>> | undefined): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  const entries: readonly (readonly [string, unknown])[] = Object.entries(raw);
  if (mapping === undefined && !entries.some(([name]) => name === 'timestamp' || name === 'seq')) return raw;

  const map = fieldMap(
    entries.map(([name]) => name),
    mapping,
  );
  const fields: [string, unknown][] = [];
  const others: [string, unknown][] = [];
  for (const [name, value] of entries) {
    const field = map.get(name);
    if (field !== undefined) fields.push([field, value]);
    // A field whose place was taken by the mapping must not overwrite it.
    else if (mapping !== undefined || isEventField(name)) others.push([name, value]);
    else fields.push([name, value]);
  }
  // fromEntries defines properties, so a name like __proto__ stays data.
  const event: Record<string, unknown> = Object.fromEntries(fields);
  if (others.length === 0) return event;
  const own = event.properties;
  if (own !== undefined && (typeof own !== 'object' || own === null || Array.isArray(own))) return event;
  return { ...event, properties: Object.fromEntries([...others, ...Object.entries(own ?? {})]) };
}

function isArrayFile(name: string): AppError {
  const fix = "Write one event per line, for example with jq -c '.[]'.";
  return new AppError('FILE_UNREADABLE', `${name} is one JSON array, not one event per line.`, { fix });
}
