import type { ByteReader, ByteWriter } from './byte-stream.ts';
import { type EventDetails, hashText } from './event-details.ts';

/** Values remembered per property. More different ones than this count as this many. */
export const DISTINCT_MAX = 64;

/** Properties whose different values can be counted, as conditions name them. */
export const DISTINCT_OF = ['key', 'source', 'region', 'device', 'card', 'email_domain', 'feature', 'meter'] as const;

export type DistinctOf = (typeof DISTINCT_OF)[number];

/** The newest values of one property of an account's events. Bounded: the one seen longest ago makes room. */
export interface DistinctValues {
  readonly of: DistinctOf;
  /** First hour it was kept; −1 when it has been kept since the account's birth. */
  readonly sinceHour: number;
  /** Hashes of the values, and the five-minute bucket each was last seen in. */
  readonly ids: number[];
  readonly lastFine: number[];
}

/** Nothing seen so far. */
export function createDistinct(of: DistinctOf, sinceHour: number): DistinctValues {
  return { of, sinceHour, ids: [], lastFine: [] };
}

/** Notes an event's value. Costs a look through at most DISTINCT_MAX numbers. */
export function noteValue(
  values: DistinctValues,
  { details, meter, fine }: { readonly details: EventDetails; readonly meter: string; readonly fine: number },
): void {
  const id = idOf(values.of, details, meter);
  // The event has no such property.
  if (id === 0) return;
  const { ids, lastFine } = values;
  const known = ids.indexOf(id);
  if (known >= 0) {
    lastFine[known] = Math.max(lastFine[known] ?? fine, fine);
    return;
  }
  if (ids.length < DISTINCT_MAX) {
    ids.push(id);
    lastFine.push(fine);
    return;
  }
  const oldest = indexOfOldest(lastFine);
  if ((lastFine[oldest] ?? 0) > fine) return;
  ids[oldest] = id;
  lastFine[oldest] = fine;
}

/** How many different values were seen in the trailing buckets; DISTINCT_MAX means at least so many. */
export function countDistinct({ lastFine }: DistinctValues, headFine: number, buckets: number): number {
  let count = 0;
  for (const fine of lastFine) if (fine > headFine - buckets) count++;
  return count;
}

export function writeDistinct(writer: ByteWriter, values: DistinctValues): void {
  writer.text(values.of);
  writer.whole(values.sinceHour + 1);
  writer.whole(values.ids.length);
  for (const [index, id] of values.ids.entries()) {
    writer.whole(id);
    writer.whole(values.lastFine[index] ?? 0);
  }
}

/** Reads what `writeDistinct` wrote. Throws RangeError on damage. */
export function readDistinct(reader: ByteReader): DistinctValues {
  const name = reader.text();
  const of = DISTINCT_OF.find((known) => known === name);
  if (of === undefined) throw new RangeError(`different values of ${JSON.stringify(name)} are not counted`);
  const values = createDistinct(of, reader.whole() - 1);
  const count = reader.whole();
  if (count > DISTINCT_MAX) throw new RangeError(`${count} different values`);
  for (let index = 0; index < count; index++) {
    values.ids.push(reader.whole());
    values.lastFine.push(reader.whole());
  }
  return values;
}

function idOf(of: DistinctOf, details: EventDetails, meter: string): number {
  switch (of) {
    case 'meter':
      return hashText(meter);
    case 'email_domain':
      return details.emailDomain;
    default:
      return details[of];
  }
}

function indexOfOldest(lastFine: readonly number[]): number {
  let oldest = 0;
  for (let index = 1; index < lastFine.length; index++) {
    if ((lastFine[index] ?? 0) < (lastFine[oldest] ?? 0)) oldest = index;
  }
  return oldest;
}
