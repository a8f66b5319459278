import { describe, expect, test } from 'vitest';
import { type HourOfUsage, platformFactorAfter } from '../../src/domain/fleet/platform-level.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';

const START = Date.UTC(2026, 0, 5);

/** Hours from the start on, busier at noon than at night, so many accounts each. */
function hoursOf(count: number, accounts = 100): HourOfUsage[] {
  return Array.from({ length: count }, (_, index) => ({
    hourMs: START + index * HOUR_MS,
    accounts,
    events: 100 * (1 + (index % 24)),
  }));
}

/** The last hours with so many times their usage. */
function busier(hours: readonly HourOfUsage[], times: number, last: number): HourOfUsage[] {
  return hours.map((hour, index) => (index < hours.length - last ? hour : { ...hour, events: hour.events * times }));
}

describe('how much busier the platform is', () => {
  test('is nothing on an ordinary day, whatever the hour', () => {
    const all = hoursOf(24 * 16);
    for (let end = 24 * 6; end <= all.length; end++) expect(platformFactorAfter(all.slice(0, end))).toBe(1);
  });

  test('is what a sale makes of it, compared with the same hours of other days', () => {
    expect(platformFactorAfter(busier(hoursOf(24 * 10 + 13), 3, 3))).toBe(3);
    expect(platformFactorAfter(busier(hoursOf(24 * 10 + 13), 3, 1))).toBeGreaterThan(1.5);
    expect(platformFactorAfter(busier(hoursOf(24 * 10 + 13), 50, 3))).toBe(5);
  });

  test('excuses nobody on a quiet day, with little history, few accounts or few events', () => {
    expect(platformFactorAfter([])).toBe(1);
    expect(platformFactorAfter(busier(hoursOf(24 * 10), 0.2, 3))).toBe(1);
    expect(platformFactorAfter(busier(hoursOf(24 * 4), 3, 3))).toBe(1);
    expect(platformFactorAfter(busier(hoursOf(24 * 10, 19), 3, 3))).toBe(1);
    const few = hoursOf(24 * 10).map((hour) => ({ ...hour, events: 4 }));
    expect(platformFactorAfter(busier(few, 3, 3))).toBe(1);
  });

  test('does not take the time before the first usage for quiet days', () => {
    const empty = Array.from({ length: 24 * 10 }, (_, index) => ({
      hourMs: START - 10 * DAY_MS + index * HOUR_MS,
      accounts: 0,
      events: 0,
    }));
    expect(platformFactorAfter([...empty, ...hoursOf(24 * 4)])).toBe(1);
  });
});
