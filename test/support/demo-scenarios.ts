import type { DemoOptions, DemoScript, WireUsageEvent } from '../../src/cli/demo/plan.ts';
import { DEMO_DEFAULTS, demoTraffic } from '../../src/cli/demo/traffic.ts';
import type { UsageProfile } from '../../src/cli/demo/usage-profile.ts';
import { badInput } from './bad-input.ts';

const HONEST: DemoScript = { leakedKeys: 0, slowDrains: 0, tamperedMeters: 0, lookAlikes: false, noise: false };

// Some hundred events cannot carry the burstiness of the demo's gateways and still show an hour's spend: these report
// on a timer. The seeds are those whose attack is of middling size.
const SCENARIOS: Readonly<Record<string, Partial<DemoOptions>>> = {
  'leaked-key': {
    seed: 3,
    accounts: 2,
    days: 11,
    script: { ...HONEST, leakedKeys: 1 },
    clients: ['m-small-5', 'm-mid-14'],
    cvMax: 0.25,
  },
  'slow-drain': {
    seed: 3,
    accounts: 2,
    days: 14,
    script: { ...HONEST, slowDrains: 1 },
    clients: ['m-small-5', 'm-mid-14'],
    cvMax: 0.25,
  },
  'tampered-meter': { seed: 6, accounts: 1, days: 5, script: { ...HONEST, tamperedMeters: 1 }, cvMax: 0.25 },
  // Real clients that rest on both weekends and on the holiday before the first one.
  'quiet-weekend': {
    accounts: 3,
    days: 14,
    script: HONEST,
    clients: ['m-mid-56', 'm-mid-88', 'm-mid-55'],
    cvMax: 0.5,
  },
};

function optionsOf(scenario: Partial<DemoOptions>): DemoOptions {
  return { ...DEMO_DEFAULTS, eventsTarget: 550, ...scenario };
}

/** Text of every file in `fixtures/scenarios`, by file name. */
export function scenarioFiles(profile: UsageProfile): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    const events = eventsOf(profile, optionsOf(scenario));
    files.set(`${name}.ndjson`, `${events.map((event) => JSON.stringify(event)).join('\n')}\n`);
  }
  const few = eventsOf(profile, { ...DEMO_DEFAULTS, accounts: 3, days: 3, eventsTarget: 300, script: HONEST });
  files.set('usage.csv', csv(few));
  const { ndjson, expected } = badInput(DEMO_DEFAULTS.startMs);
  files.set('bad-input.ndjson', ndjson);
  files.set('bad-input.expected.json', expected);
  return files;
}

/** The attack that a scenario contains, for tests that compare it with what was found. */
export function scenarioAttacks(profile: UsageProfile, name: string): ReturnType<typeof demoTraffic>['attacks'] {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new RangeError(`no scenario ${name}`);
  return demoTraffic(profile, optionsOf(scenario)).attacks;
}

function eventsOf(profile: UsageProfile, options: DemoOptions): readonly WireUsageEvent[] {
  return Array.from(demoTraffic(profile, options).events(), ({ event }) => event);
}

function csv(events: readonly WireUsageEvent[]): string {
  const lines = events.map(({ id, source, account, meter, quantity, occurredAt, properties }) =>
    [id, source, account, meter, quantity, occurredAt, properties?.received_at].join(','),
  );
  return `id,source,account,meter,quantity,occurredAt,received_at\n${lines.join('\n')}\n`;
}
