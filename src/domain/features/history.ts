import type { AccountFeatures, Series } from './feature-state.ts';
import { ringCopy } from './ring.ts';

/** The hours a baseline may learn from, oldest first; shorter than asked for when the account is younger. */
export interface History {
  readonly sums: readonly number[];
  /** 1 where the hour may be learned; 0 where it was flagged. */
  readonly usable: readonly number[];
}

/** The last `hoursMax` hours of a series that end with `lastHour`. Hours before the account's birth are not in it. */
export function readHistory(features: AccountFeatures, series: Series, lastHour: number, hoursMax: number): History {
  const firstHour = Math.max(lastHour - hoursMax + 1, bornHour(features, series));
  const count = Math.max(0, lastHour - firstHour + 1);
  const sums = new Array<number>(count).fill(0);
  const usable = new Array<number>(count).fill(1);
  const ring = series.hourly;
  if (ring !== null) ringCopy(ring, firstHour, sums);
  for (const hour of features.flaggedHours) {
    if (hour >= firstHour && hour <= lastHour) usable[hour - firstHour] = 0;
  }
  return { sums, usable };
}

// The first hour that counts as history of this series.
function bornHour(features: AccountFeatures, series: Series): number {
  if (features.firstHour < 0) return Number.MAX_SAFE_INTEGER;
  return Math.max(features.firstHour, series.sinceHour);
}
