import { zoneClock } from '../dunning/local-time.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';

/** Customers are not written to before eight and after eight in the evening, where they live. */
export const WAKING_HOURS = { from: 8, to: 20 } as const;

/** Whether mail that can wait may be sent to somebody now. */
export function isAwake(timeZone: string, nowMs: number): boolean {
  const { hour } = zoneClock(timeZone).at(nowMs);
  return hour >= WAKING_HOURS.from && hour < WAKING_HOURS.to;
}

/** The last moment at or before `nowMs` at which it was `hour` o'clock in a zone: when the newest digest is due. */
export function lastOccurrence(hour: number, timeZone: string, nowMs: number): number {
  const clock = zoneClock(timeZone);
  const quarter = HOUR_MS / 4;
  // Zones are off by whole quarters of an hour; two days back there is one even where clocks skipped the hour.
  for (let at = Math.floor(nowMs / quarter) * quarter; at > nowMs - 2 * DAY_MS; at -= quarter) {
    if (clock.at(at).hour === hour && clock.at(at - quarter).hour !== hour) return at;
  }
  return Math.floor(nowMs / DAY_MS) * DAY_MS;
}
