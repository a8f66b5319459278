import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPublic } from '../../../src/adapters/delivery/outgoing-http.ts';
import { pauseAfter, RETRY_AFTER_MS, retryAfter } from '../../../src/domain/delivery/back-off.ts';
import { isAwake, lastOccurrence } from '../../../src/domain/delivery/hours.ts';
import { routesOf } from '../../../src/domain/delivery/routes.ts';
import { zoneClock } from '../../../src/domain/dunning/local-time.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/domain/time.ts';

describe('when a delivery is tried again', () => {
  test('after waits that grow for three days, and then never', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: RETRY_AFTER_MS.length }), (key, attempts) => {
        const wait = retryAfter(key, attempts, null) ?? 0;
        const planned = RETRY_AFTER_MS[attempts - 1] ?? 0;
        expect(wait).toBeGreaterThanOrEqual(planned * 0.8 - 1);
        expect(wait).toBeLessThanOrEqual(planned * 1.2 + 1);
        expect(retryAfter(key, attempts, null)).toBe(wait);
      }),
    );
    expect(retryAfter('1', RETRY_AFTER_MS.length + 1, null)).toBeNull();
    const all = RETRY_AFTER_MS.reduce((sum, wait) => sum + wait, 0);
    expect(all).toBeGreaterThan(3 * DAY_MS);
    expect(all).toBeLessThan(4 * DAY_MS);
  });

  test('not before the receiver asks for it, up to a day', () => {
    expect(retryAfter('1', 1, 120_000)).toBe(120_000);
    expect(retryAfter('1', 1, 30 * DAY_MS)).toBe(DAY_MS);
    expect(retryAfter('1', 6, 1)).toBeGreaterThan(40 * MINUTE_MS);
  });

  test('what waits together is not tried together', () => {
    const waits = Array.from({ length: 50 }, (_, key) => retryAfter(`${key}`, 4, null));
    expect(new Set(waits).size).toBeGreaterThan(45);
  });

  test('a destination is left alone longer the longer it is away, and never for more than a quarter of an hour', () => {
    const pauses = [1, 2, 3, 4, 5, 50].map((failures) => pauseAfter(failures, null));
    expect(pauses).toEqual([0, 15_000, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 15 * MINUTE_MS]);
    expect(pauseAfter(1, 30_000)).toBe(30_000);
    expect(pauseAfter(1, DAY_MS)).toBe(15 * MINUTE_MS);
  });
});

describe('when people are written to', () => {
  test('customers by day, where they live', () => {
    const nineInBerlin = Date.UTC(2026, 6, 1, 7);
    expect(isAwake('Europe/Berlin', nineInBerlin)).toBe(true);
    expect(isAwake('America/New_York', nineInBerlin)).toBe(false);
    expect(isAwake('Mars/Olympus', Date.UTC(2026, 6, 1, 12))).toBe(true);
    expect(isAwake('UTC', Date.UTC(2026, 6, 1, 20))).toBe(false);
  });

  test('the digest at its hour, whatever summer time does', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/St_Johns');
    const moments = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });
    fc.assert(
      fc.property(zones, moments, fc.integer({ min: 4, max: 23 }), (zone, nowMs, hour) => {
        const at = lastOccurrence(hour, zone, nowMs);
        expect(at).toBeLessThanOrEqual(nowMs);
        expect(nowMs - at).toBeLessThanOrEqual(DAY_MS + HOUR_MS);
        expect(zoneClock(zone).at(at).hour).toBe(hour);
        expect(zoneClock(zone).at(at - 60_000).hour).not.toBe(hour);
      }),
    );
  });
});

test('customers get what is written for them, and support what is not', () => {
  const all = new Set(['mail', 'slack', 'webhook', 'customer'] as const);
  expect(routesOf('alert', all)).toEqual(['mail', 'slack', 'webhook']);
  expect(routesOf('low_balance', all)).toEqual(['customer', 'webhook']);
  expect(routesOf('dunning', new Set(['mail', 'slack']))).toEqual([]);
});

test.each([
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['172.16.0.1', false],
  ['192.168.1.1', false],
  ['169.254.169.254', false],
  ['100.64.0.1', false],
  ['0.0.0.0', false],
  ['255.255.255.255', false],
  ['224.0.0.1', false],
  ['192.0.2.1', false],
  ['::1', false],
  ['::', false],
  ['fe80::1', false],
  ['fc00::1', false],
  ['::ffff:10.0.0.1', false],
  ['::ffff:169.254.169.254', false],
  ['64:ff9b::a9fe:a9fe', false],
  ['2002:a9fe:a9fe::1', false],
  ['2001:0:1::1', false],
  ['fd00:ec2::254', false],
  ['168.63.129.16', false],
  ['not an address', false],
  ['93.184.216.34', true],
  ['8.8.8.8', true],
  ['2606:4700::1111', true],
  ['::ffff:8.8.8.8', true],
])('%s is public: %s', (address, is) => {
  expect(isPublic(address)).toBe(is);
});
