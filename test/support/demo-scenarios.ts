import type { DemoOptions, DemoScript, WireUsageEvent } from '../../src/cli/demo/plan.ts';
import { DEMO_DEFAULTS, demoTraffic } from '../../src/cli/demo/traffic.ts';
import type { UsageProfile } from '../../src/cli/demo/usage-profile.ts';
import { badInput } from './bad-input.ts';

const HONEST: DemoScript = { leakedKeys: 0, slowDrains: 0, tamperedMeters: 0, lookAlikes: false, noise: false };

/** Real clients that rest on both weekends and on the holiday before the first one. */
const OFFICE_CLIENTS = ['m-mid-56', 'm-mid-88', 'm-mid-55'];

interface Scenario {
  readonly options: Partial<DemoOptions>;
  readonly clients?: readonly string[];
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'leaked-key': { options: { accounts: 2, days: 12, script: { ...HONEST, leakedKeys: 1 } } },
  'slow-drain': { options: { accounts: 2, days: 14, script: { ...HONEST, slowDrains: 1 } } },
  'tampered-meter': { options: { accounts: 1, days: 5, script: { ...HONEST, tamperedMeters: 1 } } },
  'quiet-weekend': { options: { accounts: 3, days: 14, script: HONEST }, clients: OFFICE_CLIENTS },
};

/** Text of every file in `fixtures/scenarios`, by file name. */
export function scenarioFiles(profile: UsageProfile): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, { options, clients }] of Object.entries(SCENARIOS)) {
    const events = eventsOf(profile, { ...DEMO_DEFAULTS, eventsTarget: 540, ...options }, clients);
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
  return demoTraffic(profile, { ...DEMO_DEFAULTS, eventsTarget: 540, ...scenario.options }).attacks;
}

function eventsOf(profile: UsageProfile, options: DemoOptions, clients?: readonly string[]): readonly WireUsageEvent[] {
  const chosen =
    clients === undefined
      ? profile
      : { ...profile, clients: profile.clients.filter(({ client }) => clients.includes(client)) };
  return Array.from(demoTraffic(chosen, options).events(), ({ event }) => event);
}

function csv(events: readonly WireUsageEvent[]): string {
  const lines = events.map(({ id, source, account, meter, quantity, occurredAt, properties }) =>
    [id, source, account, meter, quantity, occurredAt, properties?.received_at].join(','),
  );
  return `id,source,account,meter,quantity,occurredAt,received_at\n${lines.join('\n')}\n`;
}
