import type { FleetMark } from '../fleet/fleet-mark.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import { readDistinct, writeDistinct } from './distinct-values.ts';
import { type AccountFeatures, createFeatures, type Series } from './feature-state.ts';
import type { Gate, Incident } from './incident.ts';
import { type Ring, ringAt, ringOf } from './ring.ts';
import { saveStreams } from './streams.ts';

const VERSION = 4;

/** Before stream rules, before different values were counted, before money at risk and findings across accounts; still read. */
const VERSION_WITHOUT_STREAMS = 1;
const VERSION_WITHOUT_DISTINCT = 2;
const VERSION_WITHOUT_FLEET = 3;

/**
 * The stored form of an account's features: versioned, compact (buckets without usage cost one bit), exact. Equal
 * features give equal bytes. The judge's cache is not in it.
 */
export function encodeFeatures(features: AccountFeatures): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  // Shifted by one because "never" is −1.
  writer.whole(features.firstHour + 1);
  writer.whole(features.headFine + 1);
  writer.whole(features.headFineIngested + 1);
  const kept = [...features.series].sort((a, b) => (a.name < b.name ? -1 : 1));
  writer.whole(kept.length);
  for (const series of kept) {
    writer.text(series.name);
    writer.whole(series.sinceHour + 1);
    writeRing(writer, series.hourly);
    writeRing(writer, series.fine);
  }
  writeHours(writer, features.flaggedHours);
  writeIncident(writer, features.incident);
  const streams = features.streams === null ? features.savedStreams : saveStreams(features.streams);
  writer.text(streams === undefined ? '' : JSON.stringify(streams));
  writer.whole(features.distinct.length);
  for (const values of features.distinct) writeDistinct(writer, values);
  writeFleet(writer, features.fleet);
  return writer.finish();
}

/** Reads the stored form. Throws RangeError on damage or an unknown version. */
export function decodeFeatures(bytes: Uint8Array): AccountFeatures {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version < VERSION_WITHOUT_STREAMS || version > VERSION)
    throw new RangeError(`feature state version ${version} is not known to this release`);
  const features = createFeatures();
  features.firstHour = reader.whole() - 1;
  features.headFine = reader.whole() - 1;
  features.headFineIngested = reader.whole() - 1;
  const count = reader.whole();
  for (let index = 0; index < count; index++) features.series.push(readSeries(reader));
  features.flaggedHours = readHours(reader);
  features.incident = readIncident(reader, version > VERSION_WITHOUT_FLEET);
  if (version !== VERSION_WITHOUT_STREAMS) features.savedStreams = readStreams(reader);
  if (version > VERSION_WITHOUT_DISTINCT) {
    const kept = reader.whole();
    for (let index = 0; index < kept; index++) features.distinct.push(readDistinct(reader));
  }
  if (version > VERSION_WITHOUT_FLEET) features.fleet = readFleet(reader);
  reader.end();
  return features;
}

function readStreams(reader: ByteReader): unknown {
  const json = reader.text();
  if (json === '') return undefined;
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new RangeError('the state of stream rules is damaged', { cause });
  }
}

function readSeries(reader: ByteReader): Series {
  const name = reader.text();
  const sinceHour = reader.whole() - 1;
  return { name, sinceHour, hourly: readRing(reader), fine: readRing(reader) };
}

// Span, newest bucket, one bit per bucket from oldest to newest, whether all sums are whole, then the sums of the buckets
// whose bit is set. Nano-units and counts are whole, and take half the room of doubles.
function writeRing(writer: ByteWriter, ring: Ring | null): void {
  if (ring === null) {
    writer.whole(0);
    return;
  }
  const span = ring.head - ring.tail + 1;
  writer.whole(span);
  writer.whole(ring.head);
  for (let base = ring.tail; base <= ring.head; base += 8) {
    let mask = 0;
    for (let bit = 0; bit < 8; bit++) if (ringAt(ring, base + bit) !== 0) mask |= 1 << bit;
    writer.byte(mask);
  }
  let isWhole = true;
  for (let bucket = ring.tail; bucket <= ring.head && isWhole; bucket++)
    isWhole = Number.isSafeInteger(ringAt(ring, bucket));
  writer.byte(isWhole ? 1 : 0);
  for (let bucket = ring.tail; bucket <= ring.head; bucket++) {
    const sum = ringAt(ring, bucket);
    if (sum === 0) continue;
    if (isWhole) writer.whole(sum);
    else writer.double(sum);
  }
}

// A ring never spans more than the hours of two months; a larger number is damage, and would reserve that much memory.
const SPAN_MAX = 2_048;

function readRing(reader: ByteReader): Ring | null {
  const span = reader.whole();
  if (span === 0) return null;
  if (span > SPAN_MAX) throw new RangeError(`a feature spans ${span} buckets`);
  const head = reader.whole();
  const sums = new Array<number>(span).fill(0);
  const masks: number[] = [];
  for (let base = 0; base < span; base += 8) masks.push(reader.byte());
  const isWhole = reader.byte() === 1;
  for (let offset = 0; offset < span; offset++) {
    const isSet = (((masks[offset >> 3] ?? 0) >> (offset & 7)) & 1) === 1;
    if (isSet) sums[offset] = isWhole ? reader.whole() : reader.double();
  }
  return ringOf(head - span + 1, sums);
}

function writeHours(writer: ByteWriter, hours: readonly number[]): void {
  writer.whole(hours.length);
  let previous = 0;
  for (const hour of hours) {
    writer.whole(hour - previous);
    previous = hour;
  }
}

function readHours(reader: ByteReader): number[] {
  const count = reader.whole();
  const hours: number[] = [];
  let previous = 0;
  for (let index = 0; index < count; index++) {
    previous += reader.whole();
    hours.push(previous);
  }
  return hours;
}

function writeIncident(writer: ByteWriter, incident: Incident | null): void {
  writer.byte(incident === null ? 0 : 1);
  if (incident === null) return;
  writer.double(incident.openedAtMs);
  writer.byte(incident.severity);
  writer.whole(incident.gates.length);
  for (const gate of incident.gates) {
    writer.text(gate.ruleId);
    writer.double(gate.raisedAtMs);
    writer.double(gate.observed);
    // Below zero: the rule does not ask for it.
    writer.double(gate.atRiskNanos ?? -1);
  }
}

function readIncident(reader: ByteReader, hasRisk: boolean): Incident | null {
  if (reader.byte() === 0) return null;
  const openedAtMs = reader.double();
  const severity = reader.byte();
  const count = reader.whole();
  const gates: Gate[] = [];
  for (let index = 0; index < count; index++) {
    const gate = { ruleId: reader.text(), raisedAtMs: reader.double(), observed: reader.double() };
    const atRiskNanos = hasRisk ? reader.double() : -1;
    gates.push(atRiskNanos < 0 ? gate : { ...gate, atRiskNanos });
  }
  return { openedAtMs, severity, gates };
}

function writeFleet(writer: ByteWriter, marks: readonly FleetMark[]): void {
  writer.whole(marks.length);
  for (const { ruleId, raw, roseAtMs } of marks) {
    writer.text(ruleId);
    writer.double(raw);
    writer.double(roseAtMs);
  }
}

function readFleet(reader: ByteReader): FleetMark[] {
  const marks: FleetMark[] = [];
  const count = reader.whole();
  for (let index = 0; index < count; index++) {
    marks.push({ ruleId: reader.text(), raw: reader.double(), roseAtMs: reader.double() });
  }
  return marks;
}
