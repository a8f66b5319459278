import type { AccountFeatures, Series } from './feature-state.ts';
import { ringAt } from './ring.ts';

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
  for (let index = Math.max(0, bornAt - firstHour); index < count; index++) {
    usable[index] = 1;
    if (series.hourly !== null) sums[index] = ringAt(series.hourly, firstHour + index);
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
