import { int64Of, sha256, uint16At, uint32At } from '../digest.ts';
import type { JsonValue, UsageEvent } from './usage-event.ts';

const SEPARATOR = '\u0000';

/**
 * Identity of an event as it is stored: 48 bits of event time, then 80 bits of SHA-256(tenant, source, id). The time
 * in front keeps index inserts at the right edge and lets one unique index span time partitions; the hash alone
 * recognises the same (source, id) sent again under another time.
 */
export interface EventKey {
  readonly timeMs: number;
  /** The 80 hash bits as two 32-bit words and one 16-bit word: no allocation on the hot path. */
  readonly h0: number;
  readonly h1: number;
  readonly h2: number;
}

/** The key of an event. `variant` gives an altered copy of an already known id a key of its own. */
export function eventKeyOf(
  event: Pick<UsageEvent, 'tenant' | 'source' | 'id' | 'occurredAtMs'>,
  variant?: bigint,
): EventKey {
  const identity = event.tenant + SEPARATOR + event.source + SEPARATOR + event.id;
  const text = variant === undefined ? identity : `${identity}${SEPARATOR}altered${SEPARATOR}${variant}`;
  const digest = sha256(text);
  return {
    timeMs: event.occurredAtMs,
    h0: uint32At(digest, 0),
    h1: uint32At(digest, 4),
    h2: uint16At(digest, 8),
  };
}

/** Writes the 16 key bytes at an offset of a view; views write numbers several times faster than buffers do. */
export function writeEventKey(key: EventKey, target: DataView, offset: number): void {
  // A view takes a number modulo 2^32, which leaves the low word of the time.
  target.setUint16(offset, Math.floor(key.timeMs / 0x1_0000_0000));
  target.setUint32(offset + 2, key.timeMs);
  target.setUint16(offset + 6, key.h2);
  target.setUint32(offset + 8, key.h0);
  target.setUint32(offset + 12, key.h1);
}

/** The key as PostgreSQL prints a uuid. */
export function formatEventKey(key: EventKey): string {
  const bytes = Buffer.allocUnsafe(16);
  writeEventKey(key, new DataView(bytes.buffer, bytes.byteOffset, 16), 0);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The key of its uuid text, as it comes back from SQL. */
export function parseEventKey(uuid: string): EventKey {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  return {
    timeMs: bytes.readUInt16BE(0) * 0x1_0000_0000 + bytes.readUInt32BE(2),
    h2: bytes.readUInt16BE(6),
    h0: bytes.readUInt32BE(8),
    h1: bytes.readUInt32BE(12),
  };
}

/** Lowest key a time can have: partition bounds and time ranges are made of these. */
export function lowestKeyAt(timeMs: number): string {
  return formatEventKey({ timeMs, h0: 0, h1: 0, h2: 0 });
}

/** The property that carries the arrival time in files; transport, not content, so an honest retry may change it. */
export const ARRIVAL_PROPERTY = 'received_at';

/** 64 signed bits over everything an event says: two events with one identity but different content differ here. */
export function contentHashOf(event: UsageEvent): bigint {
  const text =
    event.account +
    SEPARATOR +
    event.meter +
    SEPARATOR +
    event.quantity.text +
    SEPARATOR +
    event.occurredAtMs +
    SEPARATOR +
    (event.sequence ?? '') +
    SEPARATOR +
    (event.properties === undefined ? '' : canonicalProperties(event.properties));
  return int64Of(sha256(text));
}

function canonicalProperties(properties: { readonly [key: string]: JsonValue }): string {
  let text = '';
  for (const key of Object.keys(properties).sort()) {
    if (key === ARRIVAL_PROPERTY) continue;
    text += JSON.stringify(key) + canonicalJson(properties[key] ?? null);
  }
  return text;
}

function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  const object = value;
  const fields = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`);
  return `{${fields.join()}}`;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
