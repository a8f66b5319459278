/** A small seeded generator (mulberry32, public domain by Tommy Ettinger); the seed is printed by whoever fails. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Usage as a metering service would send it, with retries, altered copies, bad events and a burst that freezes. */
export interface RandomUsage {
  readonly jobs: readonly { readonly v: 1; readonly events: readonly object[] }[];
  /** Ids of valid events, each of which must end up posted or quarantined exactly once. */
  readonly ids: ReadonlySet<string>;
  readonly rejected: number;
}

const DAY_MS = 86_400_000;
const HISTORY_DAYS = 12;

/** Events of `accounts` accounts over the twelve days before `nowMs`; account 0 bursts at the end. */
export function randomUsage(
  seed: number,
  size: { readonly events: number; readonly accounts: number; readonly nowMs: number },
): RandomUsage {
  const random = seededRandom(seed);
  const ids = new Set<string>();
  let rejected = 0;
  const events: object[] = [];
  for (let index = 0; index < size.events; index++) {
    const event = oneEvent(random, index, size);
    const kind = random();
    if (kind < 0.02) {
      rejected++;
      events.push({ ...event, id: `bad-${index}`, quantity: '-1' });
      continue;
    }
    ids.add(event.id);
    events.push(event);
    if (kind < 0.06) events.push(event);
    else if (kind < 0.07) events.push({ ...event, quantity: '1' });
    else if (kind < 0.075) events.push({ ...event, id: `unknown-${index}`, meter: 'no_such_meter' });
    if (kind >= 0.07 && kind < 0.075) ids.add(`unknown-${index}`);
  }
  const jobs: RandomUsage['jobs'][number][] = [];
  for (let from = 0; from < events.length; ) {
    const count = 1 + Math.floor(random() * 40);
    jobs.push({ v: 1, events: events.slice(from, from + count) });
    from += count;
  }
  return { jobs, ids, rejected };
}

function oneEvent(
  random: () => number,
  index: number,
  { events, accounts, nowMs }: { readonly events: number; readonly accounts: number; readonly nowMs: number },
) {
  const burst = index > events * 0.6 && random() < 0.3;
  const ageMs = burst ? random() * 60_000 : (1 - index / events) * HISTORY_DAYS * DAY_MS;
  return {
    id: `evt-${index}`,
    source: `gateway-${index % 3}`,
    account: burst ? 'acct_0' : `acct_${Math.floor(random() * accounts)}`,
    meter: random() < 0.5 ? 'output_tokens' : 'api.calls',
    quantity: burst ? String(5_000 + Math.floor(random() * 1_000)) : (random() * 20).toFixed(3),
    occurredAt: new Date(nowMs - ageMs).toISOString(),
    properties: { key: `key_${Math.floor(random() * 4)}` },
  };
}
