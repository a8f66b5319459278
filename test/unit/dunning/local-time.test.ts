import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { zoneClock } from '../../../src/domain/dunning/local-time.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/St_Johns',
  'Africa/Casablanca',
];
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

describe('the payer’s clock', () => {
  test('agrees with the calendar of the platform everywhere, summer time and half hours included', () => {
    const from = Date.UTC(2020, 0, 1);
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer({ min: 0, max: 10 * 366 * 24 * 60 }), (timeZone, minutes) => {
        const ms = from + minutes * 60_000;
        const parts = new Intl.DateTimeFormat('en-US', {
          timeZone,
          weekday: 'short',
          day: 'numeric',
          hour: 'numeric',
          hourCycle: 'h23',
        }).formatToParts(ms);
        const part = (type: string) => parts.find((item) => item.type === type)?.value ?? '';
        const weekday = DAYS.indexOf(part('weekday'));
        const hour = Number(part('hour'));
        expect(zoneClock(timeZone).at(ms)).toMatchObject({
          weekday,
          hour,
          hourOfWeek: weekday * 24 + hour,
          dayOfMonth: Number(part('day')),
        });
      }),
      { numRuns: 300 },
    );
  });

  test.each(['Mars/Olympus', '', 'Europe/Berlin; DROP TABLE', '🙂'])(
    'a zone that does not exist is UTC, and says so: %j',
    (name) => {
      const clock = zoneClock(name);
      expect(clock.timeZone).toBe('UTC');
      expect(clock.note).toContain(JSON.stringify(name));
      expect(clock.at(Date.UTC(2026, 1, 28, 23, 30))).toEqual({
        weekday: 5,
        hour: 23,
        hourOfWeek: 143,
        dayOfMonth: 28,
        daysInMonth: 28,
      });
    },
  );

  test('no zone is UTC without a word', () => {
    expect(zoneClock(null)).toMatchObject({ timeZone: 'UTC', note: null });
  });
});
