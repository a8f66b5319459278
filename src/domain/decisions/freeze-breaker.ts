import { DAY_MS } from '../time.ts';

/**
 * Whether one more automatic freeze is allowed now. A ruleset that suddenly freezes many accounts is more likely wrong
 * than the accounts are: above the cap, freezes are demoted to reviews, and a person decides.
 *
 * @param freezesMs when this lane froze a wallet by itself, ascending; only the last 24 hours count.
 */
export function allowsFreeze(freezesMs: readonly number[], nowMs: number, perDayMax: number): boolean {
  let recent = 0;
  for (const atMs of freezesMs) if (atMs > nowMs - DAY_MS) recent++;
  return recent < perDayMax;
}

/** A lane's part of the day's freezes: lanes share no memory, so each gets an equal part, and at least one. */
export function freezeShare(perDayMax: number, lanes: number): number {
  return perDayMax === 0 ? 0 : Math.max(1, Math.floor(perDayMax / Math.max(1, lanes)));
}
