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
const PLAIN = 0;
const DEFLATED = 1;

/** Encodes a batch's facts: JSON rows, deflated off the main thread when there are enough of them. */
export async function encodeFacts(facts: readonly FactRow[]): Promise<Buffer> {
  const rows: string[] = [];
  for (const { item, ingestedAtMs, status, amount } of facts) {
    const { event } = item;
    rows.push(
      JSON.stringify([
        event.id,
        event.source,
        event.tenant,
        event.account,
        event.meter,
        event.quantity.text,
        event.occurredAtMs,
        ingestedAtMs,
        status,
        amount === null ? null : amount.toString(),
        event.sequence ?? null,
        event.properties ?? null,
      ]),
    );
  }
  const json = Buffer.from(`[${rows.join(',\n')}]`);
  if (json.length <= PLAIN_BYTES_MAX) return Buffer.concat([Buffer.of(PLAIN), json]);
  return Buffer.concat([Buffer.of(DEFLATED), await deflate(json, OPTIONS)]);
}

/** The facts of a stored batch, in lane order. */
export function decodeFacts(bytes: Buffer): StoredFact[] {
  const body = bytes.subarray(1);
  const json = bytes[0] === DEFLATED ? inflateRawSync(body) : body;
  // The rows were written by encodeFacts into a table only this program writes.
  const rows = JSON.parse(json.toString('utf8')) as [
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
  ][];
  return rows.map(
    ([
      id,
      source,
      tenant,
      account,
      meter,
      quantity,
      occurredAtMs,
      ingestedAtMs,
      status,
      amount,
      sequence,
      properties,
    ]) => ({
      id,
      source,
      tenant,
      account,
      meter,
      quantity,
      occurredAtMs,
      ingestedAtMs,
      status,
      amount: amount === null ? null : BigInt(amount),
      sequence,
      properties,
    }),
  );
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
