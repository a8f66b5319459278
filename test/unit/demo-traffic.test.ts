import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Arrival, DemoOptions, WireUsageEvent } from '../../src/cli/demo/plan.ts';
import { DEMO_DEFAULTS, demoTraffic } from '../../src/cli/demo/traffic.ts';
import { parseUsageProfile } from '../../src/cli/demo/usage-profile.ts';
import { DEMO_PRICE_NANOS } from '../../src/cli/demo/usage-stream.ts';
import { contentHashOf } from '../../src/domain/events/event-key.ts';
import { parseUsageEvent } from '../../src/domain/events/parse-event.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';

const file = new URL('../../fixtures/usage-profile.json', import.meta.url);
const profile = parseUsageProfile(JSON.parse(readFileSync(file, 'utf8')));
const SMALL: DemoOptions = { ...DEMO_DEFAULTS, eventsTarget: 40_000 };
const PRICES: Readonly<Record<string, number>> = DEMO_PRICE_NANOS;

function digestOf(options: DemoOptions): string {
  const hash = createHash('sha256');
  for (const arrival of demoTraffic(profile, options).events()) hash.update(`${JSON.stringify(arrival)}\n`);
  return hash.digest('hex');
}

describe('the demo traffic, small', () => {
  it('is the same for the same seed, on every machine', () => {
    expect(digestOf(SMALL)).toBe('084f357c5774cb7a7b1f9b28ead6f3a0fe48d65d6bd7a3ffe760aba0f9d30689');
  });

  it('is other traffic with another seed', () => {
    expect(digestOf({ ...SMALL, seed: 3 })).not.toBe(digestOf(SMALL));
  });

  it('can be read twice from one plan', () => {
    const plan = demoTraffic(profile, { ...SMALL, eventsTarget: 4_000 });
    expect([...plan.events()]).toEqual([...plan.events()]);
  });

  it('keeps its cast when the attacks are taken out', () => {
    const script = { leakedKeys: 0, slowDrains: 0, tamperedMeters: 0, lookAlikes: false, noise: false };
    const plan = demoTraffic(profile, { ...SMALL, script });
    expect(plan.attacks).toEqual([]);
    expect(plan.accounts.map(({ account }) => account)).toEqual(
      demoTraffic(profile, SMALL).accounts.map(({ account }) => account),
    );
  });

  it.each([
    { accounts: 1, days: 1, eventsTarget: 100 },
    { accounts: 20, days: 3, eventsTarget: 5_000 },
    { accounts: 700, days: 28, eventsTarget: 60_000 },
  ])('fits other sizes: %o', (size) => {
    const plan = demoTraffic(profile, { ...DEMO_DEFAULTS, ...size });
    expect(plan.accounts).toHaveLength(size.accounts);
    expect(new Set(plan.accounts.map(({ account }) => account)).size).toBe(size.accounts);
    let events = 0;
    let lastMs = 0;
    for (const { arrivedAtMs } of plan.events()) {
      expect(arrivedAtMs >= lastMs).toBe(true);
      lastMs = arrivedAtMs;
      events += 1;
    }
    expect(events / size.eventsTarget).toBeGreaterThan(0.5);
    expect(events / size.eventsTarget).toBeLessThan(1.6);
    expect(lastMs).toBeLessThan(DEMO_DEFAULTS.startMs + (size.days + 1) * DAY_MS);
  });
});

interface Seen {
  events: number;
  refused: number;
  unknownMeter: number;
  duplicates: number;
  altered: number;
  late: number;
  inOrder: boolean;
  readonly meters: Set<string>;
  readonly spendNanos: Map<string, number>;
  readonly hourlyNanos: Map<string, Float64Array>;
  readonly stolenNanos: Map<string, number>;
  readonly alteredOf: Map<string, number>;
}

