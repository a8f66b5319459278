import { ARRIVAL_PROPERTY } from '../../domain/events/event-key.ts';
import { parseUsageEvent } from '../../domain/events/parse-event.ts';
import type { JsonValue } from '../../domain/events/usage-event.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import type { HistoryEvent, UnreadableEvent } from '../../pipeline/backtest/history-event.ts';
import { rename } from '../ingest/read-ndjson.ts';

type Fields = { readonly [key: string]: unknown };

/** Longer names and ids go the exact way, which refuses them. */
const NAME_LENGTH_MAX = 128;
const ID_LENGTH_MAX = 256;

const PLAIN_DECIMAL = /^\d{1,15}(?:\.\d{1,9})?$/;

/**
 * Reads lines of event files. Lines of the common form are taken as they are; whatever is unusual (escapes, other
 * alphabets, decimals as text beyond a double, a mapping) goes through the parser that production uses, so that both
 * accept the same events.
 */
export class LineReader {
  readonly #map: Readonly<Record<string, string>> | undefined;
  readonly #times = [new TimeReader(), new TimeReader()] as const;

  constructor(map: Readonly<Record<string, string>> | undefined) {
    this.#map = map;
  }

  /**
   * The event of a line, or why there is none; undefined for an empty line.
   * @param index the line's place in its file, from 0.
   * @param isPlain every character is ASCII.
   */
  read(text: string, index: number, isPlain: boolean): HistoryEvent | UnreadableEvent | undefined {
    let raw: unknown;
    try {
      raw = JSON.parse(text);
    } catch {
      if (text.trim() === '') return undefined;
      return { line: index + 1, code: 'JOB_NOT_JSON', reason: 'not valid JSON' };
    }
    if (this.#map === undefined && isPlain && !text.includes('\\')) {
      const event = this.#readPlain(raw, index);
      if (event !== undefined) return event;
    }
    return this.readFields(rename(raw, this.#map), index);
  }

  /** The event of fields that are named as the queue names them, or why there is none. */
  readFields(raw: unknown, index: number): HistoryEvent | UnreadableEvent {
    const parsed = parseUsageEvent(isObject(raw) ? ownFields(raw) : raw, true);
    if (!parsed.ok) {
      const { code, field, value } = parsed.rejection;
      return { line: index + 1, code, reason: `${field} is ${value}` };
    }
    const { event } = parsed;
    const arrival = event.properties?.[ARRIVAL_PROPERTY];
    const arrivedAtMs = arrival === undefined ? event.occurredAtMs : arrivalOf(arrival);
    if (arrivedAtMs === undefined) {
      const reason = `properties.${ARRIVAL_PROPERTY} is ${JSON.stringify(arrival).slice(0, 60)}`;
      return { line: index + 1, code: 'ARRIVAL_INVALID', reason };
    }
    const { id, source, account, meter, occurredAtMs, sequence, properties, quantity } = event;
    const names = { id, source, account, meter, quantity: quantity.approximate, occurredAtMs, arrivedAtMs };
    return { ...names, sequence, properties, index, known: undefined, knownNanos: undefined };
  }

  /** Undefined when anything is out of the ordinary. */
  #readPlain(raw: unknown, index: number): HistoryEvent | undefined {
    if (!isObject(raw)) return undefined;
    const { id, source, account, meter, properties } = raw;
    if (!isName(id, ID_LENGTH_MAX) || !isName(source) || !isName(account) || !isName(meter)) return undefined;
    const quantity = quantityOf(raw.quantity);
    const occurredAtMs = this.#times[0].read(raw.occurredAt ?? raw.timestamp);
    const sequence = raw.sequence ?? raw.seq;
    if (quantity === undefined || occurredAtMs === undefined) return undefined;
    if (sequence !== undefined && !isCount(sequence)) return undefined;
    let arrivedAtMs: number | undefined = occurredAtMs;
    let kept: HistoryEvent['properties'];
    if (properties !== undefined) {
      if (!isObject(properties)) return undefined;
      // What JSON.parse returns holds JSON values only.
      kept = properties as { readonly [key: string]: JsonValue };
      const arrival = properties[ARRIVAL_PROPERTY];
      if (arrival !== undefined) arrivedAtMs = this.#times[1].read(arrival);
      if (arrivedAtMs === undefined) return undefined;
    }
    return {
      id,
      source,
      account,
      meter,
      quantity,
      occurredAtMs,
      arrivedAtMs,
      sequence,
      properties: kept,
      index,
      known: undefined,
      knownNanos: undefined,
    };
  }
}

const DAY_LENGTH = 'YYYY-MM-DD'.length;

/** Reads times; those of the day it has just seen cost a few digits. */
class TimeReader {
  #day = '';
  #dayMs = 0;

  read(value: unknown): number | undefined {
    if (typeof value === 'number') return isCount(value) ? value : undefined;
    if (typeof value !== 'string') return undefined;
    if (this.#day !== '' && value.length === 24 && value.startsWith(this.#day)) {
      const ms = timeOfDay(value);
      if (ms !== undefined) return this.#dayMs + ms;
    }
    const ms = parseRfc3339(value);
    if (ms === undefined || ms < 0) return undefined;
    if (value.length === 24 && value.endsWith('Z')) {
      const start = parseRfc3339(`${value.slice(0, DAY_LENGTH)}T00:00:00.000Z`);
      if (start !== undefined) {
        this.#day = value.slice(0, DAY_LENGTH);
        this.#dayMs = start;
      }
    }
    return ms;
  }
}

/** Milliseconds since midnight of `…T12:34:56.789Z`; undefined when it is not exactly of that form. */
function timeOfDay(text: string): number | undefined {
  const isForm =
    text.charCodeAt(10) === 84 &&
    text.charCodeAt(13) === 58 &&
    text.charCodeAt(16) === 58 &&
    text.charCodeAt(19) === 46 &&
    text.charCodeAt(23) === 90;
  if (!isForm) return undefined;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const hundreds = text.charCodeAt(20) - 48;
  const rest = twoDigits(text, 21);
  const isTime = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
  if (!isTime || hundreds < 0 || hundreds > 9 || rest < 0) return undefined;
  return ((hour * 60 + minute) * 60 + second) * 1000 + hundreds * 100 + rest;
}

/** Negative when these are not two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

function quantityOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 && value < 1e15 ? value : undefined;
  return typeof value === 'string' && PLAIN_DECIMAL.test(value) ? Number(value) : undefined;
}

function arrivalOf(value: JsonValue): number | undefined {
  if (typeof value === 'string') return parseRfc3339(value);
  return isCount(value) ? value : undefined;
}

const FIELDS = ['id', 'source', 'account', 'meter', 'quantity', 'occurredAt', 'sequence', 'properties'] as const;

/** The fields an event has; others are none of a backtest's business. */
function ownFields(raw: Fields): Fields {
  const fields: [string, unknown][] = [];
  for (const name of FIELDS) if (raw[name] !== undefined) fields.push([name, raw[name]]);
  return Object.fromEntries(fields);
}

function isName(value: unknown, lengthMax = NAME_LENGTH_MAX): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
