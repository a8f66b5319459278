import type { SeriesPoint } from './channel.ts';

/** The last value of every interval, for a little more than seven periods of the clock. */
export interface ClockRing {
  /** Length, once an interval is known. */
  size: number;
  /** Which interval each place holds; −1 for none. A gap in the series leaves old numbers behind, which then do not match. */
  readonly slots: number[];
  readonly values: number[];
}

/** How many periods back a value is looked for: yesterday, the days before, and the same day of last week. */
export const PERIODS_BACK = [1, 2, 3, 7] as const;

/** Neighbours on either side of the same clock time. */
export const NEIGHBOURS = 1;

const PERIODS_KEPT = 7;

export function startRing(): ClockRing {
  return { size: 0, slots: [], values: [] };
}

/** The value of an interval, or undefined when it was missing or is too long ago. */
export function valueAt({ size, slots, values }: ClockRing, slot: number): number | undefined {
  if (slot < 0 || size === 0) return undefined;
  const place = slot % size;
  return slots[place] === slot ? values[place] : undefined;
}

/** Remembers the value of an interval; a later row of the same interval replaces it. */
export function keepValue(ring: ClockRing, { slot, value, slotsPerPeriod }: SeriesPoint): void {
  if (slotsPerPeriod === 0) return;
  if (ring.size === 0) {
    ring.size = Math.round(PERIODS_KEPT * slotsPerPeriod) + NEIGHBOURS + 2;
    for (let place = 0; place < ring.size; place++) {
      ring.slots.push(-1);
      ring.values.push(0);
    }
  }
  const place = slot % ring.size;
  ring.slots[place] = slot;
  ring.values[place] = value;
}

/**
 * Signed distance to the nearest value at the same clock time, one, two, three and seven periods back, a neighbour
 * either side; undefined when none of them is known.
 */
export function nearestDistance(ring: ClockRing, { slot, value, slotsPerPeriod }: SeriesPoint): number | undefined {
  if (ring.size === 0) return undefined;
  let nearest: number | undefined;
  let size = Number.POSITIVE_INFINITY;
  for (const periods of PERIODS_BACK) {
    const back = slot - Math.round(periods * slotsPerPeriod);
    if (back + NEIGHBOURS < 0) break;
    for (let near = back - NEIGHBOURS; near <= back + NEIGHBOURS; near++) {
      const other = valueAt(ring, near);
      if (other === undefined) continue;
      const distance = value - other;
      if (Math.abs(distance) < size) {
        size = Math.abs(distance);
        nearest = distance;
      }
    }
  }
  return nearest;
}

/** Median of the values at the same clock time of earlier periods; undefined when none is known. */
export function sameClockMedian(ring: ClockRing, { slot, slotsPerPeriod }: SeriesPoint): number | undefined {
  const known: number[] = [];
  for (const periods of PERIODS_BACK) {
    const value = valueAt(ring, slot - Math.round(periods * slotsPerPeriod));
    if (value !== undefined) known.push(value);
  }
  if (known.length === 0) return undefined;
  known.sort((left, right) => left - right);
  const middle = known.length >> 1;
  const upper = known[middle] ?? 0;
  return known.length % 2 === 1 ? upper : ((known[middle - 1] ?? upper) + upper) / 2;
}
