import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RateWindows } from '../../../src/http/server/account-rate.ts';

test('so many requests a minute are taken, and the wait ends when the window does', () => {
  const windows = new RateWindows(2);
  expect([windows.waitMs('acme', 1_000), windows.waitMs('acme', 2_000)]).toEqual([0, 0]);
  expect(windows.waitMs('acme', 11_000)).toBe(50_000);
  expect(windows.waitMs('zeta', 11_000)).toBe(0);
  expect(windows.waitMs('acme', 60_999)).toBe(1);
  expect(windows.waitMs('acme', 61_000)).toBe(0);
});

test('a clock that is set back shuts nobody out for longer than a minute', () => {
  const windows = new RateWindows(1);
  windows.waitMs('acme', 10_000_000);
  expect(windows.waitMs('acme', 0)).toBe(0);
  expect(windows.waitMs('acme', 1)).toBe(59_999);
});

test('more names than are counted forget the oldest window only', () => {
  const windows = new RateWindows(1, 2);
  for (const name of ['a', 'b', 'c']) windows.waitMs(name, 0);
  expect(windows.waitMs('c', 1)).toBeGreaterThan(0);
  expect(windows.waitMs('b', 1)).toBeGreaterThan(0);
  expect(windows.waitMs('a', 1)).toBe(0);
});

test('no window takes more than the limit, and a wait told is a wait that helps', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(30_000)), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), steps, (max, requests) => {
      const windows = new RateWindows(max);
      const taken = new Map<string, number[]>();
      let nowMs = 0;
      for (const [name, later] of requests) {
        nowMs += later;
        const waitMs = windows.waitMs(name, nowMs);
        if (waitMs > 0) {
          expect(waitMs).toBeLessThanOrEqual(60_000);
          nowMs += waitMs;
          expect(windows.waitMs(name, nowMs)).toBe(0);
        }
        const times = [...(taken.get(name) ?? []), nowMs];
        taken.set(name, times);
        // Two windows can touch: no minute sees more than both together.
        expect(times.filter((time) => time > nowMs - 60_000).length).toBeLessThanOrEqual(2 * max);
      }
    }),
  );
});