describe('the demo traffic, as shipped', () => {
  const plan = demoTraffic(profile, DEMO_DEFAULTS);
  const attackOf = new Map(plan.attacks.map((attack) => [attack.account, attack]));
  let seen: Seen;

  beforeAll(() => {
    seen = look(plan.events());
  });

  it('has the number of events asked for, in order of arrival', () => {
    expect(seen.inOrder).toBe(true);
    expect(Math.abs(seen.events / DEMO_DEFAULTS.eventsTarget - 1)).toBeLessThan(0.02);
    expect([...seen.meters].sort()).toEqual([...Object.keys(PRICES), 'cached_input_tokens'].sort());
  });

  it('has the noise of a real pipeline: a few refused, unpriced, late and repeated events', () => {
    expect(seen.refused).toBe(10);
    expect(seen.unknownMeter).toBe(24);
    expect(seen.duplicates / seen.events).toBeGreaterThan(0.0004);
    expect(seen.duplicates / seen.events).toBeLessThan(0.0008);
    expect(seen.late / seen.events).toBeGreaterThan(0.0015);
    expect(seen.late / seen.events).toBeLessThan(0.0035);
  });

  it('alters events of tampered meters only; every other repetition is exact', () => {
    const tampered = plan.attacks.filter(({ family }) => family === 'tampered_meter').map(({ account }) => account);
    expect([...seen.alteredOf.keys()].sort()).toEqual(tampered.sort());
    for (const copies of seen.alteredOf.values()) expect(copies).toBeGreaterThan(40);
  });

  it('spends what small and large customers spend, heavy-tailed', () => {
    const dollars = [...seen.spendNanos.values()].map((nanos) => nanos / 1e9).sort((a, b) => a - b);
    const at = (share: number): number => dollars[Math.floor(share * (dollars.length - 1))] ?? 0;
    expect(at(0.1)).toBeGreaterThan(0.3);
    expect(at(0.5)).toBeGreaterThan(2);
    expect(at(0.5)).toBeLessThan(8);
    expect(at(0.8)).toBeLessThan(30);
    expect(at(0.95)).toBeLessThan(90);
    expect(at(1)).toBeGreaterThan(200);
  });

  it('lets two honest wallets run dry, and nobody else', () => {
    const dry = plan.accounts.filter(
      ({ account, openingTopUpNanos }) => (seen.spendNanos.get(account) ?? 0) > Number(openingTopUpNanos),
    );
    expect(dry).toHaveLength(2);
    for (const { account } of dry) expect(attackOf.has(account)).toBe(false);
  });

  it('has one account that nobody topped up', () => {
    const funded = new Set(plan.accounts.map(({ account }) => account));
    expect([...seen.spendNanos.keys()].filter((account) => !funded.has(account))).toHaveLength(1);
  });

  it('gives each attack and look-alike an account of its own', () => {
    expect(plan.attacks.map(({ family }) => family).sort()).toEqual([
      'leaked_key',
      'leaked_key',
      'leaked_key',
      'slow_drain',
      'slow_drain',
      'tampered_meter',
      'tampered_meter',
    ]);
    const accounts = [...plan.attacks, ...plan.lookAlikes].map(({ account }) => account);
    expect(new Set(accounts).size).toBe(accounts.length);
  });

  it('burns 60 to 200 dollars in one night per leaked key, 10 to 85 times the account’s own pace', () => {
    for (const attack of plan.attacks.filter(({ family }) => family === 'leaked_key')) {
      const hours = (attack.endMs - attack.startMs) / HOUR_MS;
      const dollars = (seen.stolenNanos.get(attack.account) ?? 0) / 1e9;
      expect(hours).toBeGreaterThanOrEqual(5);
      expect(hours).toBeLessThanOrEqual(9);
      expect(dollars).toBeGreaterThan(60);
      expect(dollars).toBeLessThan(200);
      const times = dollars / hours / ownDollarsPerHour(attack.account, attack.startMs);
      expect(times).toBeGreaterThan(10);
      expect(times).toBeLessThan(85);
    }
  });

  it('drains slowly: two to three times the account’s own pace on top, for five days and nights', () => {
    for (const attack of plan.attacks.filter(({ family }) => family === 'slow_drain')) {
      const hours = (attack.endMs - attack.startMs) / HOUR_MS;
      const times =
        (seen.stolenNanos.get(attack.account) ?? 0) / 1e9 / hours / ownDollarsPerHour(attack.account, attack.startMs);
      expect(hours).toBe(120);
      expect(times).toBeGreaterThan(2);
      expect(times).toBeLessThan(3.2);
    }
  });

  function ownDollarsPerHour(account: string, untilMs: number): number {
    const hours = Math.floor((untilMs - DEMO_DEFAULTS.startMs) / HOUR_MS);
    const spend = Array.from(seen.hourlyNanos.get(account)?.subarray(0, hours) ?? []);
    return spend.reduce((sum, nanos) => sum + nanos, 0) / hours / 1e9;
  }

  function look(arrivals: Iterable<Arrival>): Seen {
    const counts = { events: 0, refused: 0, unknownMeter: 0, duplicates: 0, altered: 0, late: 0, inOrder: true };
    const found: Seen = {
      ...counts,
      meters: new Set(),
      spendNanos: new Map(),
      hourlyNanos: new Map(),
      stolenNanos: new Map(),
      alteredOf: new Map(),
    };
    const contents = new Map<string, bigint>();
    let lastMs = 0;
    for (const { arrivedAtMs, event } of arrivals) {
      found.events += 1;
      if (arrivedAtMs < lastMs || event.properties?.received_at !== new Date(arrivedAtMs).toISOString()) {
        found.inOrder = false;
      }
      lastMs = arrivedAtMs;
      const parsed = parseUsageEvent(event, false);
      if (!parsed.ok) {
        found.refused += 1;
        continue;
      }
      found.meters.add(event.meter);
      if (PRICES[event.meter] === undefined) found.unknownMeter += 1;
      const identity = `${event.source} ${event.id}`;
      const content = contentHashOf(parsed.event);
      const before = contents.get(identity);
      if (before === undefined) {
        contents.set(identity, content);
        if (arrivedAtMs - parsed.event.occurredAtMs > 60_000) found.late += 1;
        charge(found, parsed.event.account, parsed.event.occurredAtMs, event);
      } else if (before === content) {
        found.duplicates += 1;
      } else {
        found.alteredOf.set(parsed.event.account, (found.alteredOf.get(parsed.event.account) ?? 0) + 1);
      }
    }
    return found;
  }

  function charge(found: Seen, account: string, occurredAtMs: number, event: WireUsageEvent): void {
    const nanos = Number(event.quantity) * (PRICES[event.meter] ?? 0);
    const add = (map: Map<string, number>): void => void map.set(account, (map.get(account) ?? 0) + nanos);
    add(found.spendNanos);
    if (attackOf.get(account)?.key === event.properties?.key) add(found.stolenNanos);
    const hourly = found.hourlyNanos.get(account) ?? new Float64Array(DEMO_DEFAULTS.days * 24 + 1);
    const hour = Math.max(0, Math.floor((occurredAtMs - DEMO_DEFAULTS.startMs) / HOUR_MS));
    hourly[hour] = (hourly[hour] ?? 0) + nanos;
    found.hourlyNanos.set(account, hourly);
  }
});
