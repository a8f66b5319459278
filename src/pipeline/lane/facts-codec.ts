import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRawSync } from 'node:zlib';
import type { JsonValue } from '../../domain/events/usage-event.ts';
import type { FactRow } from './batch-record.ts';

const deflate = promisify(deflateRaw);

/** One event of a stored batch. `amount` is in nano-units, null when the event had no price. */
export interface StoredFact {
  readonly id: string;
  readonly source: string;
  readonly tenant: string;
  readonly account: string;
  readonly meter: string;
  readonly quantity: string;
  readonly occurredAtMs: number;
  readonly ingestedAtMs: number;
  readonly status: FactRow['status'];
  readonly amount: bigint | null;
  readonly sequence: number | null;
  readonly properties: { readonly [key: string]: JsonValue } | null;
}

/** Facts compress about fivefold; level 1 is a third of the time of level 6 for a tenth more bytes. */
const OPTIONS = { level: constants.Z_BEST_SPEED, chunkSize: 256 * 1024 };

/** Below this, setting up the compressor costs more than the bytes it saves. */
const PLAIN_BYTES_MAX = 4_096;

/** First byte of a facts blob: how the rest is stored. */
const PLAIN_ROWS = 0;
const DEFLATED_ROWS = 1;
const PLAIN_COLUMNS = 2;
const DEFLATED_COLUMNS = 3;

/** Encodes a batch's facts, deflated off the main thread when there are enough of them. */
export function encodeFacts(facts: readonly FactRow[]): Promise<Buffer> {
  const encoder = new FactsEncoder();
  encoder.append(facts);
  return encoder.finish();
}

/** The facts of a stored batch, in lane order. */
export function decodeFacts(bytes: Buffer): StoredFact[] {
  const format = bytes[0];
  const body = bytes.subarray(1);
  const isDeflated = format === DEFLATED_ROWS || format === DEFLATED_COLUMNS;
  const json = (isDeflated ? inflateRawSync(body) : body).toString('utf8');
  // What stands here was written by encodeFacts into a table only this program writes.
  if (format === PLAIN_ROWS || format === DEFLATED_ROWS) return (JSON.parse(json) as StoredRow[]).map(factOfRow);
  return factsOfColumns(JSON.parse(json) as Columns);
}

/** A column of which many values are equal: each different one once, and per event which it is. */
interface Shared<T> {
  readonly values: T[];
  readonly at: number[];
}

/** Amounts within 2^53 are numbers, because writing a BigInt's digits costs more than all the rest of an event. */
type StoredAmount = number | string | null;

interface Columns {
  readonly id: string[];
  readonly account: string[];
  readonly quantity: string[];
  readonly tenant: Shared<string>;
  readonly source: Shared<string>;
  readonly meter: Shared<string>;
  readonly status: Shared<FactRow['status']>;
  /** Each as JSON text. */
  readonly properties: Shared<string>;
  /** Times less `fromMs`. */
  readonly fromMs: number;
  readonly occurred: number[];
  readonly ingested: number[];
  readonly amount: StoredAmount[];
  /** Left out when no event has one. */
  readonly sequence?: (number | null)[];
}

/**
 * Encodes a batch's facts as they are made, while each is still at hand. Columns and not rows: what many events share
 * (source, meter, properties) is written once, and both JSON and the compressor take half the time.
 */
export class FactsEncoder {
  readonly #id: string[] = [];
  readonly #account: string[] = [];
  readonly #quantity: string[] = [];
  readonly #occurred: number[] = [];
  readonly #ingested: number[] = [];
  readonly #amount: StoredAmount[] = [];
  readonly #sequence: (number | null)[] = [];
  readonly #tenant = new SharedWriter<string>();
  readonly #source = new SharedWriter<string>();
  readonly #meter = new SharedWriter<string>();
  readonly #status = new SharedWriter<FactRow['status']>();
  readonly #properties = new SharedWriter<string>();
  #fromMs = 0;
  #hasSequence = false;

