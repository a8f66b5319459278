import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { type ByteLine, splitLines } from './byte-lines.ts';
import { type CsvRecord, takeRecords } from './csv-records.ts';
import { type EventField, type FieldMap, fieldMap, REQUIRED_FIELDS } from './field-map.ts';
import { type IngestLine, type UnreadableLine, unreadable } from './ingest-line.ts';
import type { Input } from './open-input.ts';

/**
 * Comma-separated values with a header. Columns that are event fields (by name, alias or mapping) fill the event; all
 * others go to its properties, `properties.region` as well as `region`. An empty cell is a field that is not there.
 */
export async function* readCsv(
  input: Input,
  mapping: Readonly<Record<string, string>> | undefined,
): AsyncGenerator<IngestLine, void, undefined> {
  let header: Header | undefined;
  let rest: readonly ByteLine[] = [];
  for await (const { lines, isEnd } of withEnd(splitLines(input.chunks))) {
    const taken = takeRecords([...rest, ...lines], isEnd);
    rest = taken.rest;
    for (const record of taken.records) {
      if (header === undefined) header = readHeader(record, mapping, input.name);
      else yield 'cells' in record ? readRecord(record, header) : record;
    }
  }
}

/** A last, empty turn tells that nothing follows. */
async function* withEnd(chunks: AsyncIterable<readonly ByteLine[]>) {
  for await (const lines of chunks) yield { lines, isEnd: false };
  yield { lines: [], isEnd: true };
}

interface Header {
  readonly names: readonly string[];
  readonly map: FieldMap;
}

function readHeader(
  record: CsvRecord | UnreadableLine,
  mapping: Readonly<Record<string, string>> | undefined,
  file: string,
): Header {
  if (!('cells' in record)) {
    throw new AppError('FILE_UNREADABLE', `${file}: the header cannot be read: ${record.reason}.`, {
      fix: 'Name a text file of usage events: one JSON object per line, or CSV with a first line of names. --format says which.',
    });
  }
  const names = record.cells.map((cell) => cell.trim());
  const shown = names.map((name) => JSON.stringify(cleanText(name).slice(0, 60))).join(', ');
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new AppError('FILE_UNREADABLE', `${file}: two columns are named ${JSON.stringify(cleanText(twice))}.`, {
      fix: 'Rename one; the second would silently replace the first.',
    });
  }
  const map = fieldMap(names, mapping);
  const found = new Set(map.values());
  const missing = REQUIRED_FIELDS.filter((field) => !found.has(field));
  if (missing.length > 0) {
    const message = `${file}: no column for ${missing.join(', ')}. Its columns are ${shown}.`;
    throw new AppError('CLI_USAGE', message, {
      fix: `Add --map ${missing.map((field) => `${field}=COLUMN`).join(',')}.`,
    });
  }
  return { names, map };
}

function readRecord({ line, cells, text }: CsvRecord, { names, map }: Header): IngestLine {
  if (cells.length !== names.length) {
    return unreadable(line, text, `${cells.length} cells under ${names.length} columns`);
  }
  const fields: [string, unknown][] = [];
  const properties: [string, unknown][] = [];
  for (const [index, cell] of cells.entries()) {
    const name = names[index] ?? '';
    const field = map.get(name);
    if (cell === '') continue;
    if (field === 'properties') {
      const own = readProperties(cell);
      if (own === undefined) return unreadable(line, text, 'properties is not a JSON object');
      properties.push(...own);
    } else if (field !== undefined) fields.push([field, fieldValue(field, cell)]);
    else properties.push([name.replace(/^properties\./, '') || `column_${index + 1}`, cell]);
  }
  // fromEntries defines properties, so a column named __proto__ stays data.
  if (properties.length > 0) fields.push(['properties', Object.fromEntries(properties)]);
  return { line, raw: Object.fromEntries(fields) };
}

const WHOLE_NUMBER = /^\d{1,16}$/;

/** CSV knows only text; epoch milliseconds and sequence numbers are numbers to the queue. */
function fieldValue(field: EventField, cell: string): unknown {
  if (field === 'quantity') return cell.trim();
  if ((field === 'occurredAt' || field === 'sequence') && WHOLE_NUMBER.test(cell.trim())) return Number(cell.trim());
  return field === 'occurredAt' ? cell.trim() : cell;
}

function readProperties(cell: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(cell);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.entries(value);
  } catch {
    return undefined;
  }
}
