import { describe, expect, it } from 'vitest';
import { FLEET_DETECTORS } from '../../src/domain/detectors/index.ts';
import { eventDetails } from '../../src/domain/features/event-details.ts';
import { FleetBook, PUBLICATION_DELAY_MS } from '../../src/domain/fleet/fleet-book.ts';
import type { CompiledFleet, FleetRow } from '../../src/domain/fleet/fleet-rule.ts';
import { PlatformFactor } from '../../src/domain/fleet/platform-factor.ts';
import { WindowedSets } from '../../src/domain/fleet/windowed-sets.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';

const START = Date.UTC(2026, 0, 5);

function compiled(kind: string): CompiledFleet {
  const detector = FLEET_DETECTORS.find((candidate) => candidate.kind === kind);
  const fleet = detector?.compile(
    { rarity: 3.5 },
    {
      unit: { kind: 'count', name: 'decade' },
      report: (_path, code) => expect.unreachable(code),
      warn: (_path, code) => expect.unreachable(code),
      duration: (_path, text) => Number.parseInt(text, 10) * (text.endsWith('d') ? DAY_MS : HOUR_MS),
      percent: () => undefined,
      amount: () => undefined,
    },
  );
  if (fleet === undefined) throw new Error(`${kind} did not compile`);
  return fleet;
}

function row(account: string, atMs: number, source: string, properties: { readonly [name: string]: string }): FleetRow {
  const meter = 'outcome' in properties ? 'auth' : 'signup';
  const details = eventDetails({ source, sequence: null, properties });
  return { account, meter, ingestedAtMs: atMs, details, isForeignSource: true };
}

/** Highest raw value told of each account. */
function tell(kind: string, rows: readonly FleetRow[]): Map<string, number> {
  const run = compiled(kind).open();
  const highest = new Map<string, number>();
  for (const one of rows) {
    run.see(one, (account, raw) => highest.set(account, Math.max(raw, highest.get(account) ?? 0)));
  }
  return highest;
}

function signups(count: number, properties: (index: number) => { readonly [name: string]: string }): FleetRow[] {
  return Array.from({ length: count }, (_, index) =>
    row(`acct ${index}`, START + index * HOUR_MS, `source ${index}`, properties(index)),
  );
}

describe('a ring', () => {
  it('raises every member when one more signs up on the device', () => {
    const shared = tell(
      'ring',
      signups(4, () => ({ device: 'd1', tier: 'free' })),
    );
    const larger = tell(
      'ring',
      signups(8, () => ({ device: 'd1', tier: 'free' })),
    );
    expect(shared.get('acct 0')).toBeGreaterThan(2);
    expect(larger.get('acct 0')).toBeGreaterThan(shared.get('acct 0') ?? 0);
  });

  it('stays quiet about sign-ups that share nothing but a popular region', () => {
    const alone = tell(
      'ring',
      signups(20, (index) => ({ device: `d${index}`, email_domain: `m${index}`, region: 'eu', tier: 'free' })),
    );
    expect(Math.max(...alone.values())).toBeLessThan(1);
  });

  it('forgets sign-ups that lie further back than its window', () => {
    const first = row('old', START, 's', { device: 'd1' });
    const second = row('new', START + 30 * DAY_MS, 's2', { device: 'd1' });
    expect(tell('ring', [first, second]).get('new')).toBe(0);
  });
});

describe('credential stuffing', () => {
  const fails = (count: number, source: (index: number) => string) =>
    Array.from({ length: count }, (_, index) =>
      row(`acct ${index}`, START + index * 60_000, source(index), { outcome: 'fail' }),
    );

  it('shows when one source fails at several accounts', () => {
    expect(
      tell(
        'stuffing',
        fails(4, () => 'rented'),
      ).get('acct 3'),
    ).toBeGreaterThan(3);
  });

  it('shows when many sources fail at many accounts, though each fails once', () => {
    expect(
      tell(
        'stuffing',
        fails(40, (index) => `rented ${index}`),
      ).get('acct 39'),
    ).toBeGreaterThan(3);
  });

  it('takes a success from a machine that failed nowhere for somebody with a new machine', () => {
    const attack = fails(40, (index) => `rented ${index}`);
    const success = (source: string) => row('bystander', START + HOUR_MS, source, { outcome: 'ok' });
    expect(tell('stuffing', [...attack, success('laptop')]).get('bystander')).toBe(0);
    const oneMachine = fails(4, () => 'rented');
    expect(tell('stuffing', [...oneMachine, success('rented')]).get('bystander')).toBeGreaterThan(3);
  });

  it('stays quiet about a few people at new machines', () => {
    const told = tell(
      'stuffing',
      fails(5, (index) => `laptop ${index}`),
    );
    expect(Math.max(...told.values())).toBeLessThan(1.4);
  });
});

describe('the book of the fleet', () => {
  it('tells nothing before a row is published', () => {
    const book = new FleetBook([{ ruleId: 'ring', fleet: compiled('ring') }]);
    for (const one of signups(5, () => ({ device: 'd1' }))) book.add(one);
    expect(book.publish(START + PUBLICATION_DELAY_MS - 1)).toEqual([]);
    expect(book.publish(START + 5 * HOUR_MS).length).toBeGreaterThan(5);
  });

  it('tells the same for the same rows', () => {
    const rows = signups(30, (index) => ({ device: `d${index % 4}`, tier: 'free', region: 'eu' }));
    expect([...tell('ring', rows)]).toEqual([...tell('ring', rows)]);
  });

  it('keeps bounded sets whatever values are made up', () => {
    const sets = new WindowedSets(DAY_MS, 100);
    for (let index = 0; index < 10_000; index++) sets.add(index % 1_000, `acct ${index}`, START + index);
    let members = 0;
    for (let value = 0; value < 1_000; value++) members += sets.size(value);
    expect(members).toBeLessThanOrEqual(100);
  });
});

describe('the platform factor', () => {
  const hours = (platform: PlatformFactor, from: number, count: number, perHour: number) => {
    for (let hour = from; hour < from + count; hour++) {
      for (let index = 0; index < perHour; index++) platform.count(START + hour * HOUR_MS + index);
    }
  };

  it('is one on ordinary days and two during a sale', () => {
    const platform = new PlatformFactor();
    hours(platform, 0, 240, 60);
    expect(platform.now()).toBeCloseTo(1, 2);
    hours(platform, 240, 6, 120);
    expect(platform.now()).toBeGreaterThan(1.8);
  });

  it('says nothing of a platform that has just started, and accuses nobody on a quiet day', () => {
    const platform = new PlatformFactor();
    hours(platform, 0, 48, 60);
    hours(platform, 48, 6, 600);
    expect(platform.now()).toBe(1);
    const settled = new PlatformFactor();
    hours(settled, 0, 240, 60);
    hours(settled, 240, 6, 20);
    expect(settled.now()).toBe(1);
  });
});