  /** Takes the facts of a list that it has not taken yet. */
  append(facts: readonly FactRow[]): void {
    if (this.#id.length === 0) this.#fromMs = facts[0]?.ingestedAtMs ?? 0;
    for (let index = this.#id.length; index < facts.length; index++) {
      const fact = facts[index];
      if (fact !== undefined) this.#push(fact);
    }
  }

  /** The columns as JSON, deflated off the main thread when there is enough of it. */
  async finish(): Promise<Buffer> {
    const json = Buffer.from(JSON.stringify(this.#columns()));
    if (json.length <= PLAIN_BYTES_MAX) return Buffer.concat([Buffer.of(PLAIN_COLUMNS), json]);
    return Buffer.concat([Buffer.of(DEFLATED_COLUMNS), await deflate(json, OPTIONS)]);
  }

  #push({ item: { event }, ingestedAtMs, status, amount }: FactRow): void {
    this.#id.push(event.id);
    this.#account.push(event.account);
    this.#quantity.push(event.quantity.text);
    this.#occurred.push(event.occurredAtMs - this.#fromMs);
    this.#ingested.push(ingestedAtMs - this.#fromMs);
    this.#amount.push(storedAmount(amount));
    this.#sequence.push(event.sequence ?? null);
    this.#tenant.push(event.tenant);
    this.#source.push(event.source);
    this.#meter.push(event.meter);
    this.#status.push(status);
    this.#properties.push(event.properties === undefined ? 'null' : JSON.stringify(event.properties));
    if (event.sequence !== undefined) this.#hasSequence = true;
  }

  #columns(): Columns {
    return {
      id: this.#id,
      account: this.#account,
      quantity: this.#quantity,
      occurred: this.#occurred,
      ingested: this.#ingested,
      amount: this.#amount,
      fromMs: this.#fromMs,
      tenant: this.#tenant.column,
      source: this.#source.column,
      meter: this.#meter.column,
      status: this.#status.column,
      properties: this.#properties.column,
      ...(this.#hasSequence ? { sequence: this.#sequence } : {}),
    };
  }
}

class SharedWriter<T> {
  readonly column: Shared<T> = { values: [], at: [] };
  readonly #places = new Map<T, number>();
  #last: T | undefined;
  #lastPlace = 0;

  push(value: T): void {
    // Runs of one value are common, and a comparison is cheaper than a look-up.
    if (value !== this.#last) {
      this.#last = value;
      this.#lastPlace = this.#places.get(value) ?? this.#learn(value);
    }
    this.column.at.push(this.#lastPlace);
  }

  #learn(value: T): number {
    const place = this.column.values.push(value) - 1;
    this.#places.set(value, place);
    return place;
  }
}

function storedAmount(amount: bigint | null): StoredAmount {
  if (amount === null) return null;
  const number = Number(amount);
  return Number.isSafeInteger(number) ? number : amount.toString();
}

function factsOfColumns(columns: Columns): StoredFact[] {
  const { fromMs } = columns;
  const [tenant, source, meter] = [reader(columns.tenant), reader(columns.source), reader(columns.meter)];
  const status = reader(columns.status);
  const properties = reader({
    values: columns.properties.values.map((text) => JSON.parse(text) as StoredFact['properties']),
    at: columns.properties.at,
  });
  return columns.id.map((id, index) => {
    const amount = columns.amount[index] ?? null;
    return {
      id,
      source: source(index),
      tenant: tenant(index),
      account: known(columns.account[index]),
      meter: meter(index),
      quantity: known(columns.quantity[index]),
      occurredAtMs: fromMs + known(columns.occurred[index]),
      ingestedAtMs: fromMs + known(columns.ingested[index]),
      status: status(index),
      amount: amount === null ? null : BigInt(amount),
      sequence: columns.sequence?.[index] ?? null,
      properties: properties(index),
    };
  });
}

function reader<T>({ values, at }: Shared<T>): (index: number) => T {
  return (index) => known(values[known(at[index])]);
}

/** Columns are equally long; a shorter one is damage. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('the stored facts of a batch are damaged');
  return value;
}

/** How rows stood until columns took their place; batches of then are still read. */
type StoredRow = [
  string,
  string,
  string,
  string,
  string,
  string,
  number,
  number,
  StoredFact['status'],
  string | null,
  number | null,
  StoredFact['properties'],
];

function factOfRow(row: StoredRow): StoredFact {
  const [id, source, tenant, account, meter, quantity, occurredAtMs, ingestedAtMs, status, amount, ...rest] = row;
  const [sequence, properties] = rest;
  const what = { id, source, tenant, account, meter, quantity, occurredAtMs, ingestedAtMs, status };
  return { ...what, amount: amount === null ? null : BigInt(amount), sequence, properties };
}

const BITS_PER_EVENT = 12;
const PROBES = 5;

/**
 * A Bloom filter over the event ids of a batch: 12 bits an event say in one read whether a batch can hold an id, at
 * 0.3 % false positives, so that an event is found by its id without an index that every insert would pay for.
 */
export function encodeIdFilter(facts: readonly FactRow[]): Buffer {
  return idFilterOf(facts.map(({ item }) => item.event.id));
}

/** The filter over these ids. */
export function idFilterOf(ids: readonly string[]): Buffer {
  const filter = Buffer.alloc(Math.max(8, Math.ceil((ids.length * BITS_PER_EVENT) / 8)));
  const bits = filter.length * 8;
  for (const id of ids) {
    const { first, second } = idHashes(id);
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = (first + probe * second) % bits;
      const byte = bit >>> 3;
      filter[byte] = (filter[byte] ?? 0) | (1 << (bit & 7));
    }
  }
  return filter;
}

/** Whether the batch behind this filter may hold the event id. */
export function mayHoldId(filter: Buffer, id: string): boolean {
  const bits = filter.length * 8;
  const { first, second } = idHashes(id);
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = (first + probe * second) % bits;
    if (((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** Two FNV-1a hashes of an id, combined per probe by double hashing (Kirsch and Mitzenmacher, 2006). */
function idHashes(id: string): { readonly first: number; readonly second: number } {
  let first = 0x811c9dc5;
  let second = 0x1000193;
  for (let index = 0; index < id.length; index++) {
    const code = id.charCodeAt(index);
    first = Math.imul(first ^ code, 0x01000193) >>> 0;
    second = Math.imul(second ^ code, 0x85ebca6b) >>> 0;
  }
  return { first, second: (second >>> 3) | 1 };
}
