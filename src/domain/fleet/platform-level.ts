import { round6 } from '../math.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';

/** What all accounts together used in one hour. */
export interface HourOfUsage {
  readonly hourMs: number;
  /** Accounts with any charged usage. */
  readonly accounts: number;
  /** Charged events; of no account more than the 95th percentile of all, so that one attack is no platform-wide move. */
  readonly events: number;
}

/** How far back an hour is compared. */
export const PLATFORM_MEMORY_MS = 14 * DAY_MS;

const CLOCK_HOURS = 24;
const DAYS_MIN = 5;
/** Hours that are looked at together: one hour of a small platform is chance. */
const RECENT_HOURS = 3;
/** Fewer events or accounts than this say nothing about the platform. */
const EVENTS_MIN = 50;
const ACCOUNTS_MIN = 20;
const FACTOR_MAX = 5;

/**
 * How much busier all accounts together are than at this time of day: 1 on an ordinary day, 2 during a sale. What
 * everybody does at once says nothing against anybody. Compares the last three closed hours with the means of the same
 * clock hours of two weeks, from at least five days on; at most 5, at least 1.
 *
 * @param hours closed hours, ascending, the newest last; hours without usage may be left out.
 */
export function platformFactorAfter(hours: readonly HourOfUsage[]): number {
  const newest = hours.at(-1);
  if (newest === undefined) return 1;
  const recentFromMs = newest.hourMs - (RECENT_HOURS - 1) * HOUR_MS;
  const fromMs = newest.hourMs - PLATFORM_MEMORY_MS;
  const first = hours.find(({ hourMs, events }) => hourMs > fromMs && events > 0);
  if (first === undefined) return 1;
  const sums = new Array<number>(CLOCK_HOURS).fill(0);
  for (const { hourMs, events } of hours) {
    if (hourMs > fromMs && hourMs < recentFromMs) sums[clockHour(hourMs)] = (sums[clockHour(hourMs)] ?? 0) + events;
  }
  const days = Math.floor((recentFromMs - first.hourMs) / DAY_MS);
  if (days < DAYS_MIN) return 1;
  const recent = hours.filter(({ hourMs }) => hourMs >= recentFromMs);
  if (recent.some(({ accounts }) => accounts < ACCOUNTS_MIN)) return 1;
  const total = recent.reduce((sum, { events }) => sum + events, 0);
  const usual = recent.reduce((sum, { hourMs }) => sum + (sums[clockHour(hourMs)] ?? 0) / days, 0);
  if (total < EVENTS_MIN || usual <= 0) return 1;
  return round6(Math.min(FACTOR_MAX, Math.max(1, total / usual)));
}

function clockHour(hourMs: number): number {
  return Math.floor(hourMs / HOUR_MS) % CLOCK_HOURS;
}
