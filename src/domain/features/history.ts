import type { AccountFeatures, Series } from './feature-state.ts';

/** The hours a baseline may learn from, oldest first. */
export interface History {
  readonly sums: readonly number[];
  /** 1 where the hour may be learned; 0 where it was flagged or lies before the account's birth. */
  readonly usable: readonly number[];
}

/** The `count` hours of a series that end with `lastHour`. */
export function readHistory(features: AccountFeatures, series: Series, lastHour: number, count: number): History {
  const firstHour = lastHour - count + 1;
  const sums = new Array<number>(count).fill(0);
  const usable = new Array<number>(count).fill(0);
  const bornAt = bornHour(features, series);
  const from = Math.max(0, bornAt - firstHour);
  usable.fill(1, Math.min(from, count));
  const ring = series.hourly;
  if (ring !== null) {
    // The ring's own reader would check its bounds once an hour; here they are known.
    const mask = ring.slots.length - 1;
    const first = Math.max(from, ring.tail - firstHour);
    const last = Math.min(count - 1, ring.head - firstHour);
    for (let index = first; index <= last; index++) sums[index] = ring.slots[(firstHour + index) & mask] ?? 0;
  }
  for (const hour of features.flaggedHours) {
    if (hour >= firstHour && hour <= lastHour) usable[hour - firstHour] = 0;
  }
  return { sums, usable };
}

/** The first hour that counts as history of this series. */
export function bornHour(features: AccountFeatures, series: Series): number {
  if (features.firstHour < 0) return Number.MAX_SAFE_INTEGER;
  return Math.max(features.firstHour, series.sinceHour);
}
